import { describe, expect, test } from 'vitest';
import { MAX_HELD_CHARS, MAX_ITEMS, OutputWriter } from './output-writer.ts';
import { brokenLaw } from './step-laws.test-support.ts';

const END = { outcome: 'completed', reason: null, usage: null, upstream: { response: null, request: null } } as const;
const brief = (writer: OutputWriter) =>
  writer
    .take()
    .map(step =>
      step.type === 'delta' ? `${step.index}${step.text}` : step.type === 'end' ? 'end' : `${step.index}${step.type}`,
    );

describe('P1: items come one after another', () => {
  test('what belongs to a later item waits until the earlier one is done', () => {
    const writer = new OutputWriter();
    const first = writer.begin({ type: 'function_call', callId: 'a', name: 'f' });
    const second = writer.begin({ type: 'function_call', callId: 'b', name: 'g' });
    second.delta('x');
    first.delta('1');
    expect(brief(writer)).toEqual(['0item', '01']);
    second.delta('y');
    second.done();
    first.delta('2');
    expect(brief(writer)).toEqual(['02']);
    first.done();
    expect(brief(writer)).toEqual(['0item_done', '1item', '1x', '1y', '1item_done']);
  });

  test('items that were done out of order come in the order of their beginnings', () => {
    const writer = new OutputWriter();
    const items = ['a', 'b', 'c', 'd'].map(callId => writer.begin({ type: 'function_call', callId, name: 'f' }));
    for (const at of [2, 1, 3, 0]) items[at]?.done();
    writer.end(END);
    const steps = writer.take();
    expect(brokenLaw(steps, true)).toBeNull();
    expect(steps.filter(step => step.type === 'item').map(step => step.index)).toEqual([0, 1, 2, 3]);
  });

  test('the end closes what is open, parts and waiting items included', () => {
    const writer = new OutputWriter();
    writer.begin({ type: 'message' }).part('output_text');
    writer.begin({ type: 'message' }).part('refusal');
    writer.end({ ...END, outcome: 'incomplete', reason: 'content_filter' });
    const steps = writer.take();
    expect(brokenLaw(steps, true)).toBeNull();
    expect(steps.filter(step => step.type === 'item_done' && step.incomplete).length).toBe(2);
  });
});

describe('bounds', () => {
  test('as much may wait as is held, not one character more', () => {
    const writer = new OutputWriter();
    writer.begin({ type: 'message' });
    const later = writer.begin({ type: 'function_call', callId: 'a', name: 'f' });
    later.delta('x'.repeat(MAX_HELD_CHARS));
    expect(() => later.delta('x')).toThrow(expect.objectContaining({ providerError: 'upstream_interrupted' }));
  });

  test('what was told waits no more', () => {
    const writer = new OutputWriter();
    const half = 'x'.repeat(MAX_HELD_CHARS / 2 + 1);
    for (let round = 0; round < 3; round++) {
      const first = writer.begin({ type: 'message' });
      const later = writer.begin({ type: 'function_call', callId: 'a', name: 'f' });
      later.delta(half);
      first.done();
      later.done();
    }
    expect(writer.take().length).toBe(15);
  });

  test('as many items as may be, not one more', () => {
    const writer = new OutputWriter();
    for (let at = 0; at < MAX_ITEMS; at++) writer.begin({ type: 'message' }).done();
    expect(() => writer.begin({ type: 'message' })).toThrow('too many items');
  });
});

test('P2: a part that begins ends the one before; the rest of a text is what has not come', () => {
  const writer = new OutputWriter();
  const item = writer.begin({ type: 'message' });
  item.part('output_text');
  item.delta('hel');
  item.rest('hello');
  item.part('refusal');
  item.rest('no');
  item.rest('no');
  item.done();
  writer.end(END);
  const steps = writer.take();
  expect(brokenLaw(steps, true)).toBeNull();
  expect(steps.flatMap(step => (step.type === 'delta' ? [step.text] : []))).toEqual(['hel', 'lo', 'no']);
});
