import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type JsonBody, readJson, readOptionalJson } from './body.ts';
import type { HttpLimits } from './types.ts';

/** On real requests: sizes, ends and times are the socket's. */
const LIMITS: HttpLimits = { bodyBytes: 64, bodyMs: 100, requestMs: 1_000, heartbeatMs: 1_000, patienceMs: 1_000 };
let server: Server;
let read: (req: IncomingMessage) => Promise<JsonBody>;
let outcome: Promise<unknown>;
beforeEach(async () => {
  read = req => readJson(req, LIMITS);
  let settle: (value: unknown) => void;
  outcome = new Promise(resolve => {
    settle = resolve;
  });
  server = createServer((req, res) => {
    read(req)
      .then(
        body => settle(body),
        (error: { code?: string; status?: number }) => settle({ code: error.code, status: error.status }),
      )
      .finally(() => res.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
});
const port = (): number => (server.address() as AddressInfo).port;
const json = { 'content-type': 'application/json' };
const post = (pieces: readonly (string | Buffer)[], headers: Record<string, string> = json): Promise<unknown> => {
  const req = request({ port: port(), method: 'POST', headers, agent: false });
  req.on('error', () => undefined);
  for (const piece of pieces) req.write(piece);
  req.end();
  return outcome;
};
/** JSON of exactly that many bytes. */
const sized = (bytes: number): string => JSON.stringify({ a: 'x'.repeat(bytes - 8) });

describe('a body', () => {
  // It has no end: who parses it finds that it is no JSON, seconds later.
  test('that nests without end is refused before it is parsed', async () => {
    read = req => readJson(req, { ...LIMITS, bodyBytes: 32 * 1024 * 1024, bodyMs: 20_000 });
    const deep = `{"a":${'['.repeat(64)}`;
    const empty = Buffer.alloc(30 * 1024 * 1024, '[');
    expect(await post([deep, empty])).toEqual({ code: 'invalid_request', status: 400 });
  });

  // A byte that begins nothing, a character cut short, half of a surrogate pair, one in more bytes than it takes.
  test.each([[[0xff]], [[0xc3]], [[0xed, 0xa0, 0x80]], [[0xc0, 0x80]]])(
    'of bytes that are no UTF-8 is refused: %j',
    async bytes => {
      expect(await post(['{"a":"', Buffer.from(bytes), '"}'])).toEqual({ code: 'invalid_json', status: 400 });
    },
  );

  test('is read in any number of pieces, and kept as it came', async () => {
    const text = '{"a": [1, "é"]}';
    const bytes = Buffer.from(text);
    const body = (await post([...bytes].map(byte => Buffer.from([byte])))) as JsonBody;
    expect(body.value).toEqual({ a: [1, 'é'] });
    expect(body.bytes.toString()).toBe(text);
  });

  test.each(['with its length', 'in chunks'])('of the bound is read, one of a byte more is not (%s)', async how => {
    const headers = (text: string) => ({
      ...json,
      ...(how === 'with its length' && { 'content-length': String(text.length) }),
    });
    const fits = sized(LIMITS.bodyBytes);
    expect(fits.length).toBe(LIMITS.bodyBytes);
    expect(await post([fits], headers(fits))).toMatchObject({ bytes: Buffer.from(fits) });
  });

  test.each(['with its length', 'in chunks'])('of a byte more is refused (%s)', async how => {
    const over = sized(LIMITS.bodyBytes + 1);
    const headers = { ...json, ...(how === 'with its length' && { 'content-length': String(over.length) }) };
    expect(await post([over], headers)).toEqual({ code: 'body_too_large', status: 413 });
  });

  test.each(['', '{', '{"a":1}x', 'nul', "{'a':1}", '\u{feff}{}x'])('%j is no JSON', async text => {
    expect(await post([text])).toEqual({ code: 'invalid_json', status: 400 });
  });

  test('of another type is not read', async () => {
    expect(await post(['{}'], { 'content-type': 'text/plain' })).toEqual({
      code: 'unsupported_media_type',
      status: 415,
    });
    expect(await outcome).not.toBeNull();
  });

  test('that stops coming is waited for so long and no longer', async () => {
    const socket = connect(port(), '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"a"');
    expect(await outcome).toEqual({ code: 'request_too_slow', status: 408 });
    socket.destroy();
  });

  test('of a client that leaves in the middle ends the wait', async () => {
    const socket = connect(port(), '127.0.0.1', () => {
      socket.write(
        'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"a"',
        () => socket.destroy(),
      );
    });
    expect(await outcome).toMatchObject({ code: 'invalid_request' });
  });
});

describe('a body that may be left out', () => {
  beforeEach(() => {
    read = req => readOptionalJson(req, LIMITS);
  });

  test('is left out', async () => {
    expect(await post([], { 'content-length': '0' })).toMatchObject({ value: undefined });
  });

  test('is read where it is there', async () => {
    expect(await post(['{"a":1}'])).toMatchObject({ value: { a: 1 } });
  });

  test('is JSON where it is there', async () => {
    expect(await post(['a=1'], { 'content-type': 'text/plain' })).toMatchObject({ code: 'unsupported_media_type' });
  });
});
