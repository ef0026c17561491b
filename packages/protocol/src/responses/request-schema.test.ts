import { describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { parseCreateResponse } from './request-schema.ts';
import type { CreateResponse } from './settings.ts';

const base = { model: 'm', input: 'hi' };
const read = (body: unknown): CreateResponse => {
  const parsed = parseCreateResponse(body);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
};
const fail = (body: unknown): string => {
  const parsed = parseCreateResponse(body);
  return parsed.ok ? 'accepted' : `${parsed.error.code} ${parsed.error.param ?? '-'}`;
};
const user = (content: unknown): unknown => ({ model: 'm', input: [{ role: 'user', content }] });
const tool = (name: string): unknown => ({ type: 'function', name, parameters: {} });

describe('what is read', () => {
  it('turns a text into one user message and fills the defaults', () => {
    expect(read(base)).toEqual({
      model: 'm',
      input: [{ type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }],
      tools: [],
      text: { format: { type: 'text' } },
      metadata: {},
      include: [],
      store: true,
      stream: false,
      background: false,
    });
  });

  it('takes null for absent, in every field', () => {
    const fields = [
      'instructions previous_response_id conversation tools tool_choice parallel_tool_calls max_tool_calls max_output_tokens',
      'text reasoning temperature top_p presence_penalty frequency_penalty top_logprobs truncation service_tier metadata',
      'include store stream background stream_options safety_identifier prompt_cache_key user prompt moderation',
      'prompt_cache_options prompt_cache_retention image access_programs context_management',
    ].flatMap(line => line.split(' '));
    const nulls = Object.fromEntries(fields.map(field => [field, null]));
    expect(read({ ...nulls, ...base })).toEqual(read(base));
  });

  it('ignores unknown fields', () => {
    expect(read({ ...base, client_metadata: { a: 1 }, image: { context_compression: 'auto' } })).toEqual(read(base));
  });

  it('gives short messages and references their type', () => {
    const { input } = read({
      model: 'm',
      input: [
        { role: 'developer', content: 'be brief' },
        { type: null, role: 'assistant', content: 'ok', phase: 'commentary', id: 'msg_1' },
        { id: 'msg_0' },
        { type: null, id: 'msg_2' },
      ],
    });
    expect(input).toEqual([
      { type: 'message', status: 'completed', role: 'developer', content: [{ type: 'input_text', text: 'be brief' }] },
      {
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'ok', annotations: [] }],
        phase: 'commentary',
      },
      { type: 'item_reference', id: 'msg_0' },
      { type: 'item_reference', id: 'msg_2' },
    ]);
  });

  it('keeps tool, reasoning and compaction items', () => {
    const { input } = read({
      model: 'm',
      input: [
        { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{', status: 'in_progress' },
        { type: 'function_call_output', call_id: 'c1', output: [{ type: 'input_text', text: '4' }] },
        { type: 'function_call_output', call_id: 'c2', output: '', id: null, status: null },
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 's' }], content: null, encrypted_content: 'abc' },
        { type: 'compaction', encrypted_content: 'xyz' },
      ],
    });
    expect(input).toEqual([
      { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{', status: 'incomplete' },
      { type: 'function_call_output', call_id: 'c1', output: [{ type: 'input_text', text: '4' }], status: 'completed' },
      { type: 'function_call_output', call_id: 'c2', output: '', status: 'completed' },
      {
        type: 'reasoning',
        status: 'completed',
        summary: [{ type: 'summary_text', text: 's' }],
        encrypted_content: 'abc',
      },
      { type: 'compaction', encrypted_content: 'xyz', status: 'completed' },
    ]);
  });

  it('reads images and files', () => {
    const { input } = read(
      user([
        { type: 'input_image', image_url: 'https://example.test/a.png', file_id: null },
        { type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,YQ==', file_url: null },
      ]),
    );
    expect(input[0]).toMatchObject({
      content: [
        { type: 'input_image', image_url: 'https://example.test/a.png', detail: 'auto' },
        { type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,YQ==' },
      ],
    });
  });

  it('keeps URL citations and leaves out annotations that point into other stores', () => {
    const citation = { type: 'url_citation', url: 'u', title: 't', start_index: 0, end_index: 1 };
    const text = { type: 'output_text', text: 'x', annotations: [{ type: 'file_citation', file_id: 'f' }, citation] };
    const { input } = read({ model: 'm', input: [{ role: 'assistant', content: [text] }] });
    expect(input[0]).toMatchObject({ content: [{ type: 'output_text', text: 'x', annotations: [citation] }] });
  });

  it('completes function tools and marks tools of others as unsupported', () => {
    const { tools } = read({
      ...base,
      tools: [tool('f'), { type: 'web_search', filters: {} }],
      tool_choice: 'required',
    });
    expect(tools).toEqual([
      { type: 'function', name: 'f', description: null, parameters: {}, strict: null },
      { type: 'web_search', unsupported: true },
    ]);
  });

  it('keeps a JSON schema as it came, odd keys included', () => {
    const schema: unknown = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}},"x":null}');
    const { text } = read({ ...base, text: { format: { type: 'json_schema', name: 'n', schema }, verbosity: 'low' } });
    expect(JSON.stringify(text)).toBe(
      `{"format":{"type":"json_schema","name":"n","description":null,"schema":${JSON.stringify(schema)},"strict":false},"verbosity":"low"}`,
    );
  });

  it('takes a `json_schema` that says no more for any object', () => {
    const any = { type: 'json_schema', name: 'response', description: null, schema: { type: 'object' }, strict: false };
    for (const more of [{}, { strict: true }, { name: null, schema: null }])
      expect(read({ ...base, text: { format: { type: 'json_schema', ...more } } }).text.format).toEqual(any);
  });

  it('reads a conversation by its id or as an object', () => {
    expect(read({ ...base, conversation: 'conv_1' }).conversation).toBe('conv_1');
    expect(read({ ...base, conversation: { id: 'conv_1' } }).conversation).toBe('conv_1');
  });

  it('needs no input where something came before', () => {
    expect(read({ model: 'm', previous_response_id: 'resp_1' }).input).toEqual([]);
    expect(read({ model: 'm', input: [], conversation: 'conv_1' }).input).toEqual([]);
  });

  it('keeps of `include` what means something here', () => {
    const include = ['reasoning.encrypted_content', 'web_search_call.results', 'reasoning.encrypted_content'];
    expect(read({ ...base, include }).include).toEqual(['reasoning.encrypted_content']);
  });
});

