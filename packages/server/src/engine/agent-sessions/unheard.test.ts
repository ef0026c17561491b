/** N4: messages that a turn ended without. None is lost, and none is told twice, whatever dies. */
import { describe, expect, test } from 'vitest';
import { DyingStore } from '../crash.test-support.ts';
import type { Engine } from '../engine.ts';
import { batches, failure, message, thenFail, thenHang } from '../scripted-provider.test-support.ts';
import { sent, times } from '../tools/async-world.test-support.ts';
import { becomes, session } from '../tools/agent-world.test-support.ts';
import { ACME, type Booted, gate, until, World } from '../world.test-support.ts';

const FIRST = 'The cat is grey.';
const SECOND = 'The dog is brown.';
const THIRD = 'The cow is white.';

function say(engine: Engine, id: string, text: string): Promise<void> {
  const content = [{ type: 'input_text' as const, text }];
  return engine.agentSessions.post(
    ACME,
    id,
    [{ type: 'agent.session.input.message', input: [{ role: 'user', content }] }],
    null,
  );
}

const cancel = (engine: Engine, id: string): Promise<void> =>
  engine.agentSessions.post(ACME, id, [{ type: 'agent.session.input.cancel' }], null);

interface Here extends Booted {
  readonly world: World;
  readonly id: string;
}

/** A session whose turn is about to fail, with two messages that it has not taken. */
async function aboutToFail(): Promise<Here & { fail(): void }> {
  const world = new World();
  const fails = gate();
  world.provider.inTurn(
    async function* () {
      yield [];
      await fails.opened;
      yield* thenFail([], failure('upstream_rejected'));
    },
    () => batches(message('Heard.')),
  );
  const booted = world.boot();
  const id = await session(booted.engine);
  await until(() => world.provider.calls.length === 1, 'the call');
  await say(booted.engine, id, FIRST);
  await say(booted.engine, id, SECOND);
  return { ...booted, world, id, fail: () => fails.open() };
}

async function wakeDue(world: World, booted: Booted): Promise<number> {
  const rows = (await Promise.all(booted.stores.map(store => store.due(world.clock.now(), 10)))).flat();
  for (const row of rows) await booted.wake(row);
  return rows.length;
}

async function turns(engine: Engine, id: string): Promise<readonly (readonly [string, string])[]> {
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 100, after: null });
  return data.map(({ record }) => [
    record.progress.status,
    record.input
      .flatMap(item => (item['content'] as readonly { readonly text: string }[]).map(({ text }) => text))
      .join(' | '),
  ]);
}

/** Its last turn, the nth, has failed: what comes next is under way only if somebody is woken for it. */
async function failed({ engine, id }: Here, n = 1): Promise<void> {
  let now: readonly (readonly [string, string])[] = [];
  await until(() => {
    void turns(engine, id).then(all => void (now = all));
    return now.length === n && now.at(-1)?.[0] === 'failed';
  }, `a turn ${n} that failed`);
}

describe('after a turn that failed', () => {
  test('another begins by itself for what it did not take: until then the session is at work', async () => {
    const here = await aboutToFail();
    here.fail();
    await failed(here);
    expect((await here.engine.agentSessions.view(ACME, here.id)).status).toBe('in_progress');
    expect(await wakeDue(here.world, here)).toBe(1);
    await becomes(here.engine, here.id, 'idle');
    expect(await turns(here.engine, here.id)).toEqual([
      ['failed', 'Go'],
      ['completed', `${FIRST} | ${SECOND}`],
    ]);
    expect([times(sent(here.world, 1), FIRST), times(sent(here.world, 1), SECOND)]).toEqual([1, 1]);
    expect(await wakeDue(here.world, here)).toBe(0);
  });

  test('whoever says something first begins it, with what waited before it', async () => {
    const here = await aboutToFail();
    here.fail();
    await failed(here);
    await say(here.engine, here.id, THIRD);
    await becomes(here.engine, here.id, 'idle');
    expect((await turns(here.engine, here.id))[1]).toEqual(['completed', `${FIRST} | ${SECOND} | ${THIRD}`]);
    expect(await wakeDue(here.world, here)).toBe(0);
  });

  test('if that fails too, they are in its input, and no further turn begins', async () => {
    const here = await aboutToFail();
    here.world.provider.follow(() => thenFail([], failure('upstream_rejected')));
    here.fail();
    await failed(here);
    await wakeDue(here.world, here);
    await failed(here, 2);
    expect((await turns(here.engine, here.id))[1]).toEqual(['failed', `${FIRST} | ${SECOND}`]);
    expect((await here.engine.agentSessions.view(ACME, here.id)).status).toBe('idle');
    expect(await wakeDue(here.world, here)).toBe(0);
  });

  test.each([1, 2, 3, 4].flatMap(at => (['before', 'after'] as const).map(when => ({ at, when }))))(
    'a process that begins it dies $when write $at: they are told once',
    async cut => {
      const here = await aboutToFail();
      here.fail();
      await failed(here);
      here.world.pass(60_000);
      const dying = new DyingStore(cut);
      const second = here.world.boot({ wrap: dying.wrap });
      await wakeDue(here.world, second).catch(() => undefined);
      await Promise.race([dying.died, becomes(second.engine, here.id, 'idle')]);
      here.world.pass(60_000);
      const third = here.world.boot();
      await third.engine.recover();
      await wakeDue(here.world, third);
      await becomes(third.engine, here.id, 'idle');
      const [, ...rest] = await turns(third.engine, here.id);
      expect(rest).toEqual([['completed', `${FIRST} | ${SECOND}`]]);
    },
  );
});

describe('after a turn that was cancelled', () => {
  /** A session whose turn was cancelled before it took a message. */
  async function cancelled(): Promise<Here> {
    const world = new World();
    world.provider.inTurn(
      call => thenHang([], call),
      () => batches(message('Heard.')),
    );
    const booted = world.boot();
    const id = await session(booted.engine);
    await until(() => world.provider.calls.length === 1, 'the call');
    await say(booted.engine, id, FIRST);
    await cancel(booted.engine, id);
    return { ...booted, world, id };
  }

  test('they wait for whoever cancelled it, and come before what he says', async () => {
    const here = await cancelled();
    const { engine, id } = here;
    expect((await engine.agentSessions.view(ACME, id)).status).toBe('idle');
    expect(await wakeDue(here.world, here)).toBe(0);
    await say(engine, id, SECOND);
    await becomes(engine, id, 'idle');
    expect(await turns(engine, id)).toEqual([
      ['cancelled', 'Go'],
      ['completed', `${FIRST} | ${SECOND}`],
    ]);
  });

  test('they wait in the rows: another process has them too', async () => {
    const { world, id } = await cancelled();
    world.pass(60_000);
    const { engine } = world.boot();
    await say(engine, id, SECOND);
    await becomes(engine, id, 'idle');
    expect((await turns(engine, id))[1]).toEqual(['completed', `${FIRST} | ${SECOND}`]);
  });
});

test('a session that is deleted before it goes on wakes nobody', async () => {
  const here = await aboutToFail();
  here.fail();
  await failed(here);
  await here.engine.agentSessions.delete(ACME, here.id);
  expect(await wakeDue(here.world, here)).toBe(0);
});
