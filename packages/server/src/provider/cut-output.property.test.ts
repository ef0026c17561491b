import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Step } from '../log/steps.ts';
import { OutputCut, type OutputRules } from './cut-output.ts';
import { brokenLaw } from './step-laws.test-support.ts';

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

/** The text before the stop text that is whole first, letter by letter. */
function before(whole: string, stops: readonly string[]): string {
  for (let to = 1; to <= whole.length; to++) {
    const read = whole.slice(0, to);
    const found = stops.filter(stop => read.endsWith(stop)).map(stop => stop.length);
    if (found.length > 0) return whole.slice(0, to - Math.max(...found));
  }
  return whole;
}

test('in whatever pieces it comes, what is told is the text before the stop text that is whole first, by the laws of steps', () => {
  const text = fc.stringMatching(/^[ab]{0,12}$/);
  const stops = fc.array(fc.stringMatching(/^[ab]{1,4}$/), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), stops, (texts, stop) => {
      const whole = texts.join('');
      const { told } = streamed(message(...texts.filter(one => one !== '')), { stop });
      expect(textOf(told)).toBe(before(whole, stop));
      expect(brokenLaw(told, true)).toBeNull();
    }),
    { numRuns: 1000 },
  );
});
