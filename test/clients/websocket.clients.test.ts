import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { ResponsesWS } from 'openai/resources/responses/ws';
import type { ResponsesClientEvent, ResponsesServerEvent } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawBytes } from '../support/raw-http.ts';
import { DOG, RECALLED, WHICH_DOG } from '../support/said.ts';
import { type Ended, refused, TestSocket } from '../support/socket.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** `/v1/responses` over a WebSocket: with the official client, and by hand where that one does nothing wrong. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: {
      keys: [
        { name: 'acme', secret: 'secret-of-acme-0000', tenant: 'acme' },
        { name: 'rival', secret: 'secret-of-rival-0000', tenant: 'rival' },
        { name: 'admin', secret: 'secret-of-admin-0000', tenant: 'acme', scopes: ['admin'] },
        { name: 'reader', secret: 'secret-of-reader-0000', tenant: 'acme', scopes: ['read'] },
      ],
    },
  });
});
afterAll(() => stack.close());

const ACME = 'secret-of-acme-0000';
const open = (key = ACME): Promise<TestSocket> => TestSocket.open(stack, { key });
const LONG = 'Tell me a lot. [[words: 400]] [[latency: 5]]';
const text = (ended: Ended): string => JSON.stringify(ended.output);

/** The first response that asks for it, to its end, with the official client. */
async function ask(
  ws: ResponsesWS,
  event: Partial<ResponsesClientEvent.ResponseCreate>,
): Promise<ResponsesServerEvent[]> {
  const seen: ResponsesServerEvent[] = [];
  ws.send({ type: 'response.create', model: MODEL, ...event });
  for await (const one of ws) {
    if (one.type === 'error') throw one.error;
    if (one.type !== 'message') continue;
    seen.push(one.message);
    if (one.message.type === 'response.completed') return seen;
  }
  throw new Error('the socket was closed');
}

const responseOf = (events: readonly ResponsesServerEvent[]): { id: string; output_text?: string } => {
  const last = events.at(-1);
  if (last?.type !== 'response.completed') throw new Error(`ended with ${String(last?.type)}`);
  return last.response;
};

describe('the official client', () => {
  test('is shown over a socket what it would be over HTTP, byte for byte', async () => {
    const client = stack.openai(ACME);
    const ws = new ResponsesWS(client);
    const events = await ask(ws, { input: DOG });
    ws.close();
    const read = await client.responses.retrieve(responseOf(events).id, { stream: true });
    const streamed: unknown[] = [];
    for await (const event of read) streamed.push(event);
    expect(events).toEqual(streamed);
  });

  test('goes on from what is stored, and from what is not', async () => {
    const ws = new ResponsesWS(stack.openai(ACME));
    for (const store of [true, false]) {
      const first = responseOf(await ask(ws, { input: DOG, store }));
      const second = await ask(ws, { input: WHICH_DOG, store, previous_response_id: first.id });
      expect(JSON.stringify(second.at(-1))).toContain(JSON.stringify(RECALLED).slice(1, -1));
      expect(second.at(0)).toMatchObject({ response: { previous_response_id: first.id, store } });
    }
    ws.close();
  });

  test('gets an error as an event, and the socket is good for the next', async () => {
    const ws = new ResponsesWS(stack.openai(ACME));
    await expect(ask(ws, { input: 'x', previous_response_id: 'resp_nothing' })).rejects.toThrow(
      "Previous response with id 'resp_nothing' not found.",
    );
    expect(responseOf(await ask(ws, { input: DOG })).id).toMatch(/^resp_/);
    ws.close();
  });
});

