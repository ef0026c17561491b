/** L12: the bytes of a stream, pinned; and what the builder does with steps that break P1 to P3. */
import { describe, expect, test } from 'vitest';
import type { Step } from '../log/steps.ts';
import { OutputBuilder, type OutputPlace, type WireEvent } from './output.ts';

const BODY = 'b'.repeat(28);
const place = { body: BODY, call: 1, seq: 2, index: 0 };

function show(steps: readonly Step[], cut = false, at: OutputPlace = place): string[] {
  const builder = new OutputBuilder(at);
  const events: WireEvent[] = [];
  for (const step of steps) builder.push(step, events);
  if (cut) builder.cut(events);
  return events.map(({ json }) => json);
}

const MSG = `msg_${BODY}01000`;
const OPEN: Step[] = [
  { type: 'item', index: 0, item: { type: 'message' } },
  { type: 'part', index: 0, part: 0, kind: 'output_text' },
  { type: 'delta', index: 0, part: 0, text: 'He"y' },
];

test('L12: a message', () => {
  const rest: Step[] = [
    { type: 'part_done', index: 0, part: 0 },
    { type: 'item_done', index: 0 },
  ];
  expect(show([...OPEN, ...rest])).toEqual([
    `{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"message","id":"${MSG}","status":"in_progress","role":"assistant","content":[]}}`,
    `{"type":"response.content_part.added","sequence_number":3,"item_id":"${MSG}","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}}`,
    `{"type":"response.output_text.delta","sequence_number":4,"item_id":"${MSG}","output_index":0,"content_index":0,"delta":"He\\"y","logprobs":[]}`,
    `{"type":"response.output_text.done","sequence_number":5,"item_id":"${MSG}","output_index":0,"content_index":0,"text":"He\\"y","logprobs":[]}`,
    `{"type":"response.content_part.done","sequence_number":6,"item_id":"${MSG}","output_index":0,"content_index":0,"part":{"type":"output_text","text":"He\\"y","annotations":[],"logprobs":[]}}`,
    `{"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":{"type":"message","id":"${MSG}","status":"completed","role":"assistant","content":[{"type":"output_text","text":"He\\"y","annotations":[],"logprobs":[]}]}}`,
  ]);
});

test('L12: a function call', () => {
  const id = `fc_${BODY}01000`;
  const steps: Step[] = [
    { type: 'item', index: 0, item: { type: 'function_call', callId: 'c1', name: 'f' } },
    { type: 'delta', index: 0, part: 0, text: '{}' },
    { type: 'item_done', index: 0 },
  ];
  expect(show(steps)).toEqual([
    `{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"function_call","id":"${id}","status":"in_progress","call_id":"c1","name":"f","arguments":""}}`,
    `{"type":"response.function_call_arguments.delta","sequence_number":3,"item_id":"${id}","output_index":0,"delta":"{}"}`,
    `{"type":"response.function_call_arguments.done","sequence_number":4,"item_id":"${id}","output_index":0,"name":"f","arguments":"{}"}`,
    `{"type":"response.output_item.done","sequence_number":5,"output_index":0,"item":{"type":"function_call","id":"${id}","status":"completed","call_id":"c1","name":"f","arguments":"{}"}}`,
  ]);
});

test('L12: a custom tool call', () => {
  const id = `ctc_${BODY}01000`;
  const steps: Step[] = [
    { type: 'item', index: 0, item: { type: 'custom_tool_call', callId: 'c1', name: 'sql' } },
    { type: 'delta', index: 0, part: 0, text: 'a "b"' },
    { type: 'item_done', index: 0 },
  ];
  expect(show(steps)).toEqual([
    `{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"custom_tool_call","id":"${id}","status":"in_progress","call_id":"c1","name":"sql","input":""}}`,
    `{"type":"response.custom_tool_call_input.delta","sequence_number":3,"item_id":"${id}","output_index":0,"delta":"a \\"b\\""}`,
    `{"type":"response.custom_tool_call_input.done","sequence_number":4,"item_id":"${id}","output_index":0,"input":"a \\"b\\""}`,
    `{"type":"response.output_item.done","sequence_number":5,"output_index":0,"item":{"type":"custom_tool_call","id":"${id}","status":"completed","call_id":"c1","name":"sql","input":"a \\"b\\""}}`,
  ]);
});

