import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type Exported, makeOtlpSender } from './send.ts';

let server: Server | null = null;
afterEach(async () => {
  const open = server;
  server = null;
  open?.closeAllConnections();
  await new Promise(resolve => (open === null ? resolve(null) : open.close(resolve)));
});

async function sent(status: number, body = '', headers: { readonly [name: string]: string } = {}): Promise<Exported> {
  const listening = createServer((req, res) => req.resume().on('end', () => res.writeHead(status, headers).end(body)));
  server = listening;
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/v1/traces`;
  const sender = makeOtlpSender({ url, headers: {} }, 5000, () => 0);
  try {
    return await sender.send('{"resourceSpans":[]}');
  } finally {
    await sender.close();
  }
}

test.each([
  ['', 0],
  ['{}', 0],
  ['not JSON', 0],
  ['{"partialSuccess":{}}', 0],
  ['{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}', 3],
  ['{"partialSuccess":{"rejectedSpans":3}}', 3],
  ['{"partialSuccess":{"rejectedSpans":"many"}}', 0],
])('taken, with the answer %j', async (body, rejected) => {
  expect(await sent(200, body)).toEqual({ ok: true, rejected });
});

test.each([
  [429, true],
  [502, true],
  [503, true],
  [504, true],
  [400, false],
  [401, false],
  [404, false],
  [413, false],
  [500, false],
  [302, false],
])('status %i is sent again: %s', async (status, again) => {
  expect(await sent(status)).toEqual({ ok: false, again, afterMs: null, why: `status ${status}` });
});

test('how long it asks to wait', async () => {
  expect(await sent(503, '', { 'retry-after': '7' })).toMatchObject({ again: true, afterMs: 7000 });
});

test('an answer without an end is not read to it', async () => {
  expect(await sent(200, 'x'.repeat(1024 * 1024))).toEqual({ ok: true, rejected: 0 });
});

test('nobody there: sent again, and the address is not told', async () => {
  const sender = makeOtlpSender({ url: 'http://127.0.0.1:1/a-secret', headers: {} }, 1000, () => 0);
  expect(await sender.send('{}')).toEqual({ ok: false, again: true, afterMs: null, why: 'ECONNREFUSED' });
  await sender.close();
});
