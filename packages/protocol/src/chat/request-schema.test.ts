import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import type { ChatRequest } from './messages.ts';
import { parseChatRequest } from './request-schema.ts';

const hi = { role: 'user', content: 'hi' };
const base = { model: 'm', messages: [hi] };
const read = (body: unknown): ChatRequest => {
  const parsed = parseChatRequest(body);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
};
const fail = (body: unknown): string => {
  const parsed = parseChatRequest(body);
  return parsed.ok ? 'accepted' : `${parsed.error.code} ${parsed.error.param ?? '-'}`;
};
const call = (id: string): unknown => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });
const calls = (...ids: string[]): unknown => ({ role: 'assistant', content: null, tool_calls: ids.map(call) });
const answer = (id: string): unknown => ({ role: 'tool', tool_call_id: id, content: 'x' });
const talk = (...messages: unknown[]): unknown => ({ model: 'm', messages });

describe('what is read', () => {
  it('turns texts into parts and fills the defaults', () => {
    expect(read({ ...base, temperature: null, n: 1, store: true, logit_bias: {}, unknown: 1 })).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
      tools: [],
      text: { format: { type: 'text' } },
      stream: false,
      include_usage: false,
      include_obfuscation: false,
      n: 1,
      stop: [],
      logprobs: false,
      metadata: {},
    });
  });

  it('reads all roles', () => {
    const { messages } = read(
      talk(
        { role: 'system', content: [{ type: 'text', text: 'a' }], name: 'n' },
        { role: 'developer', content: 'b' },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'https://example.test/x.png', detail: 'low' } },
            { type: 'file', file: { file_data: 'eA==', filename: 'x' } },
          ],
        },
        calls('c1', 'c2'),
        answer('c2'),
        answer('c1'),
        { role: 'assistant', content: 'done', refusal: null },
      ),
    );
    expect(messages).toEqual([
      { role: 'system', content: [{ type: 'text', text: 'a' }] },
      { role: 'developer', content: [{ type: 'text', text: 'b' }] },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'https://example.test/x.png', detail: 'low' } },
          { type: 'file', file: { filename: 'x', file_data: 'eA==' } },
        ],
      },
      { role: 'assistant', content: [], tool_calls: [call('c1'), call('c2')] },
      { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'x' }] },
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'x' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'done' }], tool_calls: [] },
    ]);
  });

  it('gives tools, choices and formats their Responses form', () => {
    const tools = [
      { type: 'function', function: { name: 'f' } },
      { type: 'custom', custom: { name: 'g' } },
    ];
    const json_schema = { name: 'n', schema: { type: 'object' }, strict: true };
    expect(
      read({
        ...base,
        tools,
        tool_choice: { type: 'function', function: { name: 'f' } },
        response_format: { type: 'json_schema', json_schema },
        verbosity: 'high',
        stop: 'end',
        max_tokens: 5,
        stream: true,
        stream_options: { include_usage: true },
      }),
    ).toMatchObject({
      tools: [
        { type: 'function', name: 'f', description: null, parameters: null, strict: null },
        { type: 'custom', name: 'g', format: { type: 'text' } },
      ],
      tool_choice: { type: 'function', name: 'f' },
      text: { format: { type: 'json_schema', description: null, ...json_schema }, verbosity: 'high' },
      stop: ['end'],
      max_output_tokens: 5,
      include_usage: true,
    });
  });
});

describe('what is refused', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ model: 'm' }, 'invalid_request messages'],
    [{ messages: [hi] }, 'invalid_request model'],
    [talk(), 'invalid_request messages'],
    [talk('hi'), 'invalid_request messages[0]'],
    [talk({ content: 'x' }), 'invalid_request messages[0].role'],
    [talk({ role: 'function', name: 'f', content: 'x' }), 'invalid_request messages[0].role'],
    [talk({ role: 'assistant' }), 'invalid_request messages[0].content'],
    [talk({ role: 'assistant', function_call: { name: 'f' } }), 'unsupported_parameter messages[0].function_call'],
    [
      talk({ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }),
      'unsupported_content messages[0].content[0].type',
    ],
    [
      talk({ role: 'user', content: [{ type: 'file', file: { file_id: 'f', file_data: 'YQ==' } }] }),
      'mutually_exclusive_parameters messages[0].content[0].file',
    ],
    [talk(hi, answer('c1')), 'tool_call_not_found messages[1].tool_call_id'],
    [talk(calls('c1'), answer('c1'), answer('c1')), 'tool_call_not_found messages[2].tool_call_id'],
    [talk(calls('c1', 'c2'), answer('c1'), hi), 'tool_output_missing messages[2]'],
    [talk(hi, calls('c1')), 'tool_output_missing messages[2]'],
    [{ ...base, n: 0 }, 'invalid_request n'],
    [{ ...base, n: 1.5 }, 'invalid_request n'],
    [{ ...base, functions: [] }, 'unsupported_parameter functions'],
    [{ ...base, function_call: 'auto' }, 'unsupported_parameter function_call'],
    [{ ...base, audio: {} }, 'unsupported_parameter audio'],
    [{ ...base, modalities: ['text', 'audio'] }, 'unsupported_parameter modalities'],
    [{ ...base, logit_bias: { 5: -100, 6: 100 } }, 'accepted'],
    [{ ...base, logit_bias: { 5: -101 } }, 'invalid_request logit_bias.5'],
    [{ ...base, logit_bias: { 5: 101 } }, 'invalid_request logit_bias.5'],
    [{ ...base, logit_bias: { word: 1 } }, 'invalid_request logit_bias.word'],
    [{ ...base, max_tokens: 5, max_completion_tokens: 6 }, 'mutually_exclusive_parameters max_tokens'],
    [{ ...base, top_logprobs: 2 }, 'invalid_request top_logprobs'],
    [{ ...base, tools: [{ type: 'function', name: 'f' }] }, 'invalid_request tools[0].function'],
    [{ ...base, response_format: { type: 'xml' } }, 'unsupported_parameter response_format.type'],
  ];
  it.each(cases)('%j', (body, expected) => {
    expect(fail(body)).toBe(expected);
  });
});

describe('bounds, from both sides', () => {
  const many = (count: number): unknown => talk(...Array.from({ length: count }, () => hi));
  const stops = (count: number): unknown => ({ ...base, stop: Array.from({ length: count }, () => 'x') });
  it.each([
    ['messages', many(LIMITS.chatMessages), many(LIMITS.chatMessages + 1)],
    ['stop', stops(LIMITS.stopSequences), stops(LIMITS.stopSequences + 1)],
    ['tokens', { ...base, max_completion_tokens: 1 }, { ...base, max_completion_tokens: 0 }],
    ['temperature', { ...base, temperature: 2 }, { ...base, temperature: 2.1 }],
  ])('%s', (_name, within, beyond) => {
    expect(fail(within)).toBe('accepted');
    expect(fail(beyond)).toMatch(/^invalid_request/);
  });
});
