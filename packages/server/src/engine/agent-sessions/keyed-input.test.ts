/** L2, N2: a request with a key is cut at each of its writes and sent again: each of its inputs is taken once. */
import { expect, test } from 'vitest';
import { type Cut, DyingStore } from '../crash.test-support.ts';
import type { Engine } from '../engine.ts';
import { batches, message } from '../scripted-provider.test-support.ts';
import { becomes, calls, outcomes, session, shown } from '../tools/agent-world.test-support.ts';
import { ACME, World } from '../world.test-support.ts';

const LOOK = { type: 'function', name: 'look', description: 'Looks.', parameters: { type: 'object' } };
const FIRST = 'The cat is grey.';
const SECOND = 'The dog is brown.';

const said = (text: string) => ({
  type: 'agent.session.input.message' as const,
  input: [{ role: 'user' as const, content: [{ type: 'input_text' as const, text }] }],
});

/** Waits for the result of its only tool. */
async function waiting(made: World): Promise<{ readonly id: string; readonly turn: string }> {
  made.provider.inTurn(
    () => batches(calls(['look', '{}'])),
    () => batches(message('Done.')),
  );
  const { engine } = made.boot();
  const id = await session(engine, { agent: { model: 'gpt', tools: [LOOK] } });
  await becomes(engine, id, 'requires_action');
  const { turn } = await engine.agentSessions.view(ACME, id);
  return { id, turn: turn ?? '' };
}

function requestOf(turn: string) {
  const result = {
    type: 'agent.session.input.tool_result' as const,
    turn_id: turn,
    call_id: 'call_look_0',
    success: true,
  };
  const events = [said(FIRST), { ...result, output: 'a tree' }, said(SECOND)];
  return { events, idempotency: { key: 'k1', body: JSON.stringify(events) } };
}

async function texts(engine: Engine, id: string): Promise<string> {
  const { data } = await engine.agentSessions.turns(ACME, id, { order: 'asc', limit: 100, after: null });
  const inputs = JSON.stringify(data.map(({ record }) => record.input));
  return inputs + (await shown(engine, id)).map(({ type, json }) => (type === 'perdure.input' ? json : '')).join('');
}

const WRITES = 6;
const CUTS = Array.from({ length: WRITES }, (_, i) => i + 1).flatMap(at =>
  (['before', 'after'] as const).map((when): Cut => ({ at, when })),
);

test.each(CUTS)('cut $when write $at', async cut => {
  const made = new World();
  const { id, turn } = await waiting(made);
  const { events, idempotency } = requestOf(turn);
  made.pass(60_000);
  const dying = new DyingStore(cut);
  const second = made.boot({ wrap: dying.wrap });
  const heard = await second.engine.agentSessions.post(ACME, id, events, idempotency).then(
    () => true,
    () => false,
  );
  if (heard) await Promise.race([dying.died, becomes(second.engine, id, 'idle')]);
  made.pass(60_000);
  const { engine } = made.boot();
  await engine.recover();
  // Sent again, and once more: whoever sends it knows nothing of what died.
  await engine.agentSessions.post(ACME, id, events, idempotency);
  await engine.agentSessions.post(ACME, id, events, idempotency);
  await becomes(engine, id, 'idle');
  const all = await texts(engine, id);
  expect([all.split(FIRST).length - 1, all.split(SECOND).length - 1]).toEqual([1, 1]);
  expect(await outcomes(engine, id)).toEqual([['look', 'done', 'a tree']]);
});

test('a cancel that is sent again ends no turn that began since', async () => {
  const made = new World();
  const { id } = await waiting(made);
  const events = [{ type: 'agent.session.input.cancel' as const }];
  const idempotency = { key: 'k2', body: 'cancel' };
  made.pass(60_000);
  // The key is reserved, the turn cancelled, and the process dies before it can say so.
  const dying = new DyingStore({ at: 3, when: 'after' });
  const second = made.boot({ wrap: dying.wrap });
  await second.engine.agentSessions.post(ACME, id, events, idempotency).catch(() => undefined);
  made.pass(60_000);
  const { engine } = made.boot();
  await engine.recover();
  await becomes(engine, id, 'idle');
  made.provider.inTurn(() => batches(calls(['look', '{}'])));
  await engine.agentSessions.post(ACME, id, [said(FIRST)], null);
  await becomes(engine, id, 'requires_action');
  await engine.agentSessions.post(ACME, id, events, idempotency);
  expect((await engine.agentSessions.view(ACME, id)).status).toBe('requires_action');
});

test('of a request that is refused half way nothing is taken twice', async () => {
  const made = new World();
  const { id, turn } = await waiting(made);
  made.pass(60_000);
  const { engine } = made.boot();
  const wrong = { type: 'agent.session.input.tool_result' as const, turn_id: turn, call_id: 'call_9', success: true };
  const events = [said(FIRST), wrong];
  for (let times = 0; times < 3; times++)
    await expect(engine.agentSessions.post(ACME, id, events, { key: 'k3', body: 'half' })).rejects.toThrow('call_9');
  const right = { ...wrong, call_id: 'call_look_0', output: 'a tree' };
  await engine.agentSessions.post(ACME, id, [right], null);
  await becomes(engine, id, 'idle');
  expect((await texts(engine, id)).split(FIRST)).toHaveLength(2);
});
