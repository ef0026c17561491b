/** N5: a session that is begun under an `Idempotency-Key` is begun once. */
import { parseCreateSession } from '@perdure/protocol';
import { expect, test } from 'vitest';
import type { Engine } from '../engine.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes } from '../tools/agent-world.test-support.ts';
import { ACME, codeOf, RIVAL, World } from '../world.test-support.ts';

const KEY = { key: 'k1', body: 'Go' };

function begun(engine: Engine, idempotency = KEY, { caller = ACME, model = 'gpt' } = {}) {
  const given = parseCreateSession({ environment: { type: 'none' }, agent: { model }, input: 'Go' });
  if (!given.ok) throw given.error;
  return engine.agentSessions.create(caller, given.value, idempotency);
}

async function sessionsOf(engine: Engine): Promise<readonly string[]> {
  const query = { order: 'asc', limit: 10, after: null, agent: null, metadata: {} } as const;
  return (await engine.agentSessions.list(ACME, query)).data.map(({ id }) => id);
}

test('of many at once, and of one that comes after a restart, there is one session with one turn', async () => {
  const world = new World();
  const first = world.boot().engine;
  const all = await Promise.all([begun(first), begun(first), begun(first)]);
  const [{ view, turn }] = all;
  expect(all.map(one => [one.view.id, one.turn])).toEqual(all.map(() => [view.id, turn]));
  await becomes(first, view.id, 'idle');
  world.pass(60_000);
  const { engine } = world.boot();
  const again = await begun(engine);
  expect([again.view.id, again.turn]).toEqual([view.id, turn]);
  expect(await sessionsOf(engine)).toEqual([view.id]);
  expect(world.provider.calls).toHaveLength(1);
});

test('a key is its principal’s, and of one body', async () => {
  const { engine } = new World().boot();
  const { view } = await begun(engine);
  expect(await codeOf(begun(engine, { ...KEY, body: 'Stop' }))).toBe('idempotency_key_reused');
  const other = await begun(engine, KEY, { caller: RIVAL });
  expect(other.view.id).not.toBe(view.id);
});

test('what was refused is no session, and its key is free again', async () => {
  const { engine } = new World().boot();
  expect(await codeOf(begun(engine, KEY, { model: 'unknown' }))).toBe('model_not_found');
  expect(await sessionsOf(engine)).toEqual([]);
  await begun(engine, { ...KEY, body: 'otherwise' });
  expect(await sessionsOf(engine)).toHaveLength(1);
});

test('what may succeed later is gone on with: the same session', async () => {
  const world = new World({ limits: { concurrent: 1 } });
  let go = (): void => undefined;
  const held = new Promise<void>(resolve => (go = resolve));
  world.provider.inTurn(
    async function* () {
      await held;
      yield* batches(message('Hm.'));
    },
    () => batches(message('Hm.')),
  );
  const { engine } = world.boot();
  const busy = await begun(engine, { key: 'busy', body: 'Go' });
  expect(await codeOf(begun(engine))).toBe('rate_limit_exceeded');
  go();
  await becomes(engine, busy.view.id, 'idle');
  const { view, turn } = await begun(engine);
  expect(turn).not.toBeNull();
  expect((await sessionsOf(engine)).toSorted()).toEqual([busy.view.id, view.id].toSorted());
});

test('one that was deleted is not begun again', async () => {
  const { engine } = new World().boot();
  const { view } = await begun(engine);
  await becomes(engine, view.id, 'idle');
  await engine.agentSessions.delete(ACME, view.id);
  expect(await codeOf(begun(engine))).toBe('idempotency_completed');
  expect(await sessionsOf(engine)).toEqual([]);
});