test('L12: log probabilities and padding, where they are asked for', () => {
  const weight = { token: 'He"y', logprob: -0.5, bytes: [72], top_logprobs: [] };
  const json = JSON.stringify([weight]);
  const steps: Step[] = [
    ...OPEN.slice(0, 2),
    { type: 'delta', index: 0, part: 0, text: 'He"y', logprobs: [weight] },
    { type: 'part_done', index: 0, part: 0 },
    { type: 'item_done', index: 0 },
  ];
  const at = `"item_id":"${MSG}","output_index":0,"content_index":0`;
  const part = `{"type":"output_text","text":"He\\"y","annotations":[],"logprobs":${json}}`;
  const asked = { ...place, view: { include: ['message.output_text.logprobs'], padded: true } };
  expect(show(steps, false, asked).slice(2)).toEqual([
    `{"type":"response.output_text.delta","sequence_number":4,${at},"delta":"He\\"y","logprobs":${json},"obfuscation":"xR7mQ2wKp"}`,
    `{"type":"response.output_text.done","sequence_number":5,${at},"text":"He\\"y","logprobs":${json}}`,
    `{"type":"response.content_part.done","sequence_number":6,${at},"part":${part}}`,
    `{"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":{"type":"message","id":"${MSG}","status":"completed","role":"assistant","content":[${part}]}}`,
  ]);
  const plain: Step = { type: 'delta', index: 0, part: 0, text: 'He"y' };
  expect(show(steps, false, { ...place, view: { include: [], padded: false } })).toEqual(
    show([...steps.slice(0, 2), plain, ...steps.slice(3)]),
  );
});

test('a text that was cut closes as incomplete commentary; the answer after it is the final one', () => {
  const shown = show(OPEN, true).map(
    json => JSON.parse(json) as { type: string; item?: { status: string; phase?: string } },
  );
  expect(shown.map(({ type }) => type).slice(3)).toEqual([
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
  ]);
  expect(shown.at(-1)?.item).toMatchObject({ status: 'incomplete', phase: 'commentary' });
  const answer = new OutputBuilder({ ...place, phase: 'final_answer' });
  for (const step of [...OPEN, { type: 'part_done', index: 0, part: 0 }, { type: 'item_done', index: 0 }] as Step[])
    answer.push(step, []);
  expect(answer.items[0]).toMatchObject({ status: 'completed', phase: 'final_answer' });
});

test('a cut between two items leaves no trace', () => {
  const builder = new OutputBuilder(place);
  const events: WireEvent[] = [];
  builder.cut(events);
  expect([events, builder.items, builder.isEmpty]).toEqual([[], [], true]);
});

test('a function call counts as shown from its first step', () => {
  const builder = new OutputBuilder(place);
  expect(builder.hasCall).toBe(false);
  builder.push({ type: 'item', index: 0, item: { type: 'function_call', callId: 'c', name: 'f' } }, []);
  expect(builder.hasCall).toBe(true);
  builder.push({ type: 'item_done', index: 0 }, []);
  expect(builder.hasCall).toBe(true);
});

test('parts of reasoning that came mixed are kept in their order, and the usual order costs nothing', () => {
  const part = (part: number, kind: 'summary_text' | 'reasoning_text'): Step[] => [
    { type: 'part', index: 0, part, kind },
    { type: 'part_done', index: 0, part },
  ];
  const payloadOf = (...parts: Step[][]): unknown => {
    const builder = new OutputBuilder(place);
    const item: Step = { type: 'item', index: 0, item: { type: 'reasoning' } };
    for (const step of [item, ...parts.flat(), { type: 'item_done', index: 0 } as const]) builder.push(step, []);
    return builder.payload(true);
  };
  expect(payloadOf(part(0, 'reasoning_text'), part(1, 'summary_text'))).toMatchObject({ mixed: { 0: [false, true] } });
  expect(payloadOf(part(0, 'summary_text'), part(1, 'reasoning_text'))).not.toHaveProperty('mixed');
  expect(payloadOf(part(0, 'reasoning_text'))).not.toHaveProperty('mixed');
});

describe('steps that break the rules are refused, not shown', () => {
  const bad: [string, Step[]][] = [
    ['P1: an item inside an item', [...OPEN.slice(0, 1), { type: 'item', index: 1, item: { type: 'message' } }]],
    ['P2: a delta before its part', [OPEN[0] as Step, OPEN[2] as Step]],
    ['P2: the end of a part that never began', [OPEN[0] as Step, { type: 'part_done', index: 0, part: 0 }]],
    ['P1: a delta outside an item', [OPEN[2] as Step]],
    ['P1: the end of no item', [{ type: 'item_done', index: 0 }]],
    ['P2: a part inside a part', [...OPEN, { type: 'part', index: 0, part: 1, kind: 'output_text' }]],
    [
      'P2: a part of a function call',
      [
        { type: 'item', index: 0, item: { type: 'function_call', callId: 'c', name: 'f' } },
        { type: 'part', index: 0, part: 0, kind: 'output_text' },
      ],
    ],
    ['P2: an item that ends inside its part', [...OPEN, { type: 'item_done', index: 0 }]],
  ];
  test.each(bad)('%s', (_, steps) => {
    expect(() => show(steps)).toThrow(Error);
  });
});
