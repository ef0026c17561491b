import { describe, expect, test } from 'vitest';
import { textOf } from '../raw-upstream.test-support.ts';
import { brokenLaw } from '../step-laws.test-support.ts';
import { readWhole } from './whole.ts';

const answer = (output: readonly unknown[], more: object = {}) => ({
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  error: null,
  incomplete_details: null,
  output,
  ...more,
});
const read = (given: object) => readWhole(given as { [key: string]: unknown }, 'req_1');
const message = (content: readonly unknown[], status = 'completed') => ({
  type: 'message',
  id: 'up_1',
  role: 'assistant',
  status,
  content,
});
const text = (said: string, annotations: readonly object[] = []) => ({ type: 'output_text', text: said, annotations });
const call = (call_id: string, args: string) => ({
  type: 'function_call',
  id: 'up_2',
  call_id,
  name: 'f',
  arguments: args,
  status: 'completed',
});

test('every kind of item and part, in order, one delta a part', () => {
  const citation = { type: 'url_citation', url: 'https://example.com', title: 't', start_index: 0, end_index: 1 };
  const usage = {
    input_tokens: 5,
    output_tokens: 3,
    input_tokens_details: { cached_tokens: 2 },
    output_tokens_details: { reasoning_tokens: 1 },
  };
  const reasoning = {
    type: 'reasoning',
    id: 'rs',
    summary: [{ type: 'summary_text', text: 'short' }],
    content: [{ type: 'reasoning_text', text: 'deep' }],
    encrypted_content: 'sealed',
  };
  const refusal = { type: 'refusal', refusal: 'No.' };
  const output = [
    reasoning,
    { type: 'web_search_call', id: 'ws' },
    message([text('Hello', [citation]), refusal]),
    call('c', '{"a":1}'),
  ];
  expect(read(answer(output, { usage }))).toEqual([
    { type: 'item', index: 0, item: { type: 'reasoning' } },
    { type: 'part', index: 0, part: 0, kind: 'summary_text' },
    { type: 'delta', index: 0, part: 0, text: 'short' },
    { type: 'part_done', index: 0, part: 0 },
    { type: 'part', index: 0, part: 1, kind: 'reasoning_text' },
    { type: 'delta', index: 0, part: 1, text: 'deep' },
    { type: 'part_done', index: 0, part: 1 },
    { type: 'item_done', index: 0, encryptedContent: 'sealed' },
    { type: 'item', index: 1, item: { type: 'message' } },
    { type: 'part', index: 1, part: 0, kind: 'output_text' },
    { type: 'delta', index: 1, part: 0, text: 'Hello' },
    { type: 'part_done', index: 1, part: 0, annotations: [citation] },
    { type: 'part', index: 1, part: 1, kind: 'refusal' },
    { type: 'delta', index: 1, part: 1, text: 'No.' },
    { type: 'part_done', index: 1, part: 1 },
    { type: 'item_done', index: 1 },
    { type: 'item', index: 2, item: { type: 'function_call', callId: 'c', name: 'f' } },
    { type: 'delta', index: 2, part: 0, text: '{"a":1}' },
    { type: 'item_done', index: 2 },
    {
      type: 'end',
      outcome: 'completed',
      reason: null,
      usage: { input: 5, cached: 2, output: 3, reasoning: 1 },
      upstream: { response: 'resp_1', request: 'req_1' },
    },
  ]);
});

test.each([
  ['max_output_tokens', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
  ['something_new', null],
])('incomplete by %s', (reason, expected) => {
  const cut = { status: 'incomplete', incomplete_details: { reason } };
  const steps = read(answer([message([text('a')], 'incomplete')], cut));
  expect(brokenLaw(steps, true)).toBeNull();
  expect(steps.at(-2)).toEqual({ type: 'item_done', index: 0, incomplete: true });
  expect(steps.at(-1)).toMatchObject({ outcome: 'incomplete', reason: expected });
});

test('an answer without output or status, as far as it is one', () => {
  expect(read(answer([]))).toHaveLength(1);
  expect(textOf(read({ output: [message([text('a')])] }))).toBe('a');
});

describe('what is no answer', () => {
  const error = { code: 'server_error', message: 'secret words' };

  test.each<[string, object]>([
    ['an empty object', {}],
    ['no output', { ...answer([]), output: undefined }],
    ['one that has only begun', answer([message([text('a')])], { status: 'in_progress' })],
    ['one that was put off', answer([], { status: 'queued' })],
    ['one that was cancelled', answer([], { status: 'cancelled' })],
    ['one that failed', answer([message([text('a')])], { status: 'failed', error })],
    ['an error', { error }],
    ['a call without an id', answer([{ type: 'function_call', name: 'f' }])],
  ])('%s', (_, given) => {
    expect(() => read(given)).toThrow(
      expect.objectContaining({ providerError: 'upstream_interrupted', retryable: false, requestId: 'req_1' }),
    );
    expect(() => read(given)).not.toThrow('secret words');
  });

  test.each<[string, object, string]>([
    ['a failure by its code', answer([], { status: 'failed', error }), '(server_error)'],
    ['an error without a status too', { error }, '(server_error)'],
    ['a cancelled one as a failure', answer([], { status: 'cancelled' }), 'reported a failure'],
    ['what has only begun as cut', answer([], { status: 'in_progress' }), 'before it was complete'],
  ])('%s is told', (_, given, words) => {
    expect(() => read(given)).toThrow(words);
  });

  test('an input that was too long', () => {
    const failed = answer([], { status: 'failed', error: { code: 'context_length_exceeded', message: 'm' } });
    expect(() => read(failed)).toThrow(
      expect.objectContaining({ providerError: 'context_length_exceeded', retryable: false }),
    );
  });
});
