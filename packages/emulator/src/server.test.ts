import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { Emulator, EmulatorOptions } from './options.ts';
import { MAX_BODY_BYTES } from './request-body.ts';
import { MAX_BODIES, MAX_LOGGED } from './request-log.ts';
import { startEmulator } from './server.ts';

// For a loaded machine: nothing here takes long by itself.
vi.setConfig({ testTimeout: 60_000 });

const started: Emulator[] = [];
afterEach(async () => {
  for (const emulator of started.splice(0)) await emulator.close();
});
const start = async (options: EmulatorOptions = {}): Promise<Emulator> => {
  const emulator = await startEmulator(options);
  started.push(emulator);
  return emulator;
};

const JSON_HEADERS = { 'content-type': 'application/json' };
const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { ...JSON_HEADERS, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const hello = { model: 'm', input: 'Hello.' };
/** Status, code and message; the type is the same for all that is checked here. */
const errorOf = async (response: Response): Promise<string> => {
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  expect(error['type']).toBe('invalid_request_error');
  return `${response.status} ${String(error['code'])} ${String(error['message'])}`;
};

test('every cloud is served under its own name, and says it', async () => {
  const emulator = await start({ clouds: ['azure', 'aws'] });
  for (const [url, cloud] of [
    [emulator.baseUrl('azure'), 'azure'],
    [emulator.baseUrl('aws'), 'aws'],
    [`${emulator.url}/azure/openai/v1`, 'azure'],
    [`${emulator.url}/v1`, 'default'],
  ] as const) {
    const text = await (await post(`${url}/responses?api-version=v1`, hello)).text();
    expect(text).toContain(`[emulated ${cloud}] Noted`);
  }
  expect(() => emulator.baseUrl('gcp')).toThrow(/no cloud "gcp"/);
  await expect(startEmulator({ clouds: ['No Cloud'] })).rejects.toThrow(/cannot name a cloud/);
});

test('what is not there is refused as the API does', async () => {
  const { url } = await start({ clouds: ['aws'] });
  expect(await errorOf(await post(`${url}/gcp/v1/responses`, hello))).toMatch(
    '404 null Invalid URL (POST /gcp/v1/responses)',
  );
  expect(await errorOf(await post(`${url}/v1/embeddings`, hello))).toMatch('404');
  expect(await errorOf(await fetch(`${url}/v1/responses`))).toMatch('405 method_not_supported');
  expect(await errorOf(await fetch(`${url}/aws/v1/responses/resp_1`))).toMatch(
    "404 null Response with id 'resp_1' not found.",
  );
  expect(await errorOf(await fetch(`${url}/_emulator/nothing`))).toMatch('404');
});

test('a body that is no JSON object of the right type is refused', async () => {
  const { url } = await start();
  const path = `${url}/v1/responses`;
  expect(await errorOf(await post(path, '{"model":'))).toMatch('400 null');
  expect(await errorOf(await post(path, '[]'))).toMatch('400 invalid_type');
  expect(await errorOf(await post(path, '{}', { 'content-type': 'text/plain' }))).toMatch(
    '400 unsupported_content_type',
  );
});

test('a body at the bound is read, and one byte more is refused', async () => {
  const { url } = await start();
  const body = (bytes: number): string => JSON.stringify(hello).padEnd(bytes);
  expect(Buffer.byteLength(body(100))).toBe(100);
  expect((await post(`${url}/v1/responses`, body(MAX_BODY_BYTES))).status).toBe(200);
  expect(await errorOf(await post(`${url}/v1/responses`, body(MAX_BODY_BYTES + 1)))).toMatch('413 request_too_large');
});

test('a body that is announced as too long is refused unread', async () => {
  const { port } = await start();
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${MAX_BODY_BYTES + 1}\r\n\r\n`,
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
});

test('a body of unknown length is refused as soon as it is too long', async () => {
  const { url } = await start();
  const chunk = new Uint8Array(4 * 1024 * 1024).fill(32);
  let left = MAX_BODY_BYTES / chunk.length + 1;
  const stream = new ReadableStream<Uint8Array>({
    pull: controller => (left-- > 0 ? controller.enqueue(chunk) : controller.close()),
  });
  const response = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: JSON_HEADERS,
    body: stream,
    duplex: 'half',
  });
  expect(await errorOf(response)).toMatch('413 request_too_large');
});

test('a key is asked for where one is configured', async () => {
  const { url } = await start({ apiKeys: ['right', 'other'] });
  const path = `${url}/v1/responses`;
  expect(await errorOf(await post(path, hello))).toMatch('401 null');
  expect(await errorOf(await post(path, hello, { authorization: 'Bearer wrong' }))).toMatch('401 invalid_api_key');
  expect((await post(path, hello, { authorization: 'Bearer right' })).status).toBe(200);
  expect((await post(path, hello, { 'api-key': 'other' })).status).toBe(200);
  expect((await fetch(`${url}/v1/models`)).status).toBe(401);
});

test('models are listed, and any name but one is answered', async () => {
  const { url } = await start();
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toContain('gpt-5.5-emulated');
  expect(data.every(({ id }) => id.endsWith('-emulated'))).toBe(true);
  expect(await (await fetch(`${url}/v1/models/gpt-x`)).json()).toMatchObject({ id: 'gpt-x-emulated', object: 'model' });
  expect(await errorOf(await fetch(`${url}/v1/models/unknown-model`))).toMatch('404 model_not_found');
  expect(await (await post(`${url}/v1/responses`, { ...hello, model: 'x-emulated' })).json()).toMatchObject({
    model: 'x-emulated',
  });
});

test('the same requests in the same order are answered byte for byte the same', async () => {
  const once = async (seed: string): Promise<string[]> => {
    const { url } = await start({ seed, now: () => 1_767_225_600_000 });
    const seen: string[] = [];
    for (const body of [hello, hello, { ...hello, stream: true }]) {
      const response = await post(`${url}/v1/responses`, body);
      seen.push(`${response.headers.get('x-request-id')} ${await response.text()}`);
    }
    return seen;
  };
  const first = await once('a');
  expect(await once('a')).toEqual(first);
  expect(await once('b')).not.toEqual(first);
  expect(first[0]).toMatch(/^req_[0-9a-f]{32} /);
  expect(first[0]).not.toBe(first[1]);
});

test('the log tells of each request, and never of what a header held', async () => {
  const { url } = await start({ clouds: ['aws'], apiKeys: ['secret-key'], recordBodies: true });
  const body = JSON.stringify({ model: 'm', input: [{ role: 'user', content: 'Hello.' }] });
  const response = await post(`${url}/aws/v1/responses`, body, { authorization: 'Bearer secret-key' });
  await response.text();
  await (await post(`${url}/aws/v1/responses`, '{', { authorization: 'Bearer secret-key' })).text();
  const text = await (await fetch(`${url}/_emulator/log`)).text();
  expect(text).not.toContain('secret-key');
  const { total, requests } = JSON.parse(text) as { total: number; requests: Record<string, unknown>[] };
  expect(total).toBe(2);
  expect(requests[0]).toMatchObject({
    requestId: response.headers.get('x-request-id'),
    cloud: 'aws',
    model: 'm',
    items: 1,
    status: 200,
    ended: 'completed',
    bodyText: body,
    body: { sha256: createHash('sha256').update(body).digest('hex'), bytes: body.length },
  });
  expect(requests[0]?.['headerNames']).toContain('authorization');
  expect(requests[1]).toMatchObject({ model: null, status: 400, ended: 'refused' });
  await fetch(`${url}/_emulator/log`, { method: 'DELETE' });
  expect(await (await fetch(`${url}/_emulator/log`)).json()).toEqual({ total: 0, requests: [] });
});

test('the log keeps the last requests and the last bodies only', async () => {
  const { url } = await start({ recordBodies: true });
  for (let sent = 0; sent < MAX_LOGGED + 1; sent++) await (await fetch(`${url}/v1/models`)).text();
  const { total, requests } = (await (await fetch(`${url}/_emulator/log`)).json()) as {
    total: number;
    requests: Record<string, unknown>[];
  };
  expect([total, requests.length, requests[0]?.['number']]).toEqual([MAX_LOGGED + 1, MAX_LOGGED, 2]);
  expect(requests.filter(request => 'bodyText' in request)).toHaveLength(MAX_BODIES);
  expect(requests.at(-1)).toHaveProperty('bodyText');
});

test('faults are asked for by rule, as defaults and by directive', async () => {
  const emulator = await start({ defaults: { kind: 'slow-headers', ms: 1 } });
  const rule = await post(`${emulator.url}/_emulator/faults`, {
    match: { cloud: 'aws' },
    fault: { kind: 'status', status: 503 },
    times: 1,
  });
  expect([rule.status, await rule.json()]).toEqual([
    201,
    { id: 1, match: { cloud: 'aws', model: null, contains: null }, faults: ['status 503'], left: 1 },
  ]);
  const path = `${emulator.baseUrl('aws')}/responses`;
  expect((await post(`${emulator.baseUrl('azure')}/responses`, hello)).status).toBe(200);
  expect((await post(path, hello)).status).toBe(503);
  expect((await post(path, hello)).status).toBe(200);
  expect((await post(path, { model: 'm', input: 'x [[fault: status 500 on aws]]' })).status).toBe(500);
  expect(await errorOf(await post(`${emulator.url}/_emulator/faults`, { fault: 'explode' }))).toMatch(
    '400 invalid_value',
  );
  const { requests } = (await (await fetch(`${emulator.url}/_emulator/log`)).json()) as {
    requests: { faults: string[] }[];
  };
  expect(requests.map(({ faults }) => faults)).toEqual([
    ['slow-headers 1'],
    ['slow-headers 1', 'status 503'],
    ['slow-headers 1'],
    ['slow-headers 1', 'status 500'],
  ]);
});

test('closing ends what hangs', async () => {
  const emulator = await startEmulator({ defaults: { kind: 'hang', after: null } });
  const answer = post(`${emulator.url}/v1/responses`, hello).then(
    () => 'answered',
    () => 'ended',
  );
  for (;;) {
    const health = (await (await fetch(`${emulator.url}/_emulator/health`)).json()) as { requests: number };
    if (health.requests === 1) break;
  }
  await emulator.close();
  expect(await answer).toBe('ended');
});

test('an address in use is an error', async () => {
  const { port } = await start();
  await expect(startEmulator({ port })).rejects.toThrow(/EADDRINUSE/);
});
