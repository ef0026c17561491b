import { describe, expect, test } from 'vitest';
import type { Step } from '../../log/steps.ts';
import { textOf } from '../raw-upstream.test-support.ts';
import { brokenLaw } from '../step-laws.test-support.ts';
import { ResponsesReader } from './reader.ts';

type Event = { readonly type?: string; readonly [key: string]: unknown };

function read(...events: readonly (Event | string)[]): readonly Step[] {
  const reader = new ResponsesReader('req_1');
  for (const event of events) reader.event(typeof event === 'string' ? event : JSON.stringify(event));
  return reader.take();
}

const message = { type: 'message', id: 'up_1', role: 'assistant', content: [] };
const added = (output_index: number, item: object): Event => ({
  type: 'response.output_item.added',
  output_index,
  item,
});
const done = (output_index: number, item: object): Event => ({ type: 'response.output_item.done', output_index, item });
const delta = (output_index: number, text: string, content_index = 0): Event => ({
  type: 'response.output_text.delta',
  output_index,
  content_index,
  delta: text,
});
const completed = (response: object = {}): Event => ({
  type: 'response.completed',
  response: { id: 'resp_1', status: 'completed', ...response },
});
const said = (text: string, extra: object = {}) => ({
  ...message,
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [], ...extra }],
});
const END = {
  type: 'end',
  outcome: 'completed',
  reason: null,
  usage: null,
  upstream: { response: 'resp_1', request: 'req_1' },
};

describe('servers that say less', () => {
  test('no part events: the first delta begins the part', () => {
    const steps = read(added(0, message), delta(0, 'a'), delta(0, 'b'), done(0, said('ab')), completed());
    expect(steps).toEqual([
      { type: 'item', index: 0, item: { type: 'message' } },
      { type: 'part', index: 0, part: 0, kind: 'output_text' },
      { type: 'delta', index: 0, part: 0, text: 'a' },
      { type: 'delta', index: 0, part: 0, text: 'b' },
      { type: 'part_done', index: 0, part: 0 },
      { type: 'item_done', index: 0 },
      END,
    ]);
  });

  test('no deltas: the text of the done event is told', () => {
    const steps = read(added(0, message), done(0, said('whole')), completed());
    expect(brokenLaw(steps, true)).toBeNull();
    expect(textOf(steps)).toBe('whole');
  });

  test('a custom tool, by deltas or by its done event; log probabilities; the tier', () => {
    const custom = { type: 'custom_tool_call', call_id: 'c', name: 'sql', input: '' };
    const input = (text: string): Event => ({
      type: 'response.custom_tool_call_input.delta',
      output_index: 0,
      delta: text,
    });
    const ended = done(0, { ...custom, input: 'select 1' });
    const one = { token: 'a', logprob: -1, bytes: [97], top_logprobs: [] };
    for (const deltas of [[input('select'), input(' 1')], []]) {
      const steps = read(
        added(0, custom),
        ...deltas,
        ended,
        added(1, message),
        { ...delta(1, 'a'), logprobs: [one] },
        done(1, said('ab', { logprobs: [one, one] })),
        completed({ service_tier: 'priority' }),
      );
      expect(brokenLaw(steps, true)).toBeNull();
      expect(steps[0]).toMatchObject({ item: { type: 'custom_tool_call', callId: 'c', name: 'sql' } });
      expect(textOf(steps)).toBe('select 1ab');
      expect(steps.flatMap(step => (step.type === 'delta' ? (step.logprobs ?? []) : []))).toEqual([one]);
      expect(steps.at(-1)).toMatchObject({ serviceTier: 'priority' });
    }
  });

  test('only the last event: its output is told', () => {
    const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":1}', status: 'completed' };
    const steps = read(completed({ output: [said('text'), call] }));
    expect(brokenLaw(steps, true)).toBeNull();
    expect(textOf(steps)).toBe('text{"a":1}');
  });

  test('a text that the done event knows further is completed', () => {
    const steps = read(added(0, message), delta(0, 'hel'), completed({ output: [said('hello')] }));
    expect(textOf(steps)).toBe('hello');
    expect(brokenLaw(steps, true)).toBeNull();
  });

  test('an item that nobody closed is closed', () => {
    const steps = read(added(0, message), delta(0, 'a'), completed());
    expect(brokenLaw(steps, true)).toBeNull();
  });
});

