/** Messages that came while a turn ran, and what becomes of them when it ends without them: bounded, in order, once. */
import { expect, test } from 'vitest';
import type { ResponseId } from '../kernel/ids.ts';
import type { EventBody } from '../log/events.ts';
import { following, rareHistories } from './history.test-support.ts';
import { reduce } from './reduce.ts';
import { beginsAt, goesOn, MAX_QUEUED_INPUTS, type SessionState, waitingMessages, wakeAt } from './state.ts';

const [, , asking] = rareHistories();
const open = asking?.states.find(({ turn, phase }) => turn !== null && phase === 'calling');
if (open?.turn == null) throw new Error('the history comes to no call');
const response = open.turn.response;

const queue: EventBody = { type: 'input.queued', head: { count: 1 }, payload: { items: [] } };
const failed: EventBody = { type: 'turn.failed', head: { response, code: 'upstream_error' }, payload: { message: '' } };
const cancelled: EventBody = {
  type: 'turn.cancelled',
  head: { response },
  payload: null,
};
const begin = (queued: readonly number[]): EventBody => ({
  type: 'input.accepted',
  head: { response: 'resp_next' as ResponseId, previous: null, count: 1, answers: [], queued },
  payload: { items: [] },
});

function take(state: SessionState, body: EventBody): SessionState | string {
  const reduced = reduce(state, following(state, body));
  return reduced.ok ? reduced.state : reduced.message;
}

function all(state: SessionState, ...bodies: readonly EventBody[]): SessionState {
  return bodies.reduce((now, body) => {
    const next = take(now, body);
    if (typeof next === 'string') throw new Error(next);
    return next;
  }, state);
}

const seqs = ({ unheard }: SessionState): readonly number[] => (unheard?.inputs ?? []).map(({ seq }) => seq);

test('a turn that fails leaves them to the next, which is due at once; one that is cancelled leaves it to who cancelled it', () => {
  const two = all(open, queue, queue);
  const after = all(two, failed);
  expect(seqs(after)).toEqual([two.seq - 1, two.seq]);
  expect([beginsAt(after), wakeAt(after), goesOn(after)]).toEqual([after.updatedAt, after.updatedAt, true]);
  const left = all(two, cancelled);
  expect(seqs(left)).toEqual(seqs(after));
  expect([beginsAt(left), wakeAt(left), goesOn(left)]).toEqual([null, null, false]);
});

test('a turn without any leaves nothing', () => {
  const after = all(open, failed);
  expect([after.unheard, wakeAt(after)]).toEqual([undefined, null]);
});

test('the next takes them in their order, each once', () => {
  const after = all(open, queue, queue, failed);
  const [first = 0, second = 0] = seqs(after);
  expect(take(after, begin([second]))).toContain('does not wait');
  expect(take(after, begin([first, second, second]))).toContain('does not wait');
  expect(take(after, begin([999]))).toContain('does not wait');
  expect(seqs(all(after, begin([first])))).toEqual([second]);
  expect(all(after, begin([first, second])).unheard).toBeUndefined();
});

test('a turn runs what it began with, however often the session is changed meanwhile', () => {
  const configured = (version: number): EventBody => ({
    type: 'agent.configured',
    head: { agent: 'agent_a', version },
    payload: { config: {} },
  });
  const agent = { ...open, kind: 'agent', agent: { id: 'agent_a', version: 1, seq: 2 } } as const;
  const changed = all(agent, configured(2), configured(3));
  expect([changed.turn?.runs, changed.agent?.version]).toEqual([2, 3]);
  const after = all(changed, failed);
  expect(after.agent).toEqual({ id: 'agent_a', version: 3, seq: changed.seq });
  expect(all(after, configured(4)).turn).toBeNull();
});

test('what is erased waits no more', () => {
  const after = all(open, queue, queue, failed);
  const [first = 0] = seqs(after);
  const part = all(after, {
    type: 'session.erased',
    head: { after: first - 1, before: first + 1, whole: false },
    payload: null,
  });
  expect(seqs(part)).toEqual([first + 1]);
  const whole = all(after, { type: 'session.erased', head: { after: 0, whole: true }, payload: null });
  expect([whole.unheard, wakeAt(whole)]).toEqual([undefined, null]);
});

test.each([
  [MAX_QUEUED_INPUTS - 1, 0, true],
  [MAX_QUEUED_INPUTS, 0, false],
  [8, MAX_QUEUED_INPUTS - 9, true],
  [8, MAX_QUEUED_INPUTS - 8, false],
])('%i wait for the open turn and %i for the next: one more is %s', (many, unheard, taken) => {
  const inputs = Array.from({ length: unheard }, (_, i) => ({ seq: i, count: 1 }));
  const before = { ...open, ...(unheard > 0 && { unheard: { inputs, since: null } }) };
  const full = all(before, ...Array.from({ length: many }, () => queue));
  expect(waitingMessages(full)).toBe(many + unheard);
  expect(typeof take(full, queue) !== 'string').toBe(taken);
});
