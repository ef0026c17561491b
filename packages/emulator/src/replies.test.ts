import { expect, test } from 'vitest';
import { readCompletion } from './completion.ts';
import type { Identity, Reply } from './reply.ts';

/** The bytes of both dialects, pinned. A change here is a change of what every client of the emulator sees. */
const identity: Identity = { id: (prefix, index = 0) => `${prefix}${index}`, createdAt: 1_767_225_600 };
const responses = (body: object): Reply => readCompletion('responses', 'aws', { model: 'm', ...body }).reply(identity);
const chat = (body: object): Reply => readCompletion('chat', 'aws', { model: 'm', ...body }).reply(identity);
const streamed = (reply: Reply): string => Array.from(reply.frames(), frame => frame.text).join('');

const REST =
  '"frequency_penalty":0,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"model":"m-emulated",' +
  '"parallel_tool_calls":true,"presence_penalty":0,"previous_response_id":null,"prompt_cache_key":null,"prompt_cache_retention":null,' +
  '"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"service_tier":"default","store":true,"temperature":1,' +
  '"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1,"truncation":"disabled","user":null,"metadata":{}}';
const HEAD = '{"id":"resp_0","object":"response","created_at":1767225600,"background":false,';
const OPEN = `${HEAD}"status":"in_progress","completed_at":null,"error":null,"incomplete_details":null,"output":[],"usage":null,${REST}`;
const MESSAGE =
  '{"id":"msg_0","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],' +
  '"text":"[emulated aws] Noted: \\"Hi\\"."}],"role":"assistant"}';
const DONE =
  `${HEAD}"status":"completed","completed_at":1767225600,"error":null,"incomplete_details":null,"output":[${MESSAGE}],` +
  '"usage":{"input_tokens":1,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":12,' +
  `"output_tokens_details":{"reasoning_tokens":0},"total_tokens":13},${REST}`;

test('a response', () => {
  expect(responses({ input: 'Hi' }).body()).toBe(DONE);
});

test('a response as a stream', () => {
  const pieces = ['[', 'emul', 'ated', ' aws', ']', ' Note', 'd', ':', ' \\"', 'Hi', '\\"', '.'];
  const at = '"item_id":"msg_0","output_index":0,"content_index":0';
  const data = [
    `{"type":"response.created","sequence_number":0,"response":${OPEN}}`,
    `{"type":"response.in_progress","sequence_number":1,"response":${OPEN}}`,
    '{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_0","type":"message","status":"in_progress","content":[],"role":"assistant"}}',
    `{"type":"response.content_part.added","sequence_number":3,${at},"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}`,
    ...pieces.map(
      (piece, index) =>
        `{"type":"response.output_text.delta","sequence_number":${4 + index},${at},"delta":"${piece}","logprobs":[]}`,
    ),
    `{"type":"response.output_text.done","sequence_number":16,${at},"text":"[emulated aws] Noted: \\"Hi\\".","logprobs":[]}`,
    `{"type":"response.content_part.done","sequence_number":17,${at},"part":{"type":"output_text","annotations":[],"logprobs":[],"text":"[emulated aws] Noted: \\"Hi\\"."}}`,
    `{"type":"response.output_item.done","sequence_number":18,"output_index":0,"item":${MESSAGE}}`,
    `{"type":"response.completed","sequence_number":19,"response":${DONE}}`,
  ];
  const event = (json: string): string => /"type":"([^"]+)"/.exec(json)?.[1] ?? '';
  expect(streamed(responses({ input: 'Hi', stream: true }))).toBe(
    data.map(json => `event: ${event(json)}\ndata: ${json}\n\n`).join(''),
  );
});

const tool = { name: 'lookup', parameters: { type: 'object', properties: { id: { type: 'integer' } } } };