describe('what is refused', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [null, 'invalid_request -'],
    [[], 'invalid_request -'],
    ['{}', 'invalid_request -'],
    [{ input: 'hi' }, 'invalid_request model'],
    [{ model: 7, input: 'hi' }, 'invalid_request model'],
    [{ model: 'm' }, 'invalid_request input'],
    [{ model: 'm', input: [] }, 'invalid_request input'],
    [{ model: 'm', input: 4 }, 'invalid_request input'],
    [{ model: 'm', input: [null] }, 'invalid_request input[0]'],
    [{ model: 'm', input: [{}] }, 'invalid_request input[0].role'],
    [{ model: 'm', input: [{ role: 'tool', content: 'x' }] }, 'invalid_request input[0].role'],
    [{ model: 'm', input: [{ type: 'message', content: 'x' }] }, 'invalid_request input[0].role'],
    [{ model: 'm', input: [{ type: 'web_search_call', id: 'x' }] }, 'unsupported_content input[0].type'],
    [user(3), 'invalid_request input[0].content'],
    [user(undefined), 'invalid_request input[0].content'],
    [user([{ type: 'input_text' }]), 'invalid_request input[0].content[0].text'],
    [user([{ type: 'input_audio', data: 'x' }]), 'unsupported_content input[0].content[0].type'],
    [user([{ type: 'input_image' }]), 'invalid_request input[0].content[0].image_url'],
    [
      user([{ type: 'input_image', file_id: 'file_1', image_url: 'https://x' }]),
      'mutually_exclusive_parameters input[0].content[0]',
    ],
    [user([{ type: 'input_file' }]), 'invalid_request input[0].content[0].file_data'],
    [
      user([{ type: 'input_file', file_id: 'file_1', file_data: 'YQ==' }]),
      'mutually_exclusive_parameters input[0].content[0]',
    ],
    [
      user([{ type: 'input_file', file_data: 'YQ==', file_url: 'b' }]),
      'mutually_exclusive_parameters input[0].content[0]',
    ],
    [{ model: 'm', input: [{ type: 'function_call', call_id: 'c', name: 'f' }] }, 'invalid_request input[0].arguments'],
    [{ ...base, tools: {} }, 'invalid_request tools'],
    [{ ...base, tools: [{}] }, 'invalid_request tools[0].type'],
    [{ ...base, tools: [{ type: 'function' }] }, 'invalid_request tools[0].name'],
    [{ ...base, tools: [tool('a b')] }, 'invalid_request tools[0].name'],
    [{ ...base, tools: [{ type: 'function', name: 'f', parameters: [] }] }, 'invalid_request tools[0].parameters'],
    [{ ...base, tools: [tool('f'), tool('f')] }, 'invalid_request tools[1].name'],
    [{ ...base, tool_choice: 'required' }, 'invalid_request tool_choice'],
    [{ ...base, tool_choice: 'sometimes' }, 'invalid_request tool_choice'],
    [{ ...base, tool_choice: 3 }, 'invalid_request tool_choice'],
    [{ ...base, tool_choice: { type: 'web_search' } }, 'unsupported_parameter tool_choice.type'],
    [{ ...base, tools: [tool('f')], tool_choice: { type: 'function', name: 'g' } }, 'invalid_request tool_choice'],
    [{ ...base, text: { format: { type: 'grammar' } } }, 'unsupported_parameter text.format.type'],
    [{ ...base, text: { format: { type: 'json_schema', name: 'n' } } }, 'invalid_request text.format.schema'],
    [{ ...base, text: { format: { type: 'json_schema', schema: {} } } }, 'invalid_request text.format.name'],
    [{ ...base, reasoning: { effort: 'huge' } }, 'invalid_request reasoning.effort'],
    [{ ...base, store: 'no' }, 'invalid_request store'],
    [{ ...base, metadata: { a: 1 } }, 'invalid_request metadata.a'],
    [{ ...base, metadata: [] }, 'invalid_request metadata'],
    [{ ...base, conversation: {} }, 'invalid_request conversation.id'],
    [{ ...base, prompt: { id: 'pmpt_1' } }, 'prompt_not_found prompt.id'],
    [
      { ...base, previous_response_id: 'resp_1', conversation: 'conv_1' },
      'mutually_exclusive_parameters previous_response_id',
    ],
    [{ ...base, background: true, store: false }, 'mutually_exclusive_parameters background'],
  ];
  it.each(cases)('%j', (body, expected) => {
    expect(fail(body)).toBe(expected);
  });

  it('says in words what is wrong', () => {
    const parsed = parseCreateResponse(user(3));
    expect(parsed.ok ? '' : parsed.error.message).toBe(
      "Invalid type for 'input[0].content': expected a string or an array, but got a number instead.",
    );
    // What JSON may say and no number can hold.
    for (const [text, word] of [
      ['1e400', 'large'],
      ['-1e400', 'small'],
    ] as const) {
      const beyond = parseCreateResponse({ ...base, max_output_tokens: JSON.parse(text) as unknown });
      expect(beyond.ok ? '' : beyond.error.message).toBe(
        `Invalid value for 'max_output_tokens': the number is too ${word}.`,
      );
    }
    const most = parseCreateResponse({ ...base, max_output_tokens: 1e300 });
    expect(most.ok ? '' : most.error.message).not.toContain('a number, but got a number');
    const kind = parseCreateResponse(user([{ type: 'input_video', video_url: 'x' }]));
    expect(kind.ok ? '' : kind.error.message).toBe(
      "'input[0].content[0].type' = 'input_video' is not supported here: supported values are 'input_text', 'input_image', 'input_file'.",
    );
  });

  it('never repeats content', () => {
    const secret = 'secret words of the user'.repeat(10);
    for (const body of [
      user([{ type: secret }]),
      { ...base, tool_choice: secret },
      { ...base, [secret]: 1, store: secret },
    ]) {
      const parsed = parseCreateResponse(body);
      expect(parsed.ok ? secret : `${parsed.error.message}${parsed.error.param}`).not.toContain('secret');
    }
  });
});

