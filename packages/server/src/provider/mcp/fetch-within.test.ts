import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fetchWithin } from './fetch-within.ts';

let server: Server;
let port: number;
const asked: string[] = [];
beforeAll(async () => {
  server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url} ${String(req.headers['x-own'] ?? '')}`);
    if (req.url === '/moved') return void res.writeHead(302, { location: '/there' }).end();
    res.end('said');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

test('what the rules allow is asked, with its headers; redirects are shown and not followed', async () => {
  const fetch = fetchWithin({ mayAsk: url => url.port === String(port), addressAllowed: () => true });
  const answer = await fetch(`http://127.0.0.1:${port}/a`, { headers: { 'x-own': 'one' } });
  expect([answer.status, await answer.text()]).toEqual([200, 'said']);
  expect((await fetch(`http://127.0.0.1:${port}/moved`)).status).toBe(302);
  expect(asked).toEqual(['GET /a one', 'GET /moved ']);
});

test('what they hold back is not: by its name, by its address, by what its name resolves to', async () => {
  const before = asked.length;
  const denied = { code: 'egress_denied' };
  const by = (mayAsk: boolean, address: boolean) =>
    fetchWithin({ mayAsk: () => mayAsk, addressAllowed: () => address });
  await expect(by(false, true)(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(denied);
  await expect(by(true, false)(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(denied);
  await expect(by(true, false)(`http://localhost:${port}/`)).rejects.toThrow();
  await expect(by(true, true)(`http://user:secret@127.0.0.1:${port}/`)).rejects.toMatchObject(denied);
  await expect(by(true, true)('file:///etc/hostname')).rejects.toMatchObject(denied);
  expect(asked).toHaveLength(before);
});
