import { ERRORS, type ErrorCode } from '@perdure/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { raw, rawBytes } from '../support/raw-http.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Whatever is sent: the documented error, and nothing lost or begun. */
const BODY_BYTES = 4_096;
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ clouds: ['aws'], config: { limits: { body_bytes: BODY_BYTES, body_read_ms: 300 } } });
});
afterAll(() => stack.close());

interface Told {
  readonly status: number;
  readonly code: ErrorCode;
  readonly param?: string | null;
}
interface Case extends Told {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly body?: unknown;
  readonly headers?: { readonly [name: string]: string };
}

const hello = { model: MODEL, input: 'Hello.' };
const chat = { model: MODEL, messages: [{ role: 'user', content: 'Hello.' }] };
const asked = async ({ method = 'POST', path = '/v1/responses', body, headers }: Case): Promise<Told> => {
  const response = await stack.request(method, path, { body, ...(headers !== undefined && { headers }) });
  const { error } = (await response.json()) as { error: { code: ErrorCode; param: string | null } };
  return { status: response.status, code: error.code, param: error.param };
};
const check = async (one: Case): Promise<void> => {
  const told = await asked(one);
  expect(told).toMatchObject({
    status: one.status,
    code: one.code,
    ...(one.param !== undefined && { param: one.param }),
  });
};

const invalid = (name: string, body: unknown, param: string | null): Case => ({
  name,
  body,
  status: 400,
  code: 'invalid_request',
  param,
});

describe('a body', () => {
  const cases: Case[] = [
    { name: 'that is no JSON', body: '{"model": ', status: 400, code: 'invalid_json' },
    { name: 'that is empty', body: '', headers: { 'content-length': '0' }, status: 400, code: 'invalid_json' },
    {
      name: 'of another type',
      body: 'model=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      name: 'of plain text',
      body: JSON.stringify(hello),
      headers: { 'content-type': 'text/plain' },
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      name: 'that nearly is JSON',
      body: JSON.stringify(hello),
      headers: { 'content-type': 'application/jsonp' },
      status: 415,
      code: 'unsupported_media_type',
    },
    {
      name: 'that is too large',
      body: { ...hello, input: 'x'.repeat(BODY_BYTES) },
      status: 413,
      code: 'body_too_large',
    },
    invalid('that is a list', [hello], null),
    invalid('that is null', null, null),
    invalid('that is a number', 7, null),
    invalid('that nests too deep', JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`), null),
  ];
  test.each(cases)('$name: $status $code', check);

  test('of exactly the bound is read, one byte more is not', async () => {
    const frame = JSON.stringify({ ...hello, input: '' }).length;
    const sized = (bytes: number) => ({ ...hello, input: 'x'.repeat(bytes - frame) });
    const fits = await stack.request('POST', '/v1/responses', { body: sized(BODY_BYTES) });
    expect(fits.status).toBe(200);
    await fits.text();
    await check({ name: '', body: sized(BODY_BYTES + 1), status: 413, code: 'body_too_large' });
  });

  test('that hides its size is cut off at the bound, and the connection with it', async () => {
    const chunk = `${(2048).toString(16)}\r\n${'x'.repeat(2048)}\r\n`;
    const head = `POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    const answer = await rawBytes(stack.url, head + chunk.repeat(3));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"body_too_large"');
    expect(answer.toLowerCase()).toContain('connection: close');
  });

  test('that does not come is not waited for', async () => {
    const head = `POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"model":`;
    const answer = await rawBytes(stack.url, head);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request_too_slow"');
  });
});

