import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pinned } from '../support/pinned.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** L12: the bytes, as literals. A change here is a change that clients see. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ clouds: ['aws'] });
});
afterAll(() => stack.close());
beforeEach(() => stack.calm());

const send = async (path: string, body: unknown): Promise<{ status: number; headers: object; text: string }> => {
  const response = await stack.request('POST', path, { body });
  const headers = Object.fromEntries([...response.headers].map(([name, value]) => [name, pinned(value)]));
  return { status: response.status, headers, text: pinned(await response.text()) };
};
const lines = (...events: readonly string[]): string => events.map(event => `${event}\n\n`).join('');
const named = (type: string, data: string): string => `event: ${type}\ndata: {"type":"${type}",${data}}`;

const HEAD = '"id":"resp_1","object":"response","created_at":0,';
const SETTINGS =
  '"tool_choice":"auto","truncation":"disabled","parallel_tool_calls":true,"text":{"format":{"type":"text"}},"top_p":1,"presence_penalty":0,"frequency_penalty":0,"top_logprobs":0,"temperature":1,"reasoning":null,';
const REST = '"background":false,"service_tier":"default",';
const END = '"safety_identifier":null,"prompt_cache_key":null';
const MESSAGE =
  '{"type":"message","id":"msg_2","status":"completed","role":"assistant","content":[{"type":"output_text","text":"[emulated aws] Noted: \\"Hi.\\".","annotations":[],"logprobs":[]}]}';
const USAGE =
  '"usage":{"input_tokens":2,"input_tokens_details":{"cached_tokens":0},"output_tokens":13,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":15},"max_output_tokens":null,"max_tool_calls":null,';
const NO_USAGE = '"usage":null,"max_output_tokens":null,"max_tool_calls":null,';
const MODEL_AND = '"model":"gpt-5.5","previous_response_id":null,';
const WORDS = ['[', 'emul', 'ated', ' aws', ']', ' Note', 'd', ':', ' \\"', 'Hi', '.', '\\"', '.'];

test('a response', async () => {
  const { status, headers, text } = await send('/v1/responses', {
    model: MODEL,
    input: 'Hi.',
    metadata: { a: 'b' },
    instructions: 'Be short.',
  });
  expect(status).toBe(200);
  expect(headers).toEqual({
    connection: 'keep-alive',
    'content-length': expect.stringMatching(/^\d+$/),
    'content-type': 'application/json',
    date: expect.any(String),
    'keep-alive': 'timeout=65',
    'perdure-placement': 'plc_1',
    'perdure-response': 'resp_1',
    'openai-processing-ms': expect.stringMatching(/^\d+$/),
    'x-request-id': 'req_1',
  });
  const usage = USAGE.replace('"input_tokens":2', '"input_tokens":6').replace('15}', '19}');
  expect(text).toBe(
    `{${HEAD}"completed_at":0,"status":"completed","incomplete_details":null,${MODEL_AND}"instructions":"Be short.","output":[${MESSAGE}],"error":null,"tools":[],${SETTINGS}${usage}"store":true,${REST}"metadata":{"a":"b"},${END}}`,
  );
});

test('a response that calls a function', async () => {
  const body = {
    model: MODEL,
    input: 'Use pay {"to":"Bo"}.',
    tools: [{ type: 'function', name: 'pay' }],
    store: false,
  };
  const { text } = await send('/v1/responses', body);
  expect(text.replace(/call_[0-9a-f]+/, 'call_x')).toContain(
    '"output":[{"type":"function_call","id":"fc_2","status":"completed","call_id":"call_x","name":"pay","arguments":"{\\"to\\":\\"Bo\\"}"}],"error":null,"tools":[{"type":"function","name":"pay","description":null,"parameters":null,"strict":null}],',
  );
});

/** A stream of the answer to "Hi.", up to its last event. */
const STREAM = (store: boolean): string[] => {
  const begun = `${HEAD}"completed_at":null,"status":"in_progress","incomplete_details":null,${MODEL_AND}"instructions":null,"output":[],"error":null,"tools":[],${SETTINGS}${NO_USAGE}"store":${store},${REST}"metadata":{},${END}`;
  const place = '"item_id":"msg_2","output_index":0,"content_index":0,';
  return [
    named('response.created', `"sequence_number":0,"response":{${begun}}`),
    named('response.in_progress', `"sequence_number":1,"response":{${begun}}`),
    named(
      'response.output_item.added',
      '"sequence_number":2,"output_index":0,"item":{"type":"message","id":"msg_2","status":"in_progress","role":"assistant","content":[]}',
    ),
    named(
      'response.content_part.added',
      `"sequence_number":3,${place}"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}`,
    ),
    ...WORDS.map((word, index) =>
      named('response.output_text.delta', `"sequence_number":${index + 4},${place}"delta":"${word}","logprobs":[]`),
    ),
    named(
      'response.output_text.done',
      `"sequence_number":17,${place}"text":"[emulated aws] Noted: \\"Hi.\\".","logprobs":[]`,
    ),
    named(
      'response.content_part.done',
      `"sequence_number":18,${place}"part":{"type":"output_text","text":"[emulated aws] Noted: \\"Hi.\\".","annotations":[],"logprobs":[]}`,
    ),
    named('response.output_item.done', `"sequence_number":19,"output_index":0,"item":${MESSAGE}`),
  ];
};

