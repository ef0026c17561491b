import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WireCheck } from './wire-check.ts';

let server: Server;
let url: string;
let answer: unknown;

beforeEach(async () => {
  server = createServer((_, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_1' });
    res.end(JSON.stringify(answer));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => new Promise(resolve => server.close(resolve)));

async function faultOf(method: string, path: string, body: unknown): Promise<string> {
  answer = body;
  const wire = new WireCheck();
  await wire.fetch(`${url}${path}`, { method });
  expect(wire.checked).toBe(1);
  try {
    wire.assertClean();
  } catch (error) {
    return (error as Error).message.split('\n')[1] ?? '';
  }
  return '';
}

const CLOSE = { id: '2026-01', object: 'perdure.key', revoked: true };

test('what a route of ours answers is what the document says of this route, not any object', async () => {
  expect(await faultOf('DELETE', '/perdure/v1/keys/key_1', CLOSE)).toBe('');
  expect(await faultOf('DELETE', '/perdure/v1/keys/key_1?x=1', { ...CLOSE, revoked: 1 })).toContain(
    '/revoked: must be',
  );
  expect(await faultOf('GET', '/perdure/v1/holds', CLOSE)).toContain('GET /perdure/v1/holds -> 200');
  // A word that is in the place of a name.
  expect(
    await faultOf('GET', '/perdure/v1/contracts/stranded', { object: 'list', data: [], has_more: false }),
  ).toContain("must have required property 'looked_at'");
});

test('what nothing knows is a fault', async () => {
  expect(await faultOf('GET', '/perdure/v1/nothing', {})).toContain('no route of the document answers this');
  expect(await faultOf('GET', '/perdure/v1/explain', { object: 'perdure.new' })).toContain(
    'must have required property',
  );
  expect(await faultOf('GET', '/v1/nothing', { object: 'perdure.new' })).toContain('perdure.new is not known');
});
