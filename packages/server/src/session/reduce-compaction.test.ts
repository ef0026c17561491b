/** What a compaction changes in a session's state, and where it may not come. */
import { describe, expect, test } from 'vitest';
import type { HomeId, ResponseId } from '../kernel/ids.ts';
import type { EventBody } from '../log/events.ts';
import { following } from './history.test-support.ts';
import { next } from './next.ts';
import { reduce, reduceAll } from './reduce.ts';
import type { SessionState } from './state.ts';

const resp = (n: number): ResponseId => `resp_${n}` as ResponseId;
const none = { lineage: [], labels: [], openCalls: [], continues: null };
const origin = { product: 'api', channel: 'direct', segment: 'commercial', stateHeld: true, readings: {} };
const created: EventBody = {
  type: 'session.created',
  head: { kind: 'responses', home: 'local' as HomeId, owner: 'proc_1', origin, ...none },
  payload: null,
};
const begun = (n: number): EventBody[] => [
  {
    type: 'input.accepted',
    head: { response: resp(n), previous: null, count: 2, answers: [] },
    payload: { items: [] },
  },
  {
    type: 'turn.started',
    head: { response: resp(n), model: 'gpt', background: false, streamed: false, tools: null, instructions: null },
    payload: null,
  },
];
const placed = (call: number, purpose = 'turn'): EventBody => ({
  type: 'call.placed',
  head: { call, purpose, chosen: 'up-1', placement: {}, reserved: { input: 1, output: 2 } },
  payload: null,
});
const completed = (call: number, count: number): EventBody => ({
  type: 'call.completed',
  head: {
    call,
    outcome: 'completed',
    reason: null,
    usage: { input: 1, cached: 0, output: 1, reasoning: 0 },
    upstream: { response: null, request: null },
    count,
    calls: [],
  },
  payload: null,
});
const compacted = (to: number, final = false): EventBody => ({
  type: 'context.compacted',
  head: { to, count: 1, previous: null, final },
  payload: { items: [] },
});
const done = (n: number): EventBody => ({
  type: 'turn.completed',
  head: { response: resp(n), status: 'completed', reason: null },
  payload: null,
});
const failed = (n: number): EventBody => ({
  type: 'turn.failed',
  head: { response: resp(n), code: 'upstream_error' },
  payload: { message: '' },
});

function after(bodies: readonly EventBody[]): SessionState {
  let state: SessionState | null = null;
  for (const body of [created, ...bodies]) {
    const reduced = reduceAll(state, [following(state, body)]);
    if (!reduced.ok) throw new Error(reduced.message);
    state = reduced.state;
  }
  if (state === null) throw new Error('no state');
  return state;
}
const codeOf = (state: SessionState, body: EventBody): string | null => {
  const reduced = reduce(state, following(state, body));
  return reduced.ok ? null : reduced.code;
};

const turn = (n: number): EventBody[] => [...begun(n), placed(1), completed(1, 1), done(n)];

describe('context.compacted', () => {
  test('takes a position of its own and says from where the context is read', () => {
    const state = after([...turn(1), ...begun(2), compacted(3)]);
    expect(state).toMatchObject({ position: 6, compacted: { seq: 9, position: 6, to: 3 }, phase: 'turn_open' });
    expect(next(state)).toEqual({ type: 'call', call: 1 });
  });

  test('ends a turn that was for it alone', () => {
    const state = after([...turn(1), ...begun(2), compacted(5, true)]);
    expect(next(state)).toEqual({ type: 'finish', status: 'completed', reason: null });
    expect(after([...turn(1), ...begun(2), compacted(5, true), done(2)])).toMatchObject({
      phase: 'idle',
      head: resp(2),
    });
  });

  test('S3: is taken back with a turn that fails', () => {
    const first = [...turn(1), ...begun(2), compacted(3), placed(1), completed(1, 1), done(2)];
    const before = after(first);
    const state = after([...first, ...begun(3), compacted(7), failed(3)]);
    expect(state.compacted).toEqual(before.compacted);
    expect(state.position).toBe(before.position);
    expect(after([...turn(1), ...begun(2), compacted(3), failed(2)]).compacted).toBeNull();
  });

  test('after a call for it: that call answers nobody, and the turn goes on', () => {
    const asked = [...turn(1), ...begun(2), placed(1, 'compaction')];
    expect(codeOf(after(asked), completed(1, 1))).toBe('event_mismatch');
    const state = after([...asked, completed(1, 0), compacted(3)]);
    expect(state.turn).toMatchObject({ compaction: 'done', outcome: null });
    expect(next(state)).toEqual({ type: 'call', call: 2 });
    expect(codeOf(state, placed(2, 'compaction'))).toBe('event_mismatch');
  });

  test('is refused outside a turn, twice in one, after its answer, and for what is not there', () => {
    expect(codeOf(after(turn(1)), compacted(3))).toBe('event_not_allowed');
    const once = after([...turn(1), ...begun(2), compacted(3)]);
    expect(codeOf(once, compacted(3))).toBe('event_mismatch');
    expect(codeOf(after([...turn(1), ...begun(2), placed(1), completed(1, 1)]), compacted(3))).toBe('event_mismatch');
    const open = after([...turn(1), ...begun(2)]);
    expect([compacted(5), compacted(6)].map(body => codeOf(open, body))).toEqual([null, 'event_mismatch']);
  });

  test('is void once an item that it stands for is deleted, and only then', () => {
    const state = after([...turn(1), ...begun(2), compacted(3), placed(1), completed(1, 1), done(2)]);
    const deleting = (position: number) => {
      const reduced = reduce(state, following(state, { type: 'item.deleted', head: { position }, payload: null }));
      return reduced.ok && reduced.state.compacted;
    };
    expect([1, 3, 6].map(deleting)).toEqual([null, null, null]);
    expect([4, 5, 7].map(deleting)).toEqual([state.compacted, state.compacted, state.compacted]);
  });
});