test('the events of function calls and of reasoning', () => {
  const reply = responses({ input: 'lookup id=5 [[reasoning: 2]]', tools: [{ type: 'function', ...tool }] });
  const data = [...reply.frames()].map(frame => frame.text.split('data: ')[1]?.trim() ?? '');
  const summary = '{"type":"summary_text","text":"Emulated reasoning of 2 tokens."}';
  expect(data.filter(json => !json.includes('.delta"')).slice(2, -1)).toEqual([
    '{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"rs_0","type":"reasoning","summary":[]}}',
    '{"type":"response.reasoning_summary_part.added","sequence_number":3,"item_id":"rs_0","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}',
    '{"type":"response.reasoning_summary_text.done","sequence_number":14,"item_id":"rs_0","output_index":0,"summary_index":0,"text":"Emulated reasoning of 2 tokens."}',
    `{"type":"response.reasoning_summary_part.done","sequence_number":15,"item_id":"rs_0","output_index":0,"summary_index":0,"part":${summary}}`,
    `{"type":"response.output_item.done","sequence_number":16,"output_index":0,"item":{"id":"rs_0","type":"reasoning","summary":[${summary}]}}`,
    '{"type":"response.output_item.added","sequence_number":17,"output_index":1,"item":{"id":"fc_1","type":"function_call","status":"in_progress","arguments":"","call_id":"call_1","name":"lookup"}}',
    '{"type":"response.function_call_arguments.done","sequence_number":25,"item_id":"fc_1","output_index":1,"arguments":"{\\"id\\":5}"}',
    '{"type":"response.output_item.done","sequence_number":26,"output_index":1,"item":{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\\"id\\":5}","call_id":"call_1","name":"lookup"}}',
  ]);
  expect(data[18]).toBe(
    '{"type":"response.function_call_arguments.delta","sequence_number":18,"item_id":"fc_1","output_index":1,"delta":"{"}',
  );
});

test('a response that its bound cut', () => {
  const reply = responses({ input: 'Hello there, this is long enough to be cut.', max_output_tokens: 16 });
  const body = JSON.parse(reply.body()) as Record<string, unknown>;
  expect(body).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    completed_at: null,
  });
  expect(body['output']).toMatchObject([{ status: 'incomplete' }]);
  expect(body['usage']).toMatchObject({ output_tokens: 16 });
  expect([...reply.frames()].at(-1)?.text).toMatch(/^event: response\.incomplete\n/);
});

const CHAT =
  '"created":1767225600,"model":"m-emulated","service_tier":"default","system_fingerprint":"fp_emulated","choices":[';
const USAGE = (input: number, output: number): string =>
  `"usage":{"prompt_tokens":${input},"completion_tokens":${output},"total_tokens":${input + output},"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},` +
  '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}';

test('a chat completion', () => {
  expect(chat({ messages: [{ role: 'user', content: 'Hi' }] }).body()).toBe(
    '{"id":"chatcmpl-0","object":"chat.completion","created":1767225600,"model":"m-emulated","choices":[{"index":0,"message":' +
      '{"role":"assistant","content":"[emulated aws] Noted: \\"Hi\\".","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],' +
      `${USAGE(1, 12)},"service_tier":"default","system_fingerprint":"fp_emulated"}`,
  );
});

const chunk = (delta: string, finish: string, more = ''): string =>
  `data: {"id":"chatcmpl-0","object":"chat.completion.chunk",${CHAT}{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}]${more}}\n\n`;

test('a chat completion as a stream, with usage', () => {
  const reply = chat({
    messages: [{ role: 'user', content: 'Hi' }],
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 2,
  });
  const none = ',"usage":null';
  expect(streamed(reply)).toBe(
    chunk('{"role":"assistant","content":"","refusal":null}', 'null', none) +
      chunk('{"content":"["}', 'null', none) +
      chunk('{"content":"emul"}', 'null', none) +
      chunk('{}', '"length"', none) +
      `data: {"id":"chatcmpl-0","object":"chat.completion.chunk",${CHAT}],${USAGE(1, 2)}}\n\n` +
      'data: [DONE]\n\n',
  );
});

test('the tool calls of a chat completion, whole and as a stream', () => {
  const body = { messages: [{ role: 'user', content: 'lookup id=5' }], tools: [{ type: 'function', function: tool }] };
  expect(JSON.parse(chat(body).body())).toMatchObject({
    choices: [
      {
        message: {
          content: null,
          tool_calls: [{ id: 'call_0', type: 'function', function: { name: 'lookup', arguments: '{"id":5}' } }],
        },
        finish_reason: 'tool_calls',
      },
    ],
  });
  const called = (args: string): string =>
    chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"${args}"}}]}`, 'null');
  expect(streamed(chat({ ...body, stream: true }))).toBe(
    chunk(
      '{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"index":0,"id":"call_0","type":"function","function":{"name":"lookup","arguments":""}}]}',
      'null',
    ) +
      ['{', '\\"', 'id', '\\"', ':', '5', '}'].map(called).join('') +
      chunk('{}', '"tool_calls"') +
      'data: [DONE]\n\n',
  );
});
