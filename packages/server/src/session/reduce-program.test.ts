/** P2, J3: calls that a program makes, as the reducer takes them. */
import { expect, test } from 'vitest';
import type { EventBody } from '../log/events.ts';
import { bend, following } from './history.test-support.ts';
import { next } from './next.ts';
import { reduce } from './reduce.ts';
import type { SessionState } from './state.ts';

/** A turn in which a model has called one tool, which runs. */
function running(): SessionState {
  const turn = { response: 'resp_1', tools: [], approvals: [], outcome: null, calls: 1, failures: 0 };
  const base = { kind: 'agent', phase: 'called', seq: 9, epoch: 1, position: 2, openCalls: ['prog'], accepted: null };
  const state = { ...base, turn, use: { toolsRun: 0 } } as unknown as SessionState;
  return all(state, request('prog'), start('prog'));
}

const request = (callId: string, more: object = {}): EventBody => ({
  type: 'tool.requested',
  head: { callId, tool: 't', idempotent: true, arguments: 'd', ...more },
  payload: null,
});
const inner = (index: number, more: object = {}): EventBody =>
  request(`call_${index}`, { caller: { program: 'prog', index }, ...more });
const start = (callId: string): EventBody => ({
  type: 'tool.started',
  head: { callId, approval: null },
  payload: null,
});
const end = (callId: string, count: number): EventBody => ({
  type: 'tool.completed',
  head: { callId, count },
  payload: { items: [] },
});
const suspend: EventBody = { type: 'tool.suspended', head: { callId: 'prog' }, payload: null };
const CLIENT = { origin: { kind: 'client' as const } };

function take(state: SessionState, body: EventBody): SessionState | string {
  const reduced = reduce(state, following(state, body));
  return reduced.ok ? reduced.state : reduced.message;
}

function all(state: SessionState, ...bodies: readonly EventBody[]): SessionState {
  return bodies.reduce((now, body) => {
    const after = take(now, body);
    if (typeof after === 'string') throw new Error(after);
    return after;
  }, state);
}

test('a call of a program takes no place in the context, and answers no call of the model', () => {
  const before = running();
  const after = all(before, inner(0), start('call_0'), end('call_0', 0));
  expect([after.position, after.openCalls]).toEqual([before.position, ['prog']]);
  expect(take(all(before, inner(0), start('call_0')), end('call_0', 1))).toMatch(/no call of the model/);
  expect(all(after, end('prog', 1))).toMatchObject({ position: before.position + 1, openCalls: [] });
});

test('calls come in their order, once each, and count toward the turn', () => {
  const one = all(running(), inner(0));
  expect(take(one, inner(0))).toMatch(/already requested/);
  expect(take(one, request('x', { caller: { program: 'prog', index: 0 } }))).toMatch(/is call 0 after 1/);
  expect(take(one, inner(2))).toMatch(/is call 2 after 1/);
  expect(all(one, inner(1)).turn?.toolCalls).toBe(3);
});

test.each([
  ['nothing', request('x', { caller: { program: 'none', index: 0 } }), /of no program/],
  ['a call of a program', request('x', { caller: { program: 'call_0', index: 0 } }), /of no program/],
])('no call is made by %s', (_, body, why) => {
  expect(take(all(running(), inner(0), start('call_0')), body)).toMatch(why);
});

test('a program does not end before its calls', () => {
  expect(take(all(running(), inner(0)), end('prog', 1))).toMatch(/calls that have not ended/);
});

test('a program that is suspended lets the turn wait, makes no call, and goes on when one of its calls ends', () => {
  expect(take(running(), suspend)).toMatch(/waits for nothing/);
  const asked = all(running(), inner(0, CLIENT), inner(1, CLIENT));
  expect([asked.phase, next(asked).type]).toEqual(['called', 'await_tools']);
  const waits = all(asked, suspend);
  expect([waits.phase, next(waits).type]).toEqual(['waiting', 'none']);
  expect(take(waits, inner(2))).toMatch(/does not run|cannot follow/);
  const on = all(waits, end('call_0', 0));
  expect([on.phase, next(on)]).toEqual(['called', { type: 'await_tools', callIds: ['prog'] }]);
  const again = all(on, start('prog'), suspend, end('call_1', 0), start('prog'));
  expect(all(again, end('prog', 1)).turn?.tools).toEqual([]);
});

test('while another call of it can run, nothing waits', () => {
  const state = all(running(), inner(0, CLIENT), inner(1), suspend);
  expect([state.phase, next(state)]).toEqual(['called', { type: 'run_tools', callIds: ['call_1'] }]);
});

test('histories of the other tests have programs in them', () => {
  const state = running();
  const bent = bend(state, inner(0));
  expect(take(state, bent)).toMatchObject({ turn: { toolCalls: 2 } });
});
