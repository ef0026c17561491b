import { describe, expect, test } from 'vitest';
import type { Step } from '../../log/steps.ts';
import { textOf } from '../raw-upstream.test-support.ts';
import { brokenLaw } from '../step-laws.test-support.ts';
import { ChatReader, MAX_TOOL_CALLS } from './reader.ts';

type Chunk = { readonly [key: string]: unknown } | string;

function read(...chunks: readonly Chunk[]): readonly Step[] {
  const reader = new ChatReader('req_1');
  for (const chunk of chunks) reader.event(typeof chunk === 'string' ? chunk : JSON.stringify(chunk));
  return reader.take();
}

const delta = (given: object, finish_reason: string | null = null) => ({
  id: 'chatcmpl-1',
  choices: [{ index: 0, delta: given, finish_reason }],
});
const text = (content: string) => delta({ content });
const call = (given: object) => delta({ tool_calls: [given] });
const finish = (reason: string) => delta({}, reason);
const DONE = '[DONE]';
const items = (steps: readonly Step[]) => steps.flatMap(step => (step.type === 'item' ? [step.item] : []));

test('text, usage and ids', () => {
  const usage = {
    prompt_tokens: 5,
    completion_tokens: 3,
    prompt_tokens_details: { cached_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 1 },
  };
  const opening = delta({ role: 'assistant', content: '', refusal: null });
  expect(read(opening, text('a'), text('b'), finish('stop'), { id: 'chatcmpl-1', choices: [], usage }, DONE)).toEqual([
    { type: 'item', index: 0, item: { type: 'message' } },
    { type: 'part', index: 0, part: 0, kind: 'output_text' },
    { type: 'delta', index: 0, part: 0, text: 'a' },
    { type: 'delta', index: 0, part: 0, text: 'b' },
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

test('a custom tool, beside a function', () => {
  const steps = read(
    call({ index: 0, id: 'a', type: 'custom', custom: { name: 'sql', input: '' } }),
    call({ index: 0, custom: { input: 'select' } }),
    call({ index: 1, id: 'b', type: 'function', function: { name: 'f', arguments: '{}' } }),
    call({ index: 0, custom: { input: ' 1' } }),
    finish('tool_calls'),
    DONE,
  );
  expect(brokenLaw(steps, true)).toBeNull();
  expect(items(steps)).toEqual([
    { type: 'custom_tool_call', callId: 'a', name: 'sql' },
    { type: 'function_call', callId: 'b', name: 'f' },
  ]);
  expect(textOf(steps)).toBe('select 1{}');
});

test('log probabilities and the tier; what has not their form is left out', () => {
  const one = { token: 'a', logprob: -0.5, bytes: [97] };
  const content = [{ ...one, top_logprobs: [one, { token: 1 }], more: true }, { token: 'b', logprob: null }, 'x'];
  const chunk = {
    choices: [{ index: 0, delta: { content: 'a' }, logprobs: { content, refusal: null } }],
    service_tier: 'flex',
  };
  const steps = read(chunk, { ...finish('stop'), service_tier: 'no tier: it has spaces' }, DONE);
  expect(steps.find(step => step.type === 'delta')).toEqual({
    type: 'delta',
    index: 0,
    part: 0,
    text: 'a',
    logprobs: [{ ...one, top_logprobs: [one] }],
  });
  expect(steps.at(-1)).toMatchObject({ type: 'end', serviceTier: 'flex' });
});

test('usage that came early is not lost to chunks without it', () => {
  const usage = { prompt_tokens: 5, completion_tokens: 3 };
  const steps = read(text('a'), { ...finish('stop'), usage }, { choices: [], usage: null }, DONE);
  expect(steps.at(-1)).toMatchObject({ usage: { input: 5, cached: 0, output: 3, reasoning: 0 } });
});

test('without usage it is null', () => {
  expect(read(text('a'), finish('stop'), DONE).at(-1)).toMatchObject({ type: 'end', usage: null });
});

test.each([
  ['stop', 'completed', null],
  ['tool_calls', 'completed', null],
  ['eos', 'completed', null],
  ['length', 'incomplete', 'max_output_tokens'],
  ['content_filter', 'incomplete', 'content_filter'],
])('finish_reason %s', (word, outcome, reason) => {
  const steps = read(text('a'), finish(word), DONE);
  expect(brokenLaw(steps, true)).toBeNull();
  expect(steps.at(-1)).toMatchObject({ outcome, reason });
  expect(steps.at(-2)).toEqual({ type: 'item_done', index: 0, ...(outcome === 'incomplete' && { incomplete: true }) });
});

test('an answer of nothing is an empty message', () => {
  const steps = read(delta({ role: 'assistant', content: '' }), finish('stop'), DONE);
  expect(brokenLaw(steps, true)).toBeNull();
  expect(items(steps)).toEqual([{ type: 'message' }]);
  expect(textOf(steps)).toBe('');
});

test('reasoning, text and refusal, each in its place', () => {
  for (const name of ['reasoning_content', 'reasoning']) {
    const steps = read(delta({ [name]: 'hm' }), text('a'), delta({ refusal: 'no' }), finish('stop'), DONE);
    expect(brokenLaw(steps, true)).toBeNull();
    expect(items(steps)).toEqual([{ type: 'reasoning' }, { type: 'message' }]);
    expect(steps.flatMap(step => (step.type === 'part' ? [step.kind] : []))).toEqual([
      'reasoning_text',
      'output_text',
      'refusal',
    ]);
    expect(textOf(steps)).toBe('hmano');
  }
});

describe('tool calls', () => {
  const open = (index: number, id: string, args = '') =>
    call({ index, id, type: 'function', function: { name: 'f', arguments: args } });
  const more = (index: number, args: string) => call({ index, function: { arguments: args } });
  const callIds = (steps: readonly Step[]) =>
    items(steps).map(item => (item.type === 'function_call' ? item.callId : item.type));

  test('after a text, one after another', () => {
    const steps = read(text('t'), open(0, 'a'), more(0, '1'), open(1, 'b'), more(1, '2'), finish('tool_calls'), DONE);
    expect(brokenLaw(steps, true)).toBeNull();
    expect(callIds(steps)).toEqual(['message', 'a', 'b']);
    expect(textOf(steps)).toBe('t12');
  });

  test('interleaved (P1)', () => {
    const steps = read(
      open(0, 'a'),
      open(1, 'b'),
      more(0, '1'),
      more(1, 'x'),
      more(0, '2'),
      more(1, 'y'),
      finish('tool_calls'),
      DONE,
    );
    expect(brokenLaw(steps, true)).toBeNull();
    expect(textOf(steps)).toBe('12xy');
  });

  test('a text after them is a message after them', () => {
    const steps = read(open(0, 'a', '{}'), text('late'), finish('stop'), DONE);
    expect(brokenLaw(steps, true)).toBeNull();
    expect(callIds(steps)).toEqual(['a', 'message']);
  });

  test('all under index 0, told apart by id', () => {
    const steps = read(open(0, 'a', '1'), open(0, 'b', '2'), more(0, '3'), finish('tool_calls'), DONE);
    expect(callIds(steps)).toEqual(['a', 'b']);
    expect(textOf(steps)).toBe('123');
  });

  test('without an index', () => {
    const bare = (id: string, args: string) => call({ id, function: { name: 'f', arguments: args } });
    const steps = read(
      bare('a', '1'),
      bare('b', '2'),
      call({ function: { arguments: '3' } }),
      finish('tool_calls'),
      DONE,
    );
    expect(callIds(steps)).toEqual(['a', 'b']);
    expect(textOf(steps)).toBe('123');
  });

  test('the id repeated in every chunk', () => {
    const steps = read(
      open(0, 'a', '1'),
      call({ index: 0, id: 'a', function: { arguments: '2' } }),
      finish('tool_calls'),
      DONE,
    );
    expect(callIds(steps)).toEqual(['a']);
    expect(textOf(steps)).toBe('12');
  });

  test('without an id they get one that is unique by the answer', () => {
    const bare = (index: number) => call({ index, function: { name: 'f', arguments: '{}' } });
    expect(callIds(read(bare(0), bare(1), finish('tool_calls'), DONE))).toEqual([
      'call_chatcmpl-1_0',
      'call_chatcmpl-1_1',
    ]);
  });

  test('a name that comes late: what came before it is not lost', () => {
    const late = call({ index: 0, function: { name: 'f' } });
    const steps = read(
      call({ index: 0, id: 'a', function: { name: '', arguments: '1' } }),
      late,
      more(0, '2'),
      finish('tool_calls'),
      DONE,
    );
    expect(callIds(steps)).toEqual(['a']);
    expect(textOf(steps)).toBe('12');
  });

  test('a cut-off falls on the last of them', () => {
    const steps = read(open(0, 'a', '{}'), open(1, 'b', '{'), finish('length'), DONE);
    expect(steps.flatMap(step => (step.type === 'item_done' ? [step.incomplete ?? false] : []))).toEqual([false, true]);
  });

  test('as many as may be, not one more; an id as long as may be, not longer', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => open(at, `id${at}`));
    expect(items(read(...many(MAX_TOOL_CALLS), finish('stop'), DONE))).toHaveLength(MAX_TOOL_CALLS);
    expect(() => read(...many(MAX_TOOL_CALLS + 1))).toThrow('cannot be read');
    expect(items(read(open(0, 'i'.repeat(64))))).toHaveLength(1);
    expect(() => read(open(0, 'i'.repeat(65)))).toThrow('cannot be read');
  });
});

describe('what breaks the answer', () => {
  test.each<[string, readonly Chunk[]]>([
    ['not JSON', ['{"choi']],
    ['a content that is no text', [delta({ content: 7 })]],
    ['a call that is no object', [delta({ tool_calls: ['x'] })]],
    [
      'a call that never got a name',
      [call({ index: 0, id: 'a', function: { arguments: '{}' } }), finish('stop'), DONE],
    ],
    ['an error', [text('a'), { error: { message: 'secret words', code: 'server_error' } }]],
    ['a choice that failed', [text('a'), finish('error')]],
    ['an end before the choice was finished', [text('a'), DONE]],
  ])('%s', (_, chunks) => {
    expect(() => read(...chunks)).toThrow(
      expect.objectContaining({ providerError: 'upstream_interrupted', retryable: false, requestId: 'req_1' }),
    );
    expect(() => read(...chunks)).not.toThrow('secret words');
  });

  test('a body that ends: well after the choice was finished, badly before', () => {
    const reader = new ChatReader(null);
    reader.event(JSON.stringify(text('a')));
    expect(() => reader.close()).toThrow('before it was complete');
    reader.event(JSON.stringify(finish('stop')));
    reader.close();
    expect(brokenLaw(reader.take(), true)).toBeNull();
  });
});

test('what follows the end means nothing', () => {
  expect(read(text('a'), finish('stop'), DONE, 'not json', text('b')).at(-1)).toMatchObject({ type: 'end' });
});