test.each([true, false])('a stream (store: %s)', async store => {
  const { status, headers, text } = await send('/v1/responses', { model: MODEL, input: 'Hi.', stream: true, store });
  expect(status).toBe(200);
  expect(headers).toEqual({
    'cache-control': 'no-cache, no-transform',
    connection: 'keep-alive',
    'content-type': 'text/event-stream; charset=utf-8',
    date: expect.any(String),
    'keep-alive': 'timeout=65',
    'perdure-placement': 'plc_1',
    ...(store && { 'perdure-response': 'resp_1' }),
    'transfer-encoding': 'chunked',
    'x-accel-buffering': 'no',
    'openai-processing-ms': expect.stringMatching(/^\d+$/),
    'x-request-id': 'req_1',
  });
  const whole = `${HEAD}"completed_at":0,"status":"completed","incomplete_details":null,${MODEL_AND}"instructions":null,"output":[${MESSAGE}],"error":null,"tools":[],${SETTINGS}${USAGE}"store":${store},${REST}"metadata":{},${END}`;
  expect(text).toBe(lines(...STREAM(store), named('response.completed', `"sequence_number":20,"response":{${whole}}`)));
});

test('a stream that fails', async () => {
  await stack.fault('cut 2', { times: 1 });
  const { text } = await send('/v1/responses', { model: MODEL, input: 'Hi.', stream: true, store: false });
  const message = '"message":"The connection to the model provider broke in the middle of its answer."';
  const failed = `${HEAD}"completed_at":null,"status":"failed","incomplete_details":null,${MODEL_AND}"instructions":null,"output":[],"error":{"code":"upstream_interrupted",${message}},"tools":[],${SETTINGS}${NO_USAGE}"store":false,${REST}"metadata":{},${END}`;
  expect(text).toBe(
    lines(
      ...STREAM(false).slice(0, 6),
      named(
        'error',
        `"sequence_number":6,"code":"upstream_interrupted",${message},"param":null,"error":{${message},"type":"server_error","code":"upstream_interrupted","param":null}`,
      ),
      named('response.failed', `"sequence_number":7,"response":{${failed}}`),
    ),
  );
});

test('an error', async () => {
  const { status, headers, text } = await send('/v1/responses', { model: MODEL });
  expect([status, text]).toEqual([
    400,
    `{"error":{"message":"Missing required parameter: 'input'.","type":"invalid_request_error","code":"invalid_request","param":"input"}}`,
  ]);
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-request-id': 'req_1' });
});

const CHAT_USAGE =
  '{"prompt_tokens":2,"completion_tokens":13,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}';

test('a chat completion', async () => {
  const { text } = await send('/v1/chat/completions', { model: MODEL, messages: [{ role: 'user', content: 'Hi.' }] });
  expect(text).toBe(
    `{"id":"chatcmpl_1","object":"chat.completion","created":0,"model":"gpt-5.5","choices":[{"index":0,"message":{"role":"assistant","content":"[emulated aws] Noted: \\"Hi.\\".","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":${CHAT_USAGE},"service_tier":"default","system_fingerprint":null}`,
  );
});

test('a chat stream', async () => {
  const { text } = await send('/v1/chat/completions', {
    model: MODEL,
    messages: [{ role: 'user', content: 'Hi.' }],
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunk = (choices: string, usage: string): string =>
    `data: {"id":"chatcmpl_1","object":"chat.completion.chunk","created":0,"model":"gpt-5.5","service_tier":"default","system_fingerprint":null,"choices":[${choices}],"usage":${usage}}`;
  const choice = (delta: string, finish = 'null'): string =>
    `{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}`;
  expect(text).toBe(
    lines(
      chunk(choice('{"role":"assistant","content":""}'), 'null'),
      ...WORDS.map(word => chunk(choice(`{"content":"${word}"}`), 'null')),
      chunk(choice('{}', '"stop"'), 'null'),
      chunk('', CHAT_USAGE),
      'data: [DONE]',
    ),
  );
});