describe('servers that say more', () => {
  test('unknown events and items are passed over; indexes stay without gaps', () => {
    const steps = read(
      { type: 'response.created', response: {} },
      added(0, { type: 'web_search_call', id: 'ws' }),
      { type: 'response.web_search_call.searching', output_index: 0 },
      done(0, { type: 'web_search_call', id: 'ws' }),
      added(1, message),
      { type: 'response.output_text.annotation.added', output_index: 1 },
      delta(1, 'a'),
      done(1, said('a')),
      completed({ output: [{ type: 'web_search_call' }, said('a')] }),
      '[DONE]',
    );
    expect(brokenLaw(steps, true)).toBeNull();
    expect(steps[0]).toEqual({ type: 'item', index: 0, item: { type: 'message' } });
    expect(textOf(steps)).toBe('a');
  });

  test('items that are interleaved are put in order (P1)', () => {
    const call = (call_id: string) => ({ type: 'function_call', call_id, name: 'f', arguments: '' });
    const args = (output_index: number, text: string) => ({
      type: 'response.function_call_arguments.delta',
      output_index,
      delta: text,
    });
    const steps = read(
      added(0, call('a')),
      added(1, call('b')),
      args(1, 'x'),
      args(0, '1'),
      args(1, 'y'),
      done(1, call('b')),
      args(0, '2'),
      done(0, call('a')),
      completed(),
    );
    expect(brokenLaw(steps, true)).toBeNull();
    expect(textOf(steps)).toBe('12xy');
  });

  test('what follows the end means nothing', () => {
    expect(read(completed(), 'not json', added(0, message))).toEqual([END]);
  });

  test('annotations are kept', () => {
    const annotations = [
      { type: 'url_citation', url: 'https://example.com', title: 't', start_index: 0, end_index: 1 },
    ];
    const steps = read(added(0, message), delta(0, 'a'), done(0, said('a', { annotations })), completed());
    expect(steps.find(step => step.type === 'part_done')).toEqual({
      type: 'part_done',
      index: 0,
      part: 0,
      annotations,
    });
  });
});

test('reasoning: summaries, open text, and the seal of the done item', () => {
  const summary = (type: string, summary_index: number, rest: object): Event => ({
    type: `response.reasoning_summary_${type}`,
    output_index: 0,
    summary_index,
    ...rest,
  });
  const item = {
    type: 'reasoning',
    summary: [
      { type: 'summary_text', text: 'one' },
      { type: 'summary_text', text: 'two' },
    ],
    content: [{ type: 'reasoning_text', text: 'deep' }],
  };
  const steps = read(
    added(0, { type: 'reasoning', summary: [], encrypted_content: 'half' }),
    summary('part.added', 0, { part: { type: 'summary_text', text: '' } }),
    summary('text.delta', 0, { delta: 'one' }),
    summary('part.done', 0, { part: { type: 'summary_text', text: 'one' } }),
    summary('part.added', 1, { part: { type: 'summary_text', text: '' } }),
    summary('text.delta', 1, { delta: 'two' }),
    { type: 'response.reasoning_text.delta', output_index: 0, content_index: 0, delta: 'deep' },
    done(0, { ...item, encrypted_content: 'sealed' }),
    completed(),
  );
  expect(brokenLaw(steps, true)).toBeNull();
  expect(steps.flatMap(step => (step.type === 'part' ? [step.kind] : []))).toEqual([
    'summary_text',
    'summary_text',
    'reasoning_text',
  ]);
  expect(textOf(steps)).toBe('onetwodeep');
  expect(steps.at(-2)).toEqual({ type: 'item_done', index: 0, encryptedContent: 'sealed' });
});

test('a refusal is a part of its own kind', () => {
  const steps = read(
    added(0, message),
    { type: 'response.refusal.delta', output_index: 0, content_index: 0, delta: 'No.' },
    completed(),
  );
  expect(steps[1]).toMatchObject({ type: 'part', kind: 'refusal' });
});

