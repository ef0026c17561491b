/** A process dies at every write while the result of a call comes that the model went on without: the model is told of it, once. */
import { expect, test } from 'vitest';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import { ACME, until, World } from '../world.test-support.ts';
import { becomes, desk, session, TestTools } from './agent-world.test-support.ts';
import { AGENT, answer, asks, CALL, type Driven, say, says, sent, times, turnIds } from './async-world.test-support.ts';

const CUTS = [1, 2, 3, 4].flatMap(at => (['before', 'after'] as const).map((when): Cut => ({ at, when })));
const tools = () => desk(new TestTools());

async function turnStatus({ engine, id }: Driven): Promise<string> {
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 1, after: null });
  return data[0]?.row.status ?? '';
}

/** The turn rests: at its end, or because it waits for `quick`. */
async function rested(waits: boolean): Promise<{ readonly world: World; readonly id: string }> {
  const world = new World();
  world.provider.inTurn(
    waits ? asks(['slow', '{}'], ['quick', '{}']) : asks(['slow', '{}']),
    says('Meanwhile.'),
    says('It rains.'),
  );
  const { engine } = world.boot({ tools: tools() });
  const id = await session(engine, AGENT);
  await becomes(engine, id, waits ? 'requires_action' : 'idle');
  world.pass(60_000);
  return { world, id };
}

test.each(CUTS.flatMap(cut => [false, true].map(waits => ({ ...cut, waits }))))(
  'it comes to a session where a turn waits ($waits): $when write $at',
  async ({ waits, ...cut }) => {
    const { world, id } = await rested(waits);
    const dying = new DyingStore(cut);
    const second = world.boot({ tools: tools(), wrap: dying.wrap });
    const told = await answer({ ...second, id }).then(
      () => true,
      () => false,
    );
    if (told) await Promise.race([dying.died, becomes(second.engine, id, 'idle', 'requires_action')]);
    world.pass(60_000);
    const { engine } = world.boot({ tools: tools() });
    await engine.recover();
    const here: Driven = { engine, id };
    await becomes(engine, id, 'idle', 'requires_action');
    // Who was not told that it was taken sends it again, as the official client does.
    if (!told) await answer(here).catch(() => undefined);
    if (waits) await answer(here, { callId: 'call_quick_1', output: 'quick' });
    await becomes(engine, id, 'idle');
    const before = world.provider.calls.length;
    world.provider.follow(says('Yes.'));
    await say(here, 'Did it rain?');
    await until(() => world.provider.calls.length > before, 'the model is asked');
    await becomes(engine, id, 'idle');
    expect(times(sent(world, -1), 'it rains')).toBe(1);
    expect((await turnIds(here)).length).toBe(waits ? 2 : 3);
  },
);

test.each([1, 2, 3, 4, 5].flatMap(at => (['before', 'after'] as const).map((when): Cut => ({ at, when }))))(
  'the turn that makes the call: $when write $at',
  async cut => {
    const world = new World();
    world.provider.follow((call, n) =>
      JSON.stringify(call.context).includes(CALL) ? says('Meanwhile.')(call, n) : asks(['slow', '{}'])(call, n),
    );
    const dying = new DyingStore(cut);
    const first = world.boot({ tools: tools(), wrap: dying.wrap });
    const id = await session(first.engine, AGENT).catch(() => null);
    if (id === null) return;
    await Promise.race([dying.died, becomes(first.engine, id, 'idle')]);
    world.pass(60_000);
    const { engine } = world.boot({ tools: tools() });
    await engine.recover();
    await becomes(engine, id, 'idle');
    const { actions } = await engine.agentSessions.view(ACME, id);
    // It failed if the call had been shown and was cut; else the call is pending, once.
    const failed = (await turnStatus({ engine, id })) === 'failed';
    expect(actions).toHaveLength(failed ? 0 : 1);
    if (failed) return;
    world.provider.follow(says('It rains.'));
    const before = world.provider.calls.length;
    await answer({ engine, id });
    await until(() => world.provider.calls.length > before, 'the model is told');
    expect(times(sent(world, -1), 'it rains')).toBe(1);
  },
);
