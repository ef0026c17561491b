import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type GuardedFetch, guardedFetch } from './guarded-fetch.ts';
import { NO_EGRESS } from './source.test-support.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function serve(answer: (req: IncomingMessage, res: ServerResponse) => void) {
  const asked: (string | null)[] = [];
  const http = createServer((req, res) => {
    asked.push(req.headers.authorization ?? null);
    answer(req, res);
  });
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    http.closeAllConnections();
    await new Promise(resolve => http.close(resolve));
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`, asked };
}

function guard(
  server: string,
  allowed: readonly string[],
  tokens: readonly string[] = ['first'],
  wireBytes = 1_000,
): GuardedFetch & { readonly over: () => number } {
  const hosts = allowed.map(url => new URL(url).host);
  let refused = 0;
  let over = 0;
  const made = guardedFetch({
    server: new URL(server),
    egress: { ...NO_EGRESS, mode: 'allow-list', hosts, privateHosts: hosts },
    wireBytes,
    connectMs: 1_000,
    userAgent: 'test',
    credentials: async (fresh): Promise<{ readonly [name: string]: string }> => {
      if (fresh) refused++;
      const token = tokens[refused];
      return token === undefined ? {} : { authorization: token };
    },
    tooLarge: () => over++,
    via: null,
  });
  ends.push(made.close);
  return { ...made, over: () => over };
}

describe('the fetch for MCP servers', () => {
  it('L9: sends a credential to the origin of the server and nowhere else', async () => {
    const [server, other] = [await serve((_, res) => res.end('ok')), await serve((_, res) => res.end('ok'))];
    const { fetch } = guard(server.url, [server.url, other.url]);
    await fetch(server.url);
    await fetch(other.url);
    expect(server.asked).toEqual(['first']);
    expect(other.asked).toEqual([null]);
  });

  it('follows no redirect by itself: it comes back, and is checked as a request of its own', async () => {
    const other = await serve((_, res) => res.end('ok'));
    const server = await serve((_, res) => res.writeHead(307, { location: other.url }).end());
    const { fetch } = guard(server.url, [server.url]);
    expect((await fetch(server.url)).status).toBe(307);
    await expect(fetch(other.url)).rejects.toMatchObject({ code: 'egress_denied' });
    expect(other.asked).toEqual([]);
  });

  it('asks for a fresh credential once, and takes the answer as it is then', async () => {
    const server = await serve((req, res) => res.writeHead(req.headers.authorization === 'third' ? 200 : 401).end());
    expect((await guard(server.url, [server.url], ['first', 'second', 'third']).fetch(server.url)).status).toBe(401);
    expect(server.asked).toEqual(['first', 'second']);
    expect((await guard(server.url, [server.url], ['first', 'third']).fetch(server.url)).status).toBe(200);
    expect((await guard(server.url, [server.url], ['first']).fetch(server.url)).status).toBe(401);
  });

  it('reads as much of an answer as may be, packed or not', async () => {
    const { gzipSync } = await import('node:zlib');
    const server = await serve((req, res) => {
      const body = 'x'.repeat(Number(new URL(req.url ?? '', 'http://x').searchParams.get('bytes')));
      if (req.url?.includes('packed') === true) res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(body));
      else res.end(body);
    });
    const { fetch, over } = guard(server.url, [server.url]);
    for (const how of ['?', '?packed&']) {
      expect(await (await fetch(`${server.url}${how}bytes=1000`)).text()).toHaveLength(1_000);
      await expect((await fetch(`${server.url}${how}bytes=1001`)).text()).rejects.toThrow();
    }
    expect(over()).toBe(2);
  });
});
