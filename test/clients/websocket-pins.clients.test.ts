import { afterEach, beforeEach, expect, test } from 'vitest';
import { pinned } from '../support/pinned.ts';
import { TestSocket } from '../support/socket.ts';
import { type SocketWorld, startSocketWorld } from '../support/socket-world.ts';

/** L12: the frames, as literals. A change here is a change that clients see. */
let served: SocketWorld;
let socket: TestSocket;
beforeEach(async () => {
  served = await startSocketWorld();
  socket = await TestSocket.open(served, { key: 'ACME' });
});
afterEach(async () => {
  socket.close();
  await served.close();
});

const frames = (): readonly string[] => pinned(socket.texts.join('\n')).split('\n');

const SETTINGS =
  '"tool_choice":"auto","truncation":"disabled","parallel_tool_calls":true,"text":{"format":{"type":"text"}},"top_p":1,"presence_penalty":0,"frequency_penalty":0,"top_logprobs":0,"temperature":1,"reasoning":null,';
const REST =
  '"max_output_tokens":null,"max_tool_calls":null,"store":false,"background":false,"service_tier":"default","metadata":{},"safety_identifier":null,"prompt_cache_key":null}';
const response = (status: string, completed: string, output: string, usage: string): string =>
  `"response":{"id":"resp_1","object":"response","created_at":0,"completed_at":${completed},"status":"${status}","incomplete_details":null,"model":"gpt","previous_response_id":null,"instructions":null,"output":[${output}],"error":null,"tools":[],${SETTINGS}"usage":${usage},${REST}`;
const BEGUN = response('in_progress', 'null', '', 'null');
const TEXT = '{"type":"output_text","text":"Hi there","annotations":[],"logprobs":[]}';
const MESSAGE = `{"type":"message","id":"msg_2","status":"completed","role":"assistant","content":[${TEXT}]}`;
const AT = '"item_id":"msg_2","output_index":0,"content_index":0';
const USAGE =
  '{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":15}';
const NO_USAGE =
  '{"input_tokens":0,"input_tokens_details":{"cached_tokens":0},"output_tokens":0,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":0}';

test('a response in a lane', async () => {
  socket.send('{"type":"response.create","stream_id":"main","model":"gpt","input":"Hi.","store":false}');
  await socket.end();
  expect(frames()).toEqual([
    `{"type":"response.created","sequence_number":0,${BEGUN},"stream_id":"main"}`,
    `{"type":"response.in_progress","sequence_number":1,${BEGUN},"stream_id":"main"}`,
    '{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"message","id":"msg_2","status":"in_progress","role":"assistant","content":[]},"stream_id":"main"}',
    `{"type":"response.content_part.added","sequence_number":3,${AT},"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]},"stream_id":"main"}`,
    `{"type":"response.output_text.delta","sequence_number":4,${AT},"delta":"Hi there","logprobs":[],"stream_id":"main"}`,
    `{"type":"response.output_text.done","sequence_number":5,${AT},"text":"Hi there","logprobs":[],"stream_id":"main"}`,
    `{"type":"response.content_part.done","sequence_number":6,${AT},"part":${TEXT},"stream_id":"main"}`,
    `{"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":${MESSAGE},"stream_id":"main"}`,
    `{"type":"response.completed","sequence_number":8,${response('completed', '0', MESSAGE, USAGE)},"stream_id":"main"}`,
  ]);
});

test('a warm-up', async () => {
  socket.send('{"type":"response.create","generate":false,"model":"gpt","input":"Hi."}');
  await socket.end();
  expect(frames()).toEqual([
    `{"type":"response.created","sequence_number":0,${BEGUN}}`,
    `{"type":"response.in_progress","sequence_number":1,${BEGUN}}`,
    `{"type":"response.completed","sequence_number":2,${response('completed', '0', '', NO_USAGE)}}`,
  ]);
});

test('faults', async () => {
  const sent = [
    '{"type":"response.create","stream_id":"main","model":"gpt","input":"x","previous_response_id":"resp_abc"}',
    '{"type":"response.create","stream_id":""}',
    '{"type":"response.steer","previous_response_id":"resp_abc","input":[{"role":"user","content":"x"}]}',
    '{"type":',
  ];
  for (const frame of sent) {
    socket.send(frame);
    await socket.next();
  }
  expect(frames()).toEqual([
    '{"type":"error","status":400,"error":{"message":"Previous response with id \'resp_abc\' not found.","type":"invalid_request_error","code":"previous_response_not_found","param":"previous_response_id"},"stream_id":"main"}',
    '{"type":"error","status":400,"error":{"message":"The \'stream_id\' field must be a non-empty string with at most 256 characters and may only contain letters, numbers, underscores, hyphens, and periods.","type":"invalid_request_error","code":"invalid_stream_id","param":"stream_id"}}',
    '{"type":"response.steer.failed","sequence_number":0,"steer":{"previous_response_id":"resp_abc","input":[{"role":"user","content":"x"}]},"error":{"type":"invalid_request_error","code":"response_not_found","message":"No response of this connection has this id."}}',
    '{"type":"error","status":400,"error":{"message":"The frame is not valid JSON.","type":"invalid_request_error","code":"invalid_json","param":null}}',
  ]);
});
