import { describe, expect, test } from 'vitest';
import { textOf } from '../raw-upstream.test-support.ts';
import { brokenLaw } from '../step-laws.test-support.ts';
import { readWhole } from './whole.ts';

const answer = (message: object, finish_reason: string | null = 'stop', more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', ...message }, logprobs: null, finish_reason }],
  ...more,
});
const read = (given: object) => readWhole(given as { [key: string]: unknown }, 'req_1');
const call = (args: string, more: object = {}) => ({
  id: 'a',
  type: 'function',
  function: { name: 'f', arguments: args },
  ...more,
});

test('text, usage and ids', () => {
  const usage = {
    prompt_tokens: 5,
    completion_tokens: 3,
    prompt_tokens_details: { cached_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 1 },
  };
  expect(read(answer({ content: 'Hello.', refusal: null, annotations: [] }, 'stop', { usage }))).toEqual([
    { type: 'item', index: 0, item: { type: 'message' } },
    { type: 'part', index: 0, part: 0, kind: 'output_text' },
    { type: 'delta', index: 0, part: 0, text: 'Hello.' },
    { type: 'part_done', index: 0, part: 0 },
    { type: 'item_done', index: 0 },
    {
      type: 'end',
      outcome: 'completed',
      reason: null,
      usage: { input: 5, cached: 2, output: 3, reasoning: 1 },
      upstream: { response: 'chatcmpl-1', request: 'req_1' },
    },
  ]);
});

test.each(['reasoning_content', 'reasoning'])('%s, text and refusal, in that order', name => {
  const steps = read(answer({ refusal: 'no', content: 'a', [name]: 'hm' }));
  expect(brokenLaw(steps, true)).toBeNull();
  expect(steps.flatMap(step => (step.type === 'part' ? [step.kind] : []))).toEqual([
    'reasoning_text',
    'output_text',
    'refusal',
  ]);
  expect(textOf(steps)).toBe('hmano');
});

test.each<[string, object]>([
  ['nothing', { content: null }],
  ['an empty text', { content: '' }],
])('%s is an empty message', (_, message) => {
  const steps = read(answer(message));
  expect(brokenLaw(steps, true)).toBeNull();
  expect(steps.filter(step => step.type === 'item')).toHaveLength(1);
  expect(textOf(steps)).toBe('');
});

describe('calls are told by their place', () => {
  test.each<[string, object, object]>([
    ['with ids', { id: 'a' }, { id: 'b' }],
    ['without ids', { id: undefined }, { id: undefined }],
    ['all of index 0', { index: 0 }, { index: 0, id: 'b' }],
    ['of one id, by a careless server', {}, {}],
  ])('%s', (_, first, second) => {
    const steps = read(answer({ content: null, tool_calls: [call('1', first), call('2', second)] }, 'tool_calls'));
    expect(brokenLaw(steps, true)).toBeNull();
    expect(steps.filter(step => step.type === 'item')).toHaveLength(2);
    expect(steps.flatMap(step => (step.type === 'delta' ? [step.text] : []))).toEqual(['1', '2']);
  });

  test('a cut-off falls on the last of them', () => {
    const calls = [call('{}'), call('{', { id: 'b' })];
    const steps = read(answer({ content: null, tool_calls: calls }, 'length'));
    expect(steps.flatMap(step => (step.type === 'item_done' ? [step.incomplete ?? false] : []))).toEqual([false, true]);
    expect(steps.at(-1)).toMatchObject({ outcome: 'incomplete', reason: 'max_output_tokens' });
  });
});

describe('what is no answer', () => {
  test.each<[string, object]>([
    ['an empty object', {}],
    ['no choice', { choices: [] }],
    ['a choice that is none', { choices: ['x'] }],
    ['a choice without a message', { choices: [{ finish_reason: 'stop' }] }],
    ['a choice that is not finished', answer({ content: 'a' }, null)],
    ['a choice that failed', answer({ content: 'a' }, 'error')],
    ['a content that is no text', answer({ content: 7 })],
    ['a call that is no object', answer({ tool_calls: ['x'] })],
    ['a call without a name', answer({ tool_calls: [{ id: 'a' }] })],
    ['an error', { error: { message: 'secret words', code: 'server_error' } }],
  ])('%s', (_, given) => {
    expect(() => read(given)).toThrow(
      expect.objectContaining({ providerError: 'upstream_interrupted', retryable: false, requestId: 'req_1' }),
    );
    expect(() => read(given)).not.toThrow('secret words');
  });

  test('an input that was too long', () => {
    expect(() => read({ error: { message: 'm', code: 'context_length_exceeded' } })).toThrow(
      expect.objectContaining({ providerError: 'context_length_exceeded', retryable: false }),
    );
  });
});
