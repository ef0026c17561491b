/** G1, G2 of calls that a program makes. */
import { expect, test } from 'vitest';
import { type Fact, type FoldEvent, ToolFold } from './tool-fold.ts';

const requested = (callId: string, more: object, payload: object | null = { salt: 's' }): FoldEvent =>
  ({
    type: 'tool.requested',
    head: { callId, tool: 't', idempotent: true, arguments: 'd', ...more },
    payload,
  }) as FoldEvent;
const inner = (
  index: number,
  kind: string,
  payload: object | null = { salt: 's', arguments: `{"n":${index}}` },
): FoldEvent =>
  requested(`c${index}`, { item: `fc_1_${index}`, origin: { kind }, caller: { program: 'p', index } }, payload);
const started = (callId: string): FoldEvent => ({
  type: 'tool.started',
  head: { callId, approval: null },
  payload: null,
});
const ended = (callId: string, count: number): FoldEvent => ({
  type: 'tool.completed',
  head: { callId, count },
  payload: { items: [{ type: 'function_call_output', id: `fco_${callId}`, call_id: callId, output: 'x' }] },
});
const suspended: FoldEvent = { type: 'tool.suspended', head: { callId: 'p' }, payload: null };
const PROGRAM: readonly FoldEvent[] = [
  {
    type: 'call.completed',
    head: {},
    payload: {
      items: [{ type: 'function_call', id: 'fc_1', call_id: 'p', name: 'run', arguments: '{}' }],
      deltas: null,
    },
  } as unknown as FoldEvent,
  requested('p', { item: 'fc_1' }),
  started('p'),
];
const WHOLE: readonly FoldEvent[] = [
  ...PROGRAM,
  inner(0, 'client'),
  inner(1, 'builtin'),
  started('c1'),
  ended('c1', 0),
  suspended,
  ended('c0', 0),
  started('p'),
  ended('p', 1),
];

function told(fold: ToolFold, events: readonly FoldEvent[]): Fact[] {
  return events.flatMap((event, i) => [...fold.take(event, 4, events[i + 1]?.type ?? null)]);
}

test('each is told of with its program, and the turn waits from when the program is let go', () => {
  const facts = told(new ToolFold(), WHOLE);
  expect(facts.map(({ type, json }) => [type, json['call_id'] ?? null])).toEqual([
    ['perdure.tool', 'p'],
    ['perdure.tool', 'c0'],
    ['perdure.tool', 'c1'],
    ['perdure.tool_done', 'c1'],
    ['perdure.waiting', null],
    ['perdure.tool_done', 'c0'],
    ['perdure.resumed', null],
    ['perdure.tool_done', 'p'],
  ]);
  expect(facts[1]?.json).toMatchObject({
    name: 't',
    arguments: '{"n":0}',
    item_id: 'fc_1_0',
    output_index: 4,
    caller: { type: 'program', caller_id: 'p' },
  });
  const waiting = facts.find(({ type }) => type === 'perdure.waiting');
  expect(waiting?.json['actions']).toMatchObject([{ kind: 'function_call', call_id: 'c0' }]);
});

test('G1: the same wherever the log was read to first', () => {
  const whole = told(new ToolFold(), WHOLE);
  for (let at = 0; at <= WHOLE.length; at++) {
    const fold = new ToolFold();
    expect([...told(fold, WHOLE.slice(0, at)), ...told(fold, WHOLE.slice(at))]).toEqual(whole);
  }
});

test('L13: of one whose payload was erased nothing is told, and the rest is', () => {
  const facts = told(new ToolFold(), [
    ...PROGRAM,
    inner(0, 'builtin', null),
    started('c0'),
    ended('c0', 0),
    ended('p', 1),
  ]);
  expect(facts.map(({ json }) => json['call_id'])).toEqual(['p', 'p']);
});
