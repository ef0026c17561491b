import { describe, expect, test } from 'vitest';
import type { CustomTool, FunctionTool } from '../../engine/ports.ts';
import type { LoggedItem } from '../../log/events.ts';
import { type Harness, endOf, itemTypes } from './harness.ts';
import { outcomeOf, textOf, userItem, userRun } from '../raw-upstream.test-support.ts';
import { brokenLaw } from '../step-laws.test-support.ts';

const weather: FunctionTool = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};

/** Answers of every shape, and what is sent for them. */
export function answersWell(harness: Harness): void {
  describe('answers', () => {
    test('a text is one message, whole, with its end last (P1-P3)', async () => {
      const { steps, error } = await harness.ask('Microsoft holds 27 percent. [[words: 40]]');
      expect(error).toBeNull();
      expect(brokenLaw(steps, true)).toBeNull();
      expect(itemTypes(steps)).toEqual(['message']);
      expect(textOf(steps)).toMatch(/^\[emulated azure\] .{60}/);
      const deltas = steps.filter(step => step.type === 'delta').length;
      if (harness.mode === 'whole') expect(deltas).toBe(1);
      else expect(deltas).toBeGreaterThan(10);
      expect(endOf(steps)).toMatchObject({ outcome: 'completed', reason: null });
    });

    test('usage is normalised, and the upstream ids are kept', async () => {
      const { steps } = await harness.ask('One. [[words: 12]] [[cached: 3]] [[reasoning: 7]]');
      const { usage, upstream } = endOf(steps);
      expect(usage).toMatchObject({ cached: 3, reasoning: 7 });
      expect(usage?.input).toBeGreaterThan(3);
      expect(usage?.output).toBeGreaterThan(7);
      expect(upstream.response).toMatch(/^(resp|chatcmpl)/);
      expect(upstream.request).toMatch(/^\S+$/);
    });

    test('parallel calls are items of their own, their arguments whole', async () => {
      const text = 'Call weather {"city":"Oslo"} and weather {"city":"Rome"}';
      const { steps, error } = await harness.ask(text, {
        tools: [weather],
        toolChoice: 'auto',
        parallelToolCalls: true,
      });
      expect(error).toBeNull();
      expect(brokenLaw(steps, true)).toBeNull();
      expect(itemTypes(steps)).toEqual(['function_call', 'function_call']);
      expect(textOf(steps)).toBe('{"city":"Oslo"}{"city":"Rome"}');
      const calls = steps.flatMap(step =>
        step.type === 'item' && step.item.type === 'function_call' ? [step.item] : [],
      );
      expect(calls.map(item => item.name)).toEqual(['weather', 'weather']);
      expect(new Set(calls.map(item => item.callId)).size).toBe(2);
    });

    test('a custom tool is called with one text, and answers', async () => {
      const sql: CustomTool = {
        type: 'custom',
        name: 'sql',
        description: 'Runs a query.',
        format: { type: 'grammar', syntax: 'regex', definition: 'select .*' },
      };
      const question = userItem('Use sql `select 1`');
      const settings = { tools: [sql, weather], toolChoice: { type: 'custom', name: 'sql' } };
      const first = await outcomeOf(harness.asked(harness.callOf({ context: [{ items: [question] }], settings })));
      expect(first.error).toBeNull();
      expect(brokenLaw(first.steps, true)).toBeNull();
      expect(textOf(first.steps)).toBe('select 1');
      const asked = first.steps.find(step => step.type === 'item');
      if (asked?.type !== 'item' || asked.item.type !== 'custom_tool_call') throw new Error('no call was made');
      const { callId: call_id, name } = asked.item;
      expect(name).toBe('sql');
      const made: LoggedItem = {
        type: 'custom_tool_call',
        id: 'ctc_a',
        status: 'completed',
        call_id,
        name,
        input: 'select 1',
      };
      const output: LoggedItem = {
        type: 'custom_tool_call_output',
        id: 'ctco_a',
        status: 'completed',
        call_id,
        output: 'one row',
      };
      const context = [{ items: [question] }, { items: [made] }, { items: [output] }];
      const { steps, error } = await outcomeOf(harness.asked(harness.callOf({ context, settings: { tools: [sql] } })));
      expect(error).toBeNull();
      expect(textOf(steps)).toContain('one row');
    });

    test('log probabilities come with the text they are of, if they are wanted; and the tier that was used', async () => {
      const { steps, error } = await harness.ask('Hello.', { logprobs: true, topLogprobs: 2, serviceTier: 'flex' });
      expect(error).toBeNull();
      const tokens = steps.flatMap(step => (step.type === 'delta' ? (step.logprobs ?? []) : []));
      expect(tokens.map(({ token }) => (typeof token === 'string' ? token : '')).join('')).toBe(textOf(steps));
      expect(tokens.every(({ top_logprobs: top }) => Array.isArray(top) && top.length === 2)).toBe(true);
      expect(endOf(steps).serviceTier).toBe('flex');
      const plain = await harness.ask('Hello.');
      expect(plain.steps.some(step => step.type === 'delta' && step.logprobs !== undefined)).toBe(false);
    });

    test('a call and its output go back, and the model answers from them', async () => {
      const question = userItem('Call weather {"city":"Oslo"}');
      const settings = { tools: [weather] };
      const first = await outcomeOf(harness.asked(harness.callOf({ context: [{ items: [question] }], settings })));
      const asked = first.steps.find(step => step.type === 'item');
      if (asked?.type !== 'item' || asked.item.type !== 'function_call') throw new Error('no call was made');
      const { callId } = asked.item;
      const made: LoggedItem[] = [
        {
          type: 'message',
          id: 'msg_a',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Let me see.', annotations: [], logprobs: [] }],
        },
        {
          type: 'function_call',
          id: 'fc_a',
          status: 'completed',
          call_id: callId,
          name: 'weather',
          arguments: '{"city":"Oslo"}',
        },
      ];
      const output: LoggedItem = {
        type: 'function_call_output',
        id: 'fco_a',
        status: 'completed',
        call_id: callId,
        output: 'minus four degrees',
      };
      const context = [{ items: [question] }, { items: made }, { items: [output] }];
      const { steps, error } = await outcomeOf(harness.asked(harness.callOf({ context, settings })));
      expect(error).toBeNull();
      expect(textOf(steps)).toContain('minus four degrees');
    });

    test('a schema is passed on and filled', async () => {
      const schema = {
        type: 'object',
        properties: { n: { type: 'integer' } },
        required: ['n'],
        additionalProperties: false,
      };
      const { steps, error } = await harness.ask('Give it.', {
        text: { format: { type: 'json_schema', name: 'out', schema, strict: true } },
      });
      expect(error).toBeNull();
      expect(JSON.parse(textOf(steps))).toHaveProperty('n');
    });

    test('a length cut-off is incomplete, in the item and at the end, and carries usage', async () => {
      const { steps, error } = await harness.ask('Go. [[words: 400]]', { maxOutputTokens: 16 });
      expect(error).toBeNull();
      expect(brokenLaw(steps, true)).toBeNull();
      expect(endOf(steps)).toMatchObject({
        outcome: 'incomplete',
        reason: 'max_output_tokens',
        usage: { output: 16 },
      });
      expect(steps.at(-2)).toMatchObject({ type: 'item_done', incomplete: true });
    });

    test('the estimate of the input is not below what the upstream counts', async () => {
      const texts = [
        'Hi.',
        'Where does Microsoft hold state? '.repeat(60),
        'Где хранится состояние? '.repeat(40),
        '状態はどこにありますか。'.repeat(40),
      ];
      for (const text of texts) {
        const settings = { tools: [weather], instructions: 'Be brief.' };
        const run = userRun(text);
        const { steps } = await outcomeOf(harness.asked(harness.callOf({ context: [run], settings })));
        const estimate = harness.provider().estimateInput([run], settings);
        const counted = endOf(steps).usage?.input ?? 0;
        expect(estimate).toBeGreaterThanOrEqual(counted);
        expect(estimate).toBe(harness.provider().estimateInput([run], settings));
      }
    });
  });
}