describe('bounds, from both sides', () => {
  const many = (count: number): unknown => Array.from({ length: count }, () => ({ id: 'i' }));
  const tools = (count: number): unknown => Array.from({ length: count }, (_, i) => tool(`f${i}`));
  const pairs = (count: number): unknown => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
  const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
  const call = (id: string): unknown => ({ type: 'function_call_output', call_id: id, output: '' });
  const last: readonly (readonly [string, unknown, unknown])[] = [
    ['items', { model: 'm', input: many(LIMITS.inputItems) }, { model: 'm', input: many(LIMITS.inputItems + 1) }],
    ['tools', { ...base, tools: tools(LIMITS.tools) }, { ...base, tools: tools(LIMITS.tools + 1) }],
    ['name', { ...base, tools: [tool('f'.repeat(64))] }, { ...base, tools: [tool('f'.repeat(65))] }],
    ['call id', { model: 'm', input: [call('c'.repeat(64))] }, { model: 'm', input: [call('c'.repeat(65))] }],
    ['metadata pairs', { ...base, metadata: pairs(16) }, { ...base, metadata: pairs(17) }],
    ['metadata key', { ...base, metadata: { ['k'.repeat(64)]: '' } }, { ...base, metadata: { ['k'.repeat(65)]: '' } }],
    ['metadata value', { ...base, metadata: { k: 'v'.repeat(512) } }, { ...base, metadata: { k: 'v'.repeat(513) } }],
    ['output tokens', { ...base, max_output_tokens: 16 }, { ...base, max_output_tokens: 15 }],
    ['whole tokens', { ...base, max_output_tokens: 17 }, { ...base, max_output_tokens: 17.5 }],
    ['tool calls', { ...base, max_tool_calls: 1 }, { ...base, max_tool_calls: 0 }],
    ['temperature', { ...base, temperature: 2 }, { ...base, temperature: 2.01 }],
    ['temperature, low', { ...base, temperature: 0 }, { ...base, temperature: -0.01 }],
    ['top_p', { ...base, top_p: 1 }, { ...base, top_p: 1.01 }],
    ['penalty', { ...base, presence_penalty: -2 }, { ...base, presence_penalty: -2.01 }],
    ['logprobs', { ...base, top_logprobs: 20 }, { ...base, top_logprobs: 21 }],
    ['cache key', { ...base, prompt_cache_key: 'k'.repeat(64) }, { ...base, prompt_cache_key: 'k'.repeat(65) }],
    ['text', { ...base, input: 'x'.repeat(LIMITS.textChars) }, { ...base, input: 'x'.repeat(LIMITS.textChars + 1) }],
    ['nesting', { ...base, extra: deep(LIMITS.jsonDepth - 1) }, { ...base, extra: deep(LIMITS.jsonDepth) }],
    [
      'values',
      { ...base, extra: Array.from({ length: LIMITS.jsonNodes - 3 }, () => 0) },
      { ...base, extra: Array.from({ length: LIMITS.jsonNodes - 2 }, () => 0) },
    ],
    [
      'parts',
      user(Array.from({ length: LIMITS.contentParts }, () => ({ type: 'input_text', text: '' }))),
      user(Array.from({ length: LIMITS.contentParts + 1 }, () => ({ type: 'input_text', text: '' }))),
    ],
  ];
  it.each(last)('%s', (_name, within, beyond) => {
    expect(fail(within)).toBe('accepted');
    expect(fail(beyond)).toMatch(/^invalid_request/);
  });

  it('looks at the length of a list before its members, so that a flood costs nothing', () => {
    const flood = (length: number): unknown => Array.from({ length }, () => 0);
    expect(fail({ ...base, tools: flood(LIMITS.tools + 1) })).toBe('invalid_request tools');
    expect(fail({ model: 'm', input: flood(LIMITS.inputItems + 1) })).toBe('invalid_request input');
    expect(fail({ ...base, tools: flood(LIMITS.tools) })).toBe('invalid_request tools[0]');
  });
});
