import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { raw, rawBytes } from '../support/raw-http.ts';
import { type Stack, startStack } from '../support/stack.ts';

/** What a request may be before it is one: its address, its headers, its connection. */
const CONNECTIONS = 5;
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ clouds: ['aws'], config: { limits: { connections: CONNECTIONS } } });
});
afterAll(() => stack.close());

const KIB = 1024;
const long = (bytes: number): string => 'x'.repeat(bytes);
const get = (path: string, headers = '') =>
  `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}\r\n`;
const bodyOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
const tooLong = {
  error: {
    message: 'The request line and its headers are larger than 16384 bytes.',
    type: 'invalid_request_error',
    code: 'invalid_request',
    param: null,
  },
};

test.each([
  ['an address', (bytes: number) => get(`/v1/${long(bytes)}`)],
  ['a query', (bytes: number) => get(`/v1/models?a=${long(bytes)}`)],
  ['a header', (bytes: number) => get('/v1/models', `x-a: ${long(bytes)}\r\n`)],
])('%s is read up to the bound and refused beyond it', async (_, request) => {
  const fits = await rawBytes(stack.url, request(15.5 * KIB));
  expect(fits).toMatch(/^HTTP\/1\.1 (200|404) /);
  const beyond = await rawBytes(stack.url, request(16.5 * KIB));
  expect(beyond).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
  expect(beyond).toMatch(/\r\nx-request-id: req_[0-9a-f]{32}\r\n/);
  expect(bodyOf(beyond)).toEqual(tooLong);
});

test('a HEAD whose headers are too large is answered without a body', async () => {
  const head = `HEAD /v1/models HTTP/1.1\r\nhost: localhost\r\nx-a: ${long(17 * KIB)}\r\n\r\n`;
  const answer = await rawBytes(stack.url, head);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe('');
});

test('what is no HTTP is told so, once, and the connection closed', async () => {
  const answer = await rawBytes(stack.url, 'HELLO\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(bodyOf(answer)).toMatchObject({ error: { code: 'invalid_request' } });
  // After an answer of its own a broken request is not answered: it could be taken for a part of that.
  const twice = await rawBytes(stack.url, `GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\nHELLO\r\n\r\n`);
  expect(twice.match(/HTTP\/1\.1/g)?.length ?? 0).toBeLessThanOrEqual(1);
});

test('connections are taken up to their bound; one more is closed, and one in the place of another taken', async () => {
  const { hostname, port } = new URL(stack.url);
  const open = async (): Promise<Socket> => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  const held: Socket[] = [];
  for (let i = 0; i < CONNECTIONS; i++) held.push(await open());
  const answers = async (socket: Socket): Promise<boolean> => {
    socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
  };
  for (const socket of held) expect(await answers(socket)).toBe(true);
  expect(await answers(await open())).toBe(false);
  held.pop()?.destroy();
  await expect.poll(async () => answers(await open())).toBe(true);
  for (const socket of held) socket.destroy();
  await expect
    .poll(async () => (await raw(stack.url, { method: 'GET', path: '/healthz' }).catch(() => null))?.status)
    .toBe(200);
});
