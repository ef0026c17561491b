/** C1 to C4: sessions are told of their environments, and tools wait for a worker as rows. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MAX_AWAITS, MAX_ENVIRONMENT_CHANGES } from '../../session/state.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, desk, outcomes, session } from '../tools/agent-world.test-support.ts';
import { ACME, gate, until } from '../world.test-support.ts';
import { spacing } from './tell.ts';
import {
  environmentOf,
  follows,
  has,
  NO_INPUT,
  post,
  selfHosted,
  ToldWorld,
  worker,
} from './told-world.test-support.ts';

let told: ToldWorld;
beforeEach(() => {
  told = new ToldWorld();
});
afterEach(() => told.workspaces.remove());

const CONNECTED = 'agent.session.environment.connected';
const DISCONNECTED = 'agent.session.environment.disconnected';
const types = (seen: readonly { readonly type: string }[]): readonly string[] => seen.map(({ type }) => type);
const statuses = (seen: readonly { readonly type: string }[]): readonly string[] =>
  types(seen).filter(type => type.includes('environment'));

/** The model calls the tool `once`, and then says that it is done. */
function callsOnce(): void {
  told.world.provider.inTurn(
    () => batches(calls(['once', '{"n":1}'])),
    () => batches(message('Done.')),
  );
}

describe('told', () => {
  test('a hosted environment is told of as it is made, in a form that a restart tells again', async () => {
    const { engine } = told.boot();
    const id = await session(engine, { environment: { type: 'openai_hosted' }, input: undefined });
    const seen = await follows(engine, id, has('agent.session.environment.ready'));
    expect(statuses(seen).at(-1)).toBe('agent.session.environment.ready');
    const environment = await environmentOf(engine, id);
    expect(seen.at(-1)?.event).toEqual({
      type: 'agent.session.environment.ready',
      session_id: id,
      turn_id: null,
      environment: { id: environment, error: null, status: 'ready', type: 'openai_hosted' },
      event_id: seen.at(-1)?.id,
    });
    told.world.pass(60_000);
    const second = told.boot();
    expect(await follows(second.engine, id, has('agent.session.environment.ready'))).toEqual(seen);
  });

  test('between two turns a worker that comes and goes is told of, each once, and read on from any of them', async () => {
    const { engine } = told.boot();
    const id = await selfHosted(engine, NO_INPUT);
    const one = await worker(engine, await environmentOf(engine, id));
    await one.comes();
    await follows(engine, id, has(CONNECTED));
    await one.goes();
    const seen = await follows(engine, id, has(CONNECTED, DISCONNECTED));
    expect(types(seen)).toEqual([CONNECTED, DISCONNECTED]);
    expect(new Set(seen.map(({ id: event }) => event)).size).toBe(2);
  });

  test('C3: one that flaps is told ever more rarely, and not without a bound', () => {
    expect([0, 3, 4, 5, 40].map(changes => spacing(changes))).toEqual([0, 0, 1_000, 2_000, 600_000]);
    const least = Array.from({ length: MAX_ENVIRONMENT_CHANGES }, (_, i) => spacing(i)).reduce((a, b) => a + b);
    expect(least).toBeGreaterThan(3 * 3_600_000);
  });

  test('C3: after the last that is told nothing is, until a turn begins', async () => {
    const { engine, stores } = told.boot();
    const id = await selfHosted(engine, NO_INPUT);
    const one = await worker(engine, await environmentOf(engine, id));
    const changes = async (): Promise<number> =>
      JSON.parse((await stores[0]?.session(ACME.tenant, id as never))?.state ?? '{}').environment?.changes ?? 0;
    for (let i = 1; i <= MAX_ENVIRONMENT_CHANGES; i++) {
      // As if the time between two had passed.
      told.world.pass(600_000);
      await (i % 2 === 1 ? one.comes() : one.goes());
      let now = 0;
      await until(() => {
        void changes().then(count => (now = count));
        return now === i;
      }, `change ${i}`);
    }
    const all = (seen: readonly { readonly type: string }[]): boolean =>
      statuses(seen).length >= MAX_ENVIRONMENT_CHANGES;
    expect(types(await follows(engine, id, all))).toHaveLength(MAX_ENVIRONMENT_CHANGES);
    told.world.pass(600_000);
    await one.comes();
    // A turn begins and ends: what was not told is told now, and once.
    told.world.provider.inTurn(() => batches(message('Hello.')));
    await post(engine, id, {
      type: 'agent.session.input.message',
      input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
    });
    const seen = await follows(engine, id, now => statuses(now).length > MAX_ENVIRONMENT_CHANGES);
    expect(statuses(seen).slice(MAX_ENVIRONMENT_CHANGES)).toEqual([CONNECTED]);
    expect(types(seen).at(-1)).toBe(CONNECTED);
  });

  test('C2: while a call of the model is in flight nothing is told; after it, in the order of the log', async () => {
    const { engine } = told.boot();
    const held = gate();
    told.world.provider.inTurn(async function* () {
      await held.opened;
      yield* batches(message('Hello.'));
    } as never);
    const id = await selfHosted(engine);
    const one = await worker(engine, await environmentOf(engine, id));
    await one.comes();
    held.open();
    const seen = await follows(engine, id, has(CONNECTED, 'agent.session.idle'));
    expect(types(seen).indexOf(CONNECTED)).toBeGreaterThan(types(seen).indexOf('agent.session.idle'));
  });
});

