import { expect, it } from 'vitest';
import type { ItemField } from '../responses/items.ts';
import { chatChunk, chatUsageChunk } from './completion.ts';
import { chatChunkSchema, chatCompletionSchema } from './completion-schema.ts';
import {
  chatCompletion,
  chatToItems,
  chatTool,
  chatToolChoice,
  finishReason,
  itemsToChat,
  settingsOfChat,
} from './convert.ts';
import { parseChatRequest } from './request-schema.ts';

const usage = {
  input_tokens: 5,
  input_tokens_details: { cached_tokens: 2 },
  output_tokens: 3,
  output_tokens_details: { reasoning_tokens: 1 },
  total_tokens: 8,
};
const head = { id: 'chatcmpl_1', created: 1, model: 'm' };
const said: ItemField = {
  type: 'message',
  id: 'm1',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'hello', annotations: [] }],
};
const called: ItemField = {
  type: 'function_call',
  id: 'f1',
  call_id: 'c1',
  name: 'f',
  arguments: '{}',
  status: 'completed',
};

it('pins a completion, byte for byte', () => {
  const made = chatCompletion(head, [{ output: [said], incomplete_details: null, usage }]);
  expect(JSON.stringify(made)).toBe(
    '{"id":"chatcmpl_1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",' +
      '"content":"hello","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":5,' +
      '"completion_tokens":3,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":' +
      '{"reasoning_tokens":1}},"service_tier":"default","system_fingerprint":null}',
  );
  expect(chatCompletionSchema.parse(made)).toEqual(made);
});

it('tells of several choices in order, the prompt once and what was made for all', () => {
  const other = { ...usage, input_tokens: 9, output_tokens: 4, total_tokens: 13 };
  const made = chatCompletion(head, [
    { output: [said], incomplete_details: null, usage },
    { output: [called], incomplete_details: null, usage: other },
  ]);
  expect(made.choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
    [0, 'stop'],
    [1, 'tool_calls'],
  ]);
  expect(made.usage).toEqual({
    prompt_tokens: 5,
    completion_tokens: 7,
    total_tokens: 12,
    prompt_tokens_details: { cached_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 2 },
  });
  expect(chatCompletionSchema.parse(made)).toEqual(made);
  const chunk = chatChunk({ ...head, choice: 1 }, { content: 'x' });
  expect(chunk.choices).toMatchObject([{ index: 1, delta: { content: 'x' } }]);
  expect(chatChunkSchema.parse(chunk)).toEqual(chunk);
});

it('puts calls beside the content', () => {
  const made = chatCompletion(head, [{ output: [called], incomplete_details: null, usage }]);
  expect(made.choices[0]).toMatchObject({
    message: { content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
    finish_reason: 'tool_calls',
  });
  expect(chatCompletionSchema.parse(made)).toEqual(made);
});

it('says why an answer ended', () => {
  expect(finishReason([said], null)).toBe('stop');
  expect(finishReason([said, called], null)).toBe('tool_calls');
  expect(finishReason([called], 'max_output_tokens')).toBe('length');
  expect(finishReason([said], 'content_filter')).toBe('content_filter');
});

it('pins chunks, with and without usage', () => {
  expect(JSON.stringify(chatChunk(head, { role: 'assistant', content: '' }))).toBe(
    '{"id":"chatcmpl_1","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":null,' +
      '"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}',
  );
  const counted = { ...head, include_usage: true };
  expect(chatChunk(counted, {}, 'stop')).toMatchObject({ usage: null, choices: [{ finish_reason: 'stop' }] });
  const last = chatUsageChunk(counted, [usage]);
  expect(last).toMatchObject({ choices: [], usage: { prompt_tokens: 5 } });
  for (const chunk of [chatChunk(head, { content: 'x' }), chatChunk(counted, {}, 'stop'), last]) {
    expect(chatChunkSchema.parse(chunk)).toEqual(chunk);
  }
});

it('makes no message of the empty text that clients send beside calls', () => {
  const read = (...messages: object[]) => {
    const parsed = parseChatRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }, ...messages] });
    if (!parsed.ok) throw parsed.error;
    return chatToItems(parsed.value.messages)
      .slice(1)
      .map(item => item.type);
  };
  const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }];
  const output = { role: 'tool', tool_call_id: 'c1', content: '' };
  const calls = ['function_call', 'function_call_output'];
  for (const content of ['', null, [{ type: 'text', text: '' }]])
    expect(read({ role: 'assistant', content, tool_calls }, output)).toEqual(calls);
  expect(read({ role: 'assistant', content: ' ', tool_calls }, output)).toEqual(['message', ...calls]);
  // Without calls it is all that was said.
  expect(read({ role: 'assistant', content: '' })).toEqual(['message']);
});

it('names the settings as Responses does', () => {
  const parsed = parseChatRequest({
    model: 'm',
    messages: [{ role: 'user', content: 'x' }],
    max_completion_tokens: 7,
    reasoning_effort: 'low',
    logprobs: true,
    seed: 3,
  });
  if (!parsed.ok) throw parsed.error;
  expect(settingsOfChat(parsed.value)).toEqual({
    tools: [],
    text: { format: { type: 'text' } },
    stream: false,
    stop: [],
    logprobs: true,
    metadata: {},
    seed: 3,
    max_output_tokens: 7,
    store: false,
    include: ['message.output_text.logprobs'],
    reasoning: { effort: 'low', summary: null },
  });
});

it('writes tools and choices in the form of chat', () => {
  const tool = {
    type: 'function',
    name: 'f',
    description: null,
    parameters: { type: 'object' },
    strict: true,
  } as const;
  expect(chatTool(tool)).toEqual({
    type: 'function',
    function: { name: 'f', parameters: { type: 'object' }, strict: true },
  });
  expect(chatToolChoice('auto')).toBe('auto');
  expect(chatToolChoice({ type: 'function', name: 'f' })).toEqual({ type: 'function', function: { name: 'f' } });
  expect(chatToolChoice({ type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }] })).toEqual(
    {
      type: 'allowed_tools',
      allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'f' } }] },
    },
  );
});

it('says in words what chat cannot carry, and drops what belongs to another provider', () => {
  const messages = itemsToChat([
    { type: 'reasoning', status: 'completed', summary: [] },
    {
      type: 'message',
      role: 'user',
      status: 'completed',
      content: [{ type: 'input_file', file_url: 'https://example.test/a.pdf' }],
    },
    called,
    {
      type: 'function_call_output',
      call_id: 'c1',
      status: 'completed',
      output: [
        { type: 'input_text', text: 'see ' },
        { type: 'input_image', image_url: 'data:image/png;base64,', detail: 'auto' },
      ],
    },
  ]);
  expect(messages).toEqual([
    { role: 'user', content: [{ type: 'text', text: '[file at https://example.test/a.pdf]' }] },
    {
      role: 'assistant',
      content: [],
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'see [input_image left out]' }] },
  ]);
});
