import { expect, test } from 'vitest';
import type { CallSettings, FunctionTool } from '../../engine/ports.ts';
import type { Step } from '../../log/steps.ts';
import type { Harness } from './harness.ts';

const tool: FunctionTool = {
  type: 'function',
  name: 'weather',
  description: null,
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  strict: null,
};

const cases: readonly [what: string, text: string, settings: CallSettings][] = [
  ['a text', 'Microsoft holds 27 percent. [[words: 40]] [[cached: 3]]', {}],
  ['reasoning and a text', 'Why? [[reasoning: 20]]', {}],
  ['calls', 'Call weather {"city":"Oslo"} and weather {"city":"Rome"}', { tools: [tool], parallelToolCalls: true }],
  ['a cut-off text', 'Go. [[words: 400]]', { maxOutputTokens: 16 }],
  ['JSON', 'Give it as JSON.', { text: { format: { type: 'json_object' } } }],
  ['one that is read in many pieces', 'Go. [[bytes: 200000]]', {}],
];

/** Whatever is asked, both modes tell the same steps, but that the whole one needs one delta a part. */
export function saysTheSame(whole: Harness, streamed: Harness): void {
  test.each(cases)('%s', async (_, text, settings) => {
    const one = await whole.ask(text, settings);
    const many = await streamed.ask(text, settings);
    expect([one.error, many.error]).toEqual([null, null]);
    expect(joined(many.steps).length).toBeGreaterThan(3);
    expect(nameless(one.steps)).toEqual(nameless(joined(many.steps)));
  });
}

/** The deltas of each part as one. */
function joined(steps: readonly Step[]): readonly Step[] {
  const out: Step[] = [];
  for (const step of steps) {
    const last = out.at(-1);
    if (step.type === 'delta' && last?.type === 'delta') out[out.length - 1] = { ...last, text: last.text + step.text };
    else out.push(step);
  }
  return out;
}

/** Without what the upstream names anew in every answer. */
function nameless(steps: readonly Step[]): readonly Step[] {
  return steps.map(step => {
    if (step.type === 'end') return { ...step, upstream: { response: null, request: null } };
    if (step.type === 'item' && 'callId' in step.item) return { ...step, item: { ...step.item, callId: 'call' } };
    return step;
  });
}