describe('a tool that needs a worker', () => {
  test('waits as rows, says so, and goes on by itself once one is there', async () => {
    const { engine } = told.boot();
    callsOnce();
    const id = await selfHosted(engine);
    await becomes(engine, id, 'requires_action');
    const view = await engine.agentSessions.view(ACME, id);
    const environment = await environmentOf(engine, id);
    expect(view.actions).toEqual([{ kind: 'environment_connection', environment_id: environment }]);
    // L4: nothing of the turn is in the process.
    expect(engine.busy).toBe(0);
    expect(told.tools.ran).toEqual([]);
    await (await worker(engine, environment)).comes();
    await becomes(engine, id, 'idle');
    expect(told.tools.ran.map(({ name }) => name)).toEqual(['once']);
    const seen = await follows(engine, id, has('agent.session.idle'));
    const order = types(seen).filter(type => /environment|requires_action|in_progress$/.test(type));
    expect(order).toEqual([
      'agent.session.in_progress',
      'agent.session.turn.in_progress',
      'agent.session.requires_action',
      CONNECTED,
      'agent.session.in_progress',
    ]);
  });

  test('after a restart too', async () => {
    const first = told.boot();
    callsOnce();
    const id = await selfHosted(first.engine);
    await becomes(first.engine, id, 'requires_action');
    const before = await follows(first.engine, id, has('agent.session.requires_action'));
    told.world.pass(60_000);
    const { engine } = told.boot();
    await engine.recover();
    expect((await engine.agentSessions.view(ACME, id)).status).toBe('requires_action');
    await (await worker(engine, await environmentOf(engine, id))).comes();
    await becomes(engine, id, 'idle');
    expect(told.tools.ran).toHaveLength(1);
    const after = await follows(engine, id, has('agent.session.idle'));
    expect(after.slice(0, before.length).map(({ id: event }) => event)).toEqual(before.map(({ id: event }) => event));
  });

  test('one that was told to be there is said to be gone before it is waited for', async () => {
    const { engine } = told.boot();
    const id = await selfHosted(engine, NO_INPUT);
    const one = await worker(engine, await environmentOf(engine, id));
    await one.comes();
    await follows(engine, id, has(CONNECTED));
    const held = gate();
    told.world.provider.inTurn(
      async function* () {
        await held.opened;
        yield* batches(calls(['once', '{}']));
      } as never,
      () => batches(message('Done.')),
    );
    const content = [{ type: 'input_text', text: 'Hi' }];
    await post(engine, id, {
      type: 'agent.session.input.message',
      input: [{ type: 'message', role: 'user', content }],
    });
    await one.goes();
    held.open();
    await becomes(engine, id, 'requires_action');
    const seen = await follows(engine, id, has('agent.session.requires_action'));
    expect(types(seen).slice(types(seen).indexOf(DISCONNECTED))).toEqual([
      DISCONNECTED,
      'agent.session.requires_action',
    ]);
  });

  test('is told that nobody came, when its time is up', async () => {
    told.workspaces.remove();
    told = new ToldWorld({ connectionMs: 1_000 });
    const booted = told.boot();
    const { engine, stores } = booted;
    callsOnce();
    const id = await selfHosted(engine);
    await becomes(engine, id, 'requires_action');
    const [store] = stores;
    expect(await store?.due(told.world.clock.now() + 999, 10)).toEqual([]);
    told.world.pass(1_000);
    const [row] = (await store?.due(told.world.clock.now(), 10)) ?? [];
    if (row === undefined) throw new Error('nothing is due');
    await booted.wake(row);
    await becomes(engine, id, 'idle');
    expect(await outcomes(engine, id)).toEqual([
      ['once', 'environment_disconnected', expect.stringContaining('not connected in time')],
    ]);
    expect(told.tools.ran).toEqual([]);
  });

  test('is cancelled with its turn, and goes with its session', async () => {
    const { engine } = told.boot();
    callsOnce();
    const id = await selfHosted(engine);
    await becomes(engine, id, 'requires_action');
    await post(engine, id, { type: 'agent.session.input.cancel' });
    await becomes(engine, id, 'idle');
    told.world.provider.inTurn(() => batches(calls(['once', '{}'])));
    const other = await selfHosted(engine);
    await becomes(engine, other, 'requires_action');
    await engine.agentSessions.delete(ACME, other);
    await expect(engine.agentSessions.view(ACME, other)).rejects.toMatchObject({ code: 'session_not_found' });
    expect(told.tools.ran).toEqual([]);
  });

  test('waits a bounded number of times in a turn', async () => {
    const { engine } = told.boot({ tools: desk(told.tools) });
    told.world.provider.inTurn(
      ...Array.from({ length: MAX_AWAITS + 1 }, () => () => batches(calls(['once', '{}']))),
      () => batches(message('Done.')),
    );
    const id = await selfHosted(engine);
    const one = await worker(engine, await environmentOf(engine, id));
    // Each time that it is served, the worker goes before the next call.
    told.tools.act = async () => {
      await one.goes();
      return { ok: true, output: 'did' };
    };
    for (let i = 0; i < MAX_AWAITS; i++) {
      await becomes(engine, id, 'requires_action');
      await one.comes();
      let ran = 0;
      await until(() => (ran = told.tools.ran.length) > i, `run ${i + 1} of ${ran}`);
    }
    await becomes(engine, id, 'idle');
    expect(told.tools.ran).toHaveLength(MAX_AWAITS);
    expect((await outcomes(engine, id)).at(-1)).toEqual([
      'once',
      'environment_disconnected',
      expect.stringContaining('again and again'),
    ]);
  });
});