describe('who may', () => {
  test.each([
    ['no key', {}, 401, 'missing_api_key'],
    ['a wrong key', { key: 'wrong' }, 401, 'invalid_api_key'],
    ['a key that may only read', { key: 'secret-of-reader-0000' }, 403, 'insufficient_scope'],
    ['another path', { key: ACME, path: '/v1/conversations' }, 404, 'not_found'],
    ['labels that are none', { key: ACME, headers: { 'perdure-labels': 'A B' } }, 400, 'invalid_request'],
  ] as const)('an upgrade with %s is refused as any request is', async (_, options, status, code) => {
    expect(await refused(stack, options)).toMatchObject({ status, code, requestId: expect.stringMatching(/^req_/) });
  });

  test('L10: what is another tenant’s does not exist', async () => {
    const [mine, theirs] = await Promise.all([open(), open('secret-of-rival-0000')]);
    mine.create(DOG);
    const { id } = await mine.end();
    theirs.create(WHICH_DOG, { previous_response_id: id });
    expect(await theirs.end()).toMatchObject({ status: 400, error: { code: 'previous_response_not_found' } });
    theirs.send({ type: 'response.steer', previous_response_id: id, input: 'x' });
    expect(await theirs.of('response.steer.failed')).toMatchObject({ error: { code: 'response_not_found' } });
    mine.close();
    theirs.close();
  });

  test('a key that is revoked begins nothing more', async () => {
    const admin = 'secret-of-admin-0000';
    const made = await stack.request('POST', '/perdure/v1/keys', { key: admin, body: { name: 'brief' } });
    const { id, secret } = (await made.json()) as { id: string; secret: string };
    const socket = await open(secret);
    socket.create('Hello.', { store: false });
    expect(await socket.end()).toMatchObject({ status: 'completed' });
    expect((await stack.request('DELETE', `/perdure/v1/keys/${id}`, { key: admin })).status).toBe(200);
    socket.create('Hello.', { store: false });
    expect(await socket.end()).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
    expect(await socket.closed).toMatchObject({ code: 1008 });
  });

  test.each([
    ['no key of its own', 'GET', { 'sec-websocket-version': '13' }],
    ['another method', 'POST', { 'sec-websocket-version': '13', 'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==' }],
    [
      'a version that is none',
      'GET',
      { 'sec-websocket-version': '12', 'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==' },
    ],
  ])('a handshake with %s is refused as any request is, and the connection ends', async (_, method, more) => {
    const head = Object.entries({ authorization: `Bearer ${ACME}`, ...more }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const asks = `${method} /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n`;
    const answer = await rawBytes(stack.url, `${asks}${head.join('')}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toMatch(/x-request-id: req_/);
    expect(answer).toMatch(/content-type: application\/json/i);
    expect(answer).toContain('"code":"invalid_request"');
  });

  test('another upgrade than to a WebSocket is not taken up: the request is served as it is', async () => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' };
    const sent = httpRequest(`${stack.url}/healthz`, { headers }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
  });
});

describe('a chain that is not stored', () => {
  test('is on its own connection only, and is sent whole', async () => {
    await stack.calm();
    const socket = await open();
    socket.create(DOG, { store: false });
    const first = await socket.end();
    expect(first).toMatchObject({ status: 'completed', store: false });
    socket.create(WHICH_DOG, { store: false, previous_response_id: first.id });
    expect(text(await socket.end())).toContain(DOG);
    const other = await open();
    other.create(WHICH_DOG, { store: false, previous_response_id: first.id });
    expect(await other.end()).toMatchObject({
      type: 'error',
      status: 400,
      error: {
        type: 'invalid_request_error',
        code: 'previous_response_not_found',
        message: `Previous response with id '${first.id}' not found.`,
        param: 'previous_response_id',
      },
    });
    // What was not to be stored is not made part of what is.
    socket.create(WHICH_DOG, { previous_response_id: first.id });
    expect(await socket.end()).toMatchObject({ error: { code: 'previous_response_not_found' } });
    expect((await stack.request('GET', `/v1/responses/${first.id}`, { key: ACME })).status).toBe(404);
    socket.close();
    other.close();
  });

  test('goes on from a stored response, which stays as it was', async () => {
    const socket = await open();
    socket.create(DOG);
    const root = await socket.end();
    socket.create('Noted?', { store: false, previous_response_id: root.id });
    const middle = await socket.end();
    expect(middle).toMatchObject({ previous_response_id: root.id, store: false });
    socket.create(WHICH_DOG, { store: false, previous_response_id: middle.id });
    expect(text(await socket.end())).toContain(DOG);
    socket.close();
    // Over HTTP too.
    const aside = { model: MODEL, input: WHICH_DOG, store: false, previous_response_id: root.id };
    const answer = await stack.request('POST', '/v1/responses', { key: ACME, body: aside });
    expect(await answer.text()).toContain(DOG);
    const foreign = await stack.request('POST', '/v1/responses', { key: 'secret-of-rival-0000', body: aside });
    expect([foreign.status, await foreign.text()]).toEqual([
      400,
      expect.stringContaining('previous_response_not_found'),
    ]);
  });

  test('is let go when it could not be continued; the socket stays', async () => {
    const socket = await open();
    const tools = [{ type: 'function', name: 'look', parameters: { type: 'object', properties: {} } }];
    socket.create('Use look.', { store: false, tools });
    const called = await socket.end();
    const answer = { type: 'function_call_output', call_id: called.output[0]?.call_id, output: 'it is there' };
    socket.create('And?', { store: false, tools, previous_response_id: called.id });
    expect(await socket.end()).toMatchObject({ status: 400, error: { code: 'tool_output_missing' } });
    socket.create([answer], { store: false, tools, previous_response_id: called.id });
    expect(await socket.end()).toMatchObject({ error: { code: 'previous_response_not_found' } });

    socket.create('Use look.', { store: false, tools, stream_id: 'a' });
    const again = await socket.end('a');
    // Another lane's failure leaves it to its own.
    socket.create('And?', { store: false, tools, previous_response_id: again.id, stream_id: 'b' });
    expect(await socket.end('b')).toMatchObject({ error: { code: 'tool_output_missing' } });
    const call_id = again.output[0]?.call_id;
    socket.create([{ ...answer, call_id }], { store: false, tools, previous_response_id: again.id, stream_id: 'a' });
    expect(text(await socket.end('a'))).toContain('it is there');
    socket.close();
  });

  test('leaves its call to no one when its client leaves: the upstream is let go', async () => {
    await stack.calm();
    const socket = await open();
    socket.create(LONG, { store: false });
    await socket.of('response.output_text.delta');
    socket.ws.terminate();
    await expect.poll(async () => (await stack.upstream()).at(-1)?.ended, { timeout: 10_000 }).toBe('client-left');
  });
});

describe('a stored response', () => {
  test('runs on when its client leaves, and can be read', async () => {
    const socket = await open();
    socket.create('Tell me a lot. [[words: 40]] [[latency: 5]]');
    const created = await socket.of('response.created');
    const { id } = created['response'] as { id: string };
    await socket.of('response.output_text.delta');
    socket.ws.terminate();
    await expect
      .poll(
        async () => {
          const read = await stack.request('GET', `/v1/responses/${id}`, { key: ACME });
          return ((await read.json()) as { status: string }).status;
        },
        { timeout: 10_000 },
      )
      .toBe('completed');
  });

  test('that fails has one end on a socket: response.failed', async () => {
    await stack.fault('cut 2', { contains: 'broken socket' });
    const socket = await open();
    for (const store of [true, false]) {
      const from = socket.frames.length;
      socket.create('A broken socket [[words: 40]]', { store });
      const ended = await socket.end();
      const types = socket.frames.slice(from).map(({ type }) => type);
      expect([store, types.filter(type => type === 'error'), types.at(-1)]).toEqual([store, [], 'response.failed']);
      expect(ended).toMatchObject({ status: 'failed', error: { code: 'upstream_interrupted' } });
    }
    socket.create('Hello.');
    expect(await socket.end()).toMatchObject({ status: 'completed' });
    socket.close();
    await stack.calm();
  });
});

describe('a frame that is wrong', () => {
  test.each([
    ['no JSON', '{"type":', 'invalid_json', null],
    ['no object', '[1]', 'invalid_request', null],
    ['no type', '{}', 'invalid_request', 'type'],
    ['an unknown type', '{"type":"response.dance"}', 'invalid_request', 'type'],
    ['an empty stream id', '{"type":"response.create","stream_id":""}', 'invalid_stream_id', 'stream_id'],
    ['a stream id of other signs', '{"type":"response.create","stream_id":"a b"}', 'invalid_stream_id', 'stream_id'],
    ['a generate that is no boolean', '{"type":"response.create","generate":1}', 'invalid_request', 'generate'],
    ['no model', '{"type":"response.create","input":"x"}', 'invalid_request', 'model'],
    [
      'background',
      `{"type":"response.create","model":"m","input":"x","background":true}`,
      'unsupported_parameter',
      'background',
    ],
  ])('with %s gets an error, and the socket stays', async (_, frame, code, param) => {
    const socket = await open();
    socket.send(frame);
    expect(await socket.end()).toMatchObject({ type: 'error', status: 400, error: { code, param } });
    socket.create('Hello.', { store: false, stream: true, client_metadata: { a: 'b' }, stream_id: null });
    expect(await socket.end()).toMatchObject({ status: 'completed' });
    socket.close();
  });

  test('for being binary, or too large, ends the connection', async () => {
    const binary = await open();
    binary.ws.send(Buffer.from('{}'));
    expect(await binary.closed).toMatchObject({ code: 1003 });
    expect(binary.frames).toMatchObject([{ type: 'error', error: { code: 'invalid_request' } }]);
    const large = await open();
    large.ws.on('error', () => undefined);
    large.send('x'.repeat(33 * 1024 * 1024));
    expect(await large.closed).toMatchObject({ code: 1009 });
  });
});

test('a server that stops ends its connections; what was stored is there afterwards', async () => {
  const socket = await open();
  socket.create(DOG);
  const first = await socket.end();
  socket.create(LONG);
  const { id } = (await socket.of('response.created'))['response'] as { id: string };
  await stack.restart();
  expect(await socket.closed).toMatchObject({ code: 1012 });
  const again = await open();
  again.create(WHICH_DOG, { previous_response_id: first.id });
  expect(text(await again.end())).toContain(DOG);
  // It was cut by the stop: the next process took it up.
  const read = (): Promise<string> =>
    stack
      .request('GET', `/v1/responses/${id}`, { key: ACME })
      .then(answer => answer.json())
      .then(body => (body as { status: string }).status);
  await expect.poll(read, { timeout: 30_000 }).toBe('completed');
  again.close();
});
