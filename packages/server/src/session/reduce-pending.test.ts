/** What a session remembers beside its turns: calls that are pending, and tools that were found. Both are bounded. */
import { expect, test } from 'vitest';
import type { EventBody } from '../log/events.ts';
import type { ResponseId } from '../kernel/ids.ts';
import { following, rareHistories } from './history.test-support.ts';
import { reduce } from './reduce.ts';
import { foundTools } from './reduce-agent.ts';
import { MAX_FOUND_TOOLS, MAX_PENDING_CALLS, type PendingCall, type SessionState } from './state.ts';

const [pending, unknown] = rareHistories();
const stateWhere = (holds: (state: SessionState) => boolean): SessionState => {
  const found = [...(pending?.states ?? []), ...(unknown?.states ?? [])].find(holds);
  if (found === undefined) throw new Error('the history does not come to it');
  return found;
};
const take = (state: SessionState, body: EventBody): SessionState | string => {
  const reduced = reduce(state, following(state, body));
  return reduced.ok ? reduced.state : reduced.message;
};
const idle = stateWhere(({ phase, pending: calls }) => phase === 'idle' && (calls?.length ?? 0) > 0);
const [call] = idle.pending ?? [];
if (call === undefined) throw new Error('a call is pending');

function answered(given: Partial<PendingCall> = {}): EventBody {
  const { seq: postponed, callId, item } = { ...call, ...given } as PendingCall;
  return { type: 'tool.answered', head: { postponed, callId, item, code: null }, payload: { items: [] } };
}

const response = 'resp_next' as ResponseId;
function accepted(results: readonly number[], count = 1): EventBody {
  return {
    type: 'input.accepted',
    head: { response, previous: null, count, answers: [], results },
    payload: { items: [] },
  };
}
const started: EventBody = {
  type: 'turn.started',
  head: { response, model: 'gpt', background: false, streamed: true, tools: null, instructions: null },
  payload: null,
};
const failed: EventBody = { type: 'turn.failed', head: { response, code: 'upstream_error' }, payload: { message: '' } };

function all(state: SessionState, ...bodies: readonly EventBody[]): SessionState {
  let now = state;
  for (const body of bodies) {
    const next = take(now, body);
    if (typeof next === 'string') throw new Error(next);
    now = next;
  }
  return now;
}

test('a call is answered once, and by its own result', () => {
  expect(take(idle, answered({ seq: 999 }))).toContain('is not pending');
  expect(take(idle, answered({ callId: 'call_other' }))).toContain('is not pending');
  expect(take(idle, answered({ item: 'fc_other' }))).toContain('is not pending');
  expect(take(all(idle, answered()), answered())).toContain('was answered already');
});

test('a turn takes what was answered, and gives it back if it fails', () => {
  expect(take(idle, accepted([call.seq]))).toContain('does not wait');
  const there = all(idle, answered());
  expect(take(there, accepted([call.seq], 0))).toContain('fewer items');
  expect(take(there, accepted([call.seq, call.seq], 2))).toContain('does not wait');
  const taken = all(there, accepted([call.seq]), started);
  expect([taken.pending, taken.turn?.took]).toEqual([[], there.pending]);
  expect(all(taken, failed).pending).toEqual(there.pending);
  // Queued in a turn that fails before it took its place: the same.
  const steered = all(idle, accepted([], 1), started, answered());
  expect([steered.pending, steered.turn?.queued?.length]).toEqual([[], 1]);
  expect(all(steered, failed).pending).toEqual([{ ...call, result: steered.seq }]);
});

test('a turn that fails takes the calls that it made with it', () => {
  const made = stateWhere(
    ({ turn, pending: calls }) => turn !== null && (calls ?? []).some(one => one.turn === turn.response),
  );
  const head = { response: made.turn?.response ?? response, code: 'upstream_error' };
  expect(all(made, { type: 'turn.failed', head, payload: { message: '' } }).pending).toEqual([]);
});

test.each([
  [MAX_PENDING_CALLS - 1, true],
  [MAX_PENDING_CALLS, false],
])('%i calls are pending: one more is %s', (many, taken) => {
  const asked = stateWhere(({ turn }) => turn?.tools.some(({ async }) => async === true) === true);
  const calls = Array.from({ length: many }, (_, i) => ({ ...call, seq: i, callId: `call_${i}` }));
  const callId = asked.turn?.tools[0]?.callId ?? '';
  const head = { callId, tool: 'report', item: 'fc_1', count: 1, expiresAt: 1 };
  const after = take(
    { ...asked, pending: calls },
    { type: 'tool.postponed', head, payload: { items: [], arguments: '' } },
  );
  expect(typeof after !== 'string').toBe(taken);
});

test('of the tools that were found the last are remembered, each once', () => {
  const names = Array.from({ length: MAX_FOUND_TOOLS }, (_, i) => `tool_${i}`);
  const full = foundTools(idle, names);
  expect(full.found).toEqual(names);
  expect(foundTools(full, ['tool_0', 'tool_0']).found).toEqual([...names.slice(1), 'tool_0']);
  expect(foundTools(full, ['more']).found).toEqual([...names.slice(1), 'more']);
  expect(foundTools(idle).found).toBeUndefined();
});