describe('bytes that are', () => {
  const get = 'GET /v1/models HTTP/1.1\r\nconnection: close\r\n';
  test.each([
    ['no HTTP at all', 'HELO you\r\n\r\n', 400],
    ['a request of a version that there is not', 'GET / HTTP/9.9\r\n\r\n', 400],
    ['a body of two lengths', `${get}host: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n`, 400],
    ['a header too long', `${get}host: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['a request without a host', `${get}\r\n`, 400],
    ['a request to a host that is none', `${get}host: a b\r\n\r\n`, 400],
    ['an address that is none', 'GET /\\..\\ HTTP/1.1\r\nconnection: close\r\nhost: localhost\r\n\r\n', 400],
    ['an expectation of something unknown', `${get}host: localhost\r\nexpect: wonders\r\n\r\n`, 417],
  ])('%s are told so in the documented form', async (_, bytes, status) => {
    const [head = '', body = ''] = (await rawBytes(stack.url, bytes)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head.toLowerCase()).toContain('content-type: application/json');
    expect(JSON.parse(body)).toEqual({
      error: { message: expect.any(String), type: 'invalid_request_error', code: 'invalid_request', param: null },
    });
  });
});

describe('a request that is wrong in', () => {
  const many = (count: number): { [key: string]: string } =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));
  const cases: Case[] = [
    invalid('no model', { input: 'Hello.' }, 'model'),
    invalid('no input', { model: MODEL }, 'input'),
    invalid('the type of its input', { ...hello, input: 7 }, 'input'),
    invalid(
      'a part of its input',
      { ...hello, input: [{ role: 'user', content: [{ type: 'input_text' }] }] },
      'input[0].content[0].text',
    ),
    invalid('the role of a message', { ...hello, input: [{ role: 'king', content: 'Hello.' }] }, 'input[0].role'),
    {
      ...invalid('the kind of an item', { ...hello, input: [{ type: 'song' }] }, 'input[0].type'),
      code: 'unsupported_content',
    },
    invalid('its temperature', { ...hello, temperature: 3 }, 'temperature'),
    invalid('its bound', { ...hello, max_output_tokens: 15 }, 'max_output_tokens'),
    invalid('17 pairs of metadata', { ...hello, metadata: many(17) }, 'metadata'),
    invalid('the type of store', { ...hello, store: 'yes' }, 'store'),
    invalid('the name of a tool', { ...hello, tools: [{ type: 'function', name: 'no spaces' }] }, 'tools[0].name'),
    invalid('its labels', hello, 'perdure-labels'),
    {
      name: 'asking for the background, unstored',
      body: { ...hello, background: true, store: false },
      status: 400,
      code: 'mutually_exclusive_parameters',
      param: 'background',
    },
    { name: 'its model', body: { ...hello, model: 'nobody' }, status: 404, code: 'model_not_found', param: 'model' },
    {
      name: 'its model, unstored',
      body: { ...hello, model: 'nobody', store: false },
      status: 404,
      code: 'model_not_found',
      param: 'model',
    },
    {
      name: 'its previous response',
      body: { ...hello, previous_response_id: 'resp_nothing' },
      status: 400,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
    },
    {
      name: 'its conversation',
      body: { ...hello, conversation: 'conv_nothing' },
      status: 404,
      code: 'conversation_not_found',
      param: 'conversation',
    },
    {
      name: 'a reference',
      body: { ...hello, input: [{ type: 'item_reference', id: 'msg_nothing' }] },
      status: 400,
      code: 'item_not_found',
      param: 'input',
    },
    { ...invalid('no messages (chat)', { model: MODEL }, 'messages'), path: '/v1/chat/completions' },
    {
      ...invalid('a message (chat)', { ...chat, messages: [{ role: 'user' }] }, 'messages[0].content'),
      path: '/v1/chat/completions',
    },
    {
      name: 'its model (chat)',
      path: '/v1/chat/completions',
      body: { ...chat, model: 'nobody' },
      status: 404,
      code: 'model_not_found',
      param: 'model',
    },
    { ...invalid('its metadata (conversation)', { metadata: 'none' }, 'metadata'), path: '/v1/conversations' },
    {
      ...invalid('an item (conversation)', { items: [{ role: 'user' }] }, 'items[0].content'),
      path: '/v1/conversations',
    },
    { ...invalid('its date (what-if)', { as_of: '2026-02-30' }, 'as_of'), path: '/perdure/v1/whatif' },
  ];
  test.each(cases)('$name: $status $code', one =>
    check(one.name === 'its labels' ? { ...one, headers: { 'perdure-labels': 'Not A Label' } } : one),
  );

  test('metadata of 16 pairs is taken', async () => {
    const response = await stack.request('POST', '/v1/responses', { body: { ...hello, metadata: many(16) } });
    expect(((await response.json()) as { metadata: object }).metadata).toEqual(many(16));
  });

  test('17 labels are refused and 16 are taken', async () => {
    const labels = (count: number): string => Array.from({ length: count }, (_, i) => `l${i}`).join(', ');
    const taken = await stack.request('POST', '/v1/responses', {
      body: hello,
      headers: { 'perdure-labels': labels(16) },
    });
    expect(taken.status).toBe(200);
    await taken.text();
    await check({ ...invalid('', hello, 'perdure-labels'), headers: { 'perdure-labels': labels(17) } });
  });
});

describe('what does not exist', () => {
  const ids = [
    'nothing',
    '01m7ysy35z6vpc45y7fwfd64vm0g',
    '%00',
    '%',
    '%zz',
    '..%2f..%2fetc',
    '%F0%9F%90%95',
    'x'.repeat(3_000),
  ];
  const routes = (id: string): [method: string, path: string, code: ErrorCode, body?: unknown][] => [
    ['GET', `/v1/responses/resp_${id}`, 'response_not_found'],
    ['GET', `/v1/responses/resp_${id}?stream=true`, 'response_not_found'],
    ['DELETE', `/v1/responses/resp_${id}`, 'response_not_found'],
    ['GET', `/v1/responses/resp_${id}/input_items`, 'response_not_found'],
    ['GET', `/v1/conversations/conv_${id}`, 'conversation_not_found'],
    ['POST', `/v1/conversations/conv_${id}`, 'conversation_not_found', { metadata: {} }],
    ['DELETE', `/v1/conversations/conv_${id}`, 'conversation_not_found'],
    ['GET', `/v1/conversations/conv_${id}/items`, 'conversation_not_found'],
    [
      'POST',
      `/v1/conversations/conv_${id}/items`,
      'conversation_not_found',
      { items: [{ role: 'user', content: 'Hello.' }] },
    ],
    ['GET', `/v1/conversations/conv_${id}/items/msg_x`, 'conversation_not_found'],
    ['DELETE', `/v1/conversations/conv_${id}/items/msg_x`, 'conversation_not_found'],
    ['GET', `/v1/models/${id}`, 'model_not_found'],
    ['GET', `/perdure/v1/placements/plc_${id}`, 'placement_not_found'],
  ];
  test.each(ids)('under the id %j is not found on any route', async id => {
    for (const [method, path, code, body] of routes(id)) {
      expect([method, path, await asked({ name: '', method, path, body, status: 404, code })]).toMatchObject([
        method,
        path,
        { status: 404, code },
      ]);
    }
  });

  test('at an address is 404, and under a method 405', async () => {
    for (const path of ['/v1', '/v2/responses', '/v1/responses/resp_x/nothing', '/perdure/v1', '/v1/responses/'])
      await check({ name: '', method: 'GET', path, status: 404, code: 'not_found' });
    for (const [method, path] of [
      ['GET', '/v1/responses'],
      ['PUT', '/v1/responses/resp_x'],
      ['PATCH', '/v1/conversations/conv_x'],
      ['DELETE', '/v1/models'],
      ['DELETE', '/v1/chat/completions'],
      ['POST', '/perdure/v1/status'],
      ['DELETE', '/perdure/v1/placements/plc_x'],
      ['POST', '/healthz'],
    ] as const)
      await check({ name: '', method, path, status: 405, code: 'method_not_allowed' });
    const told = await stack.request('PUT', '/v1/responses/resp_x');
    expect(told.headers.get('allow')).toBe('GET, DELETE');
    await told.text();
  });
});

describe('queries', () => {
  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['order=sideways', 'order'],
    ['after=', 'after'],
  ])('%s is refused', async (query, param) => {
    const made = (await (await stack.request('POST', '/v1/responses', { body: hello })).json()) as { id: string };
    const path = `/v1/responses/${made.id}/input_items?${query}`;
    await check({ name: '', method: 'GET', path, status: 400, code: 'invalid_request', param });
    await check({
      name: '',
      method: 'GET',
      path: `/perdure/v1/placements?${query}`,
      status: 400,
      code: 'invalid_request',
      param,
    });
  });

  test('a cursor that is none of the list', async () => {
    const made = (await (await stack.request('POST', '/v1/responses', { body: hello })).json()) as { id: string };
    const path = `/v1/responses/${made.id}/input_items?after=msg_nothing`;
    await check({ name: '', method: 'GET', path, status: 400, code: 'item_not_found', param: 'after' });
    const from = `/v1/responses/${made.id}?stream=true&starting_after=minus`;
    await check({ name: '', method: 'GET', path: from, status: 400, code: 'invalid_request', param: 'starting_after' });
    for (const stream of ['True', '1', 'yes', 'true&stream=true']) {
      const path = `/v1/responses/${made.id}?stream=${stream}`;
      await check({ name: '', method: 'GET', path, status: 400, code: 'invalid_request', param: 'stream' });
    }
    for (const nothing of ['stream=', 'stream=false', ''])
      expect((await stack.request('GET', `/v1/responses/${made.id}?${nothing}`)).status).toBe(200);
  });
});

describe('without keys', () => {
  const post = (headers: { [name: string]: string }) =>
    raw(stack.url, {
      method: 'POST',
      path: '/v1/responses',
      body: JSON.stringify(hello),
      headers: { 'content-type': 'application/json', ...headers },
    });
  const code = ({ body }: { body: string }): unknown => (JSON.parse(body) as { error: { code: string } }).error.code;

  test.each(['evil.example', 'evil.example:4180', 'localhost.evil.example', '10.0.0.1', '127.0.0.1.evil.example'])(
    'the host %s is refused, on open routes too',
    async host => {
      const answer = await post({ host });
      expect([answer.status, code(answer)]).toEqual([403, 'host_not_allowed']);
      for (const path of ['/', '/healthz', '/readyz', '/openapi.json', '/perdure/v1/status', '/nothing'])
        expect((await raw(stack.url, { method: 'GET', path, headers: { host } })).status).toBe(403);
    },
  );

  test.each(['localhost', 'localhost:4180', '127.0.0.1', '127.8.8.8:1', '[::1]:4180'])(
    'the host %s is let in',
    async host => {
      expect((await post({ host })).status).toBe(200);
    },
  );

  test('a web page of another site is refused, one of ours is not', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost:1' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const answer = await post({ host: 'localhost:4180', ...headers });
      expect([answer.status, code(answer)]).toEqual([403, 'origin_not_allowed']);
    }
    for (const headers of [
      { origin: 'http://localhost:4180' },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
    ])
      expect((await post({ host: 'localhost:4180', ...headers })).status).toBe(200);
  });

  test('any bearer is let in, or none', async () => {
    for (const headers of [{}, { authorization: 'Bearer anything' }, { authorization: 'Basic eDp5' }])
      expect((await post(headers as { [name: string]: string })).status).toBe(200);
  });
});

test('nothing of all this was counted against anybody, and the server is well', async () => {
  const answer = await stack.request('POST', '/v1/responses', { body: hello });
  expect(answer.status).toBe(200);
  await answer.text();
  expect(stack.notes).toEqual([]);
});

test('every code that is told here is in the catalogue with its status', () => {
  expect(ERRORS.body_too_large.status).toBe(413);
  expect(ERRORS.unsupported_media_type.status).toBe(415);
});