describe('the end', () => {
  test.each([
    ['max_output_tokens', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
    ['something_new', null],
  ])('incomplete by %s', (reason, expected) => {
    const steps = read(added(0, message), delta(0, 'a'), {
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason } },
    });
    expect(steps.at(-2)).toEqual({ type: 'item_done', index: 0, incomplete: true });
    expect(steps.at(-1)).toMatchObject({ outcome: 'incomplete', reason: expected });
  });

  test('usage is read where it is whole, and null otherwise', () => {
    const usage = {
      input_tokens: 5,
      output_tokens: 3,
      input_tokens_details: { cached_tokens: 2 },
      output_tokens_details: { reasoning_tokens: 1 },
    };
    const of = (given: object | null) => read(completed({ usage: given })).at(-1);
    expect(of(usage)).toMatchObject({ usage: { input: 5, cached: 2, output: 3, reasoning: 1 } });
    expect(of({ input_tokens: 5, output_tokens: 3 })).toMatchObject({
      usage: { input: 5, cached: 0, output: 3, reasoning: 0 },
    });
    expect(of({ ...usage, input_tokens_details: { cached_tokens: 9 } })).toMatchObject({ usage: { cached: 5 } });
    const written = (tokens: number): unknown =>
      of({ ...usage, input_tokens_details: { cached_tokens: 0, cache_write_tokens: tokens } });
    expect(written(3)).toMatchObject({ usage: { written: 3 } });
    expect(written(9)).toMatchObject({ usage: { written: 5 } });
    expect(written(0)).not.toHaveProperty('usage.written');
    for (const bad of [
      null,
      {},
      { input_tokens: -1, output_tokens: 3 },
      { input_tokens: 1.5, output_tokens: 3 },
      { input_tokens: '5', output_tokens: 3 },
    ]) {
      expect(of(bad)).toMatchObject({ usage: null });
    }
  });
});

describe('what breaks the answer', () => {
  const interrupted = expect.objectContaining({
    providerError: 'upstream_interrupted',
    retryable: false,
    requestId: 'req_1',
  });

  test.each<[string, readonly (Event | string)[]]>([
    ['not JSON', ['{"type":"response.output_te']],
    ['not an object', ['[]']],
    ['a delta of an item that did not begin', [delta(0, 'a')]],
    ['a delta without an index', [added(0, message), { type: 'response.output_text.delta', delta: 'a' }]],
    ['a delta that is no text', [added(0, message), { ...delta(0, ''), delta: 7 }]],
    ['an item that begins twice', [added(0, message), added(0, message)]],
    ['a delta after the item was done', [added(0, message), done(0, said('a')), delta(0, 'b')]],
    ['a part that is taken up again', [added(0, message), delta(0, 'a', 0), delta(0, 'b', 1), delta(0, 'c', 0)]],
    ['a text inside a call', [added(0, { type: 'function_call', call_id: 'c', name: 'f' }), delta(0, 'a')]],
    ['a call without an id', [added(0, { type: 'function_call', name: 'f' })]],
    ['an end without a response', [{ type: 'response.completed' }]],
    [
      'a failure',
      [{ type: 'response.failed', response: { error: { code: 'server_error', message: 'secret words' } } }],
    ],
    ['an error event, flat', [{ type: 'error', code: 'server_error', message: 'secret words' }]],
    ['an error event, nested', [{ type: 'error', error: { code: 'server_error', message: 'secret words' } }]],
    ['an error without a type', [{ error: { code: 'server_error', message: 'secret words' } }]],
  ])('%s', (_, events) => {
    expect(() => read(...events)).toThrow(interrupted);
    expect(() => read(...events)).not.toThrow('secret words');
  });

  test("an input that is found too long in the middle is the caller's matter", () => {
    const failed = { type: 'response.failed', response: { error: { code: 'context_length_exceeded', message: 'm' } } };
    expect(() => read(failed)).toThrow(
      expect.objectContaining({ providerError: 'context_length_exceeded', retryable: false }),
    );
  });

  test('a body that ends before the last event', () => {
    const reader = new ResponsesReader('req_1');
    reader.event(JSON.stringify(added(0, message)));
    expect(() => reader.close()).toThrow(interrupted);
  });
});
