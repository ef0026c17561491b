import { describe, expect, test } from 'vitest';
import type { Step } from '../log/steps.ts';
import { cutAnswer, OutputCut, type OutputRules } from './cut-output.ts';

const usage = { input: 1, cached: 0, output: 9, reasoning: 0 };
const end: Step = { type: 'end', outcome: 'completed', reason: null, usage, upstream: { response: 'r', request: 'q' } };
const delta = (text: string): Step => ({ type: 'delta', index: 0, part: 0, text });
const message = (...texts: string[]): Step[] => [
  { type: 'item', index: 0, item: { type: 'message' } },
  { type: 'part', index: 0, part: 0, kind: 'output_text' },
  ...texts.map(delta),
  { type: 'part_done', index: 0, part: 0 },
  { type: 'item_done', index: 0 },
  end,
];
const rules = (more: Partial<OutputRules>): OutputRules => ({ stop: [], tokens: null, inputTokens: () => 7, ...more });
const textOf = (steps: readonly Step[]): string => steps.map(step => (step.type === 'delta' ? step.text : '')).join('');
/** Step after step, as they come. */
function streamed(steps: readonly Step[], given: Partial<OutputRules>): { cut: OutputCut; told: Step[] } {
  const cut = new OutputCut(rules(given), 'q');
  return { cut, told: steps.flatMap(step => cut.push([step])) };
}

describe('a stop text', () => {
  test('ends the answer before it, and stops the upstream; the usage is an upper estimate', () => {
    const { cut, told } = streamed(message('One, t', 'wo, thr', 'ee'), { stop: ['thr', ' two'] });
    expect(told).toEqual([
      ...message('One,').slice(0, 3),
      { type: 'part_done', index: 0, part: 0 },
      { type: 'item_done', index: 0 },
      {
        type: 'end',
        outcome: 'completed',
        reason: null,
        usage: { input: 7, cached: 0, output: 5, reasoning: 0 },
        metered: 'estimate',
        upstream: { response: null, request: 'q' },
      },
    ]);
    expect([cut.ended, cut.cut]).toEqual([true, true]);
  });

  test('that does not come takes nothing away', () => {
    const { cut, told } = streamed(message('a', 'b', 'a', 'x'), { stop: ['abab', 'ax!'] });
    expect(textOf(told)).toBe('abax');
    expect(told.at(-1)).toEqual(end);
    expect([cut.ended, cut.cut]).toEqual([true, false]);
  });

  test('of which only the beginning came is told at the end', () => {
    expect(textOf(streamed(message('x', '\n', '\n'), { stop: ['\n\n\n'] }).told)).toBe('x\n\n');
  });

  test('is none in the arguments of a call', () => {
    const call: Step[] = [
      { type: 'item', index: 0, item: { type: 'function_call', callId: 'c', name: 'f' } },
      delta('{"a":1}'),
      { type: 'item_done', index: 0 },
      end,
    ];
    expect(streamed(call, { stop: ['a'] }).told).toEqual(call);
  });

  test('after reasoning leaves the usage open: what that came to is hidden', () => {
    const steps: Step[] = [
      { type: 'item', index: 0, item: { type: 'reasoning' } },
      { type: 'item_done', index: 0 },
      ...message('a!').map(step => ('index' in step ? { ...step, index: 1 } : step)),
    ];
    expect(streamed(steps, { stop: ['!'] }).told.at(-1)).toMatchObject({ type: 'end', usage: null });
  });

  test('takes the log probabilities of what is not told with it', () => {
    const token = (text: string) => ({ token: text, logprob: -1, bytes: [] });
    const steps = message('', '').map((step, at) =>
      at === 2
        ? { ...delta('ab'), logprobs: [token('a'), token('b')] }
        : at === 3
          ? { ...delta('cd'), logprobs: [token('c'), token('d')] }
          : step,
    ) as Step[];
    const { told } = streamed(steps, { stop: ['cd'] });
    expect(told.flatMap(step => (step.type === 'delta' ? (step.logprobs ?? []) : []))).toEqual([
      token('a'),
      token('b'),
    ]);
  });
});

describe('a limit', () => {
  test('cuts by our own estimate, 3 characters of ASCII a token; the upstream tells its usage', () => {
    const { cut, told } = streamed(message('abc', 'def', 'ghi'), { tokens: 2 });
    expect(textOf(told)).toBe('abcdef');
    expect(told.slice(-2)).toEqual([
      { type: 'item_done', index: 0, incomplete: true },
      { ...end, outcome: 'incomplete', reason: 'max_output_tokens' },
    ]);
    expect(cut.cut).toBe(false);
    expect(streamed(message('abcdef'), { tokens: 2 }).told).toEqual(message('abcdef'));
  });

  test('does not cut a character in two', () => {
    expect(textOf(streamed(message('a\u{1f600}b'), { tokens: 1 }).told)).toBe('a');
  });

  test('holds for the arguments of calls', () => {
    const call: Step[] = [
      { type: 'item', index: 0, item: { type: 'function_call', callId: 'c', name: 'f' } },
      delta('{"a":1}'),
      { type: 'item_done', index: 0 },
      end,
    ];
    const { told } = streamed(call, { tokens: 1 });
    expect(textOf(told)).toBe('{"a');
    expect(told.at(-2)).toEqual({ type: 'item_done', index: 0, incomplete: true });
  });

  test('of an answer that came whole is kept if its usage shows it', () => {
    const steps = message('a rather long text');
    expect(cutAnswer(steps, rules({ tokens: 9 }), 'q')).toEqual(steps);
    expect(textOf(cutAnswer(steps, rules({ tokens: 5 }), 'q'))).toBe('a rather long t');
    expect(textOf(cutAnswer(steps, rules({ tokens: 9, stop: ['long'] }), 'q'))).toBe('a rather ');
    expect(cutAnswer(steps, rules({ stop: ['long'] }), 'q').at(-1)).toEqual(end);
  });
});
