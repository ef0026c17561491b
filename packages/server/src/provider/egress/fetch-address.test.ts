import type { LookupAddress } from 'node:dns';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Fetched } from '../../engine/files/desk.ts';
import { type AddressFetcher, makeAddressFetcher } from './fetch-address.ts';
import type { EgressRules } from './rules.ts';

type Page = (req: IncomingMessage, res: ServerResponse) => void;

const BOUND = 1_000;
let server: Server;
let port = 0;
const pages = new Map<string, Page>();
let asked: string[] = [];
/** What names resolve to. */
let names: { [name: string]: readonly string[] } = {};
let resolved: string[] = [];

beforeAll(async () => {
  server = createServer((req, res) => {
    asked.push(`${req.headers.host?.split(':')[0]}${req.url}`);
    (pages.get(req.url ?? '') ?? ((_, out) => out.writeHead(404).end()))(req, res);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  pages.clear();
  asked = [];
  resolved = [];
  names = { 'files.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] };
});

const say =
  (body: string | Buffer, headers: { readonly [name: string]: string } = { 'content-type': 'text/plain' }): Page =>
  (_, res) =>
    void res.writeHead(200, headers).end(body);
const moved =
  (location: string): Page =>
  (_, res) =>
    void res.writeHead(302, { location }).end();

async function withFetcher<T>(more: Partial<EgressRules>, work: (fetcher: AddressFetcher) => Promise<T>): Promise<T> {
  const rules: EgressRules = {
    mode: 'allow-list',
    hosts: [`files.test:${port}`, `other.test:${port}`],
    privateHosts: [`files.test:${port}`],
    types: ['text/*'],
    maxBytes: BOUND,
    timeoutMs: 5_000,
    redirects: 2,
    ...more,
  };
  const fetcher = makeAddressFetcher(rules, 'perdure/test', (hostname, _options, callback) => {
    resolved.push(hostname);
    const found = (names[hostname] ?? []).map((address): LookupAddress => ({ address, family: 4 }));
    callback(found.length === 0 ? Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }) : null, found);
  });
  try {
    return await work(fetcher);
  } finally {
    await fetcher.close();
  }
}

const get = (url: string, more: Partial<EgressRules> = {}, as: 'image' | 'file' = 'file'): Promise<Fetched> =>
  withFetcher(more, fetcher => fetcher.fetch(url, { as, mostBytes: 10_000 }));
const at = (path: string, host = 'files.test'): string => `http://${host}:${port}${path}`;
async function failing(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'came';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test('what lies there comes with its type and its name, and nothing of ours goes along', async () => {
  let headers: IncomingMessage['headers'] = {};
  pages.set('/a%20b.txt?x=1', (req, res) => {
    headers = req.headers;
    res.writeHead(200, { 'content-type': 'Text/Plain; charset=utf-8' }).end('said');
  });
  const { bytes, type, filename } = await get(at('/a%20b.txt?x=1'));
  expect([Buffer.from(bytes).toString(), type, filename]).toEqual(['said', 'text/plain', 'a b.txt']);
  expect(Object.keys(headers).toSorted()).toEqual(['accept', 'accept-encoding', 'connection', 'host', 'user-agent']);
});

test('a redirect is followed within its bound, and each hop is checked like the first', async () => {
  pages.set('/1', moved('/2'));
  pages.set('/2', moved(at('/3')));
  pages.set('/3', say('at last'));
  expect(Buffer.from((await get(at('/1'))).bytes).toString()).toBe('at last');
  expect(await failing(get(at('/1'), { redirects: 1 }))).toBe('fetch_failed');

  asked = [];
  for (const to of [
    'http://127.0.0.1/',
    `http://127.0.0.1:${port}/3`,
    'http://169.254.169.254/latest/meta-data',
    'http://2130706433/',
    'http://[::1]/',
    at('/3', 'elsewhere.test'),
    // On the list, but its name resolves to a private address, and it is not among those that may.
    at('/3', 'other.test'),
    `http://user:pw@files.test:${port}/3`,
  ]) {
    pages.set('/1', moved(to));
    expect(await failing(get(at('/1'))), to).toBe('egress_denied');
  }
  pages.set('/1', moved('file:///etc/passwd'));
  expect(await failing(get(at('/1')))).toBe('invalid_request');
  expect(new Set(asked)).toEqual(new Set(['files.test/1']));
});

test('a name with any address that may not be asked is not connected to', async () => {
  pages.set('/a', say('secret'));
  for (const addresses of [['169.254.169.254'], ['127.0.0.1', '169.254.169.254'], ['0.0.0.0']]) {
    names['files.test'] = addresses;
    expect(await failing(get(at('/a'))), String(addresses)).toBe('egress_denied');
  }
  names['public.test'] = ['127.0.0.1'];
  expect(await failing(get('http://public.test/a', { mode: 'public' }))).toBe('egress_denied');
  names['public.test'] = ['93.184.215.14', '10.0.0.1'];
  expect(await failing(get('http://public.test/a', { mode: 'public' }))).toBe('egress_denied');
  expect(asked).toEqual([]);
});

test('the address that was looked at is the one that is connected to: a name is resolved once a hop', async () => {
  pages.set('/a', say('x'));
  await get(at('/a'));
  expect(resolved).toEqual(['files.test']);
  names = {};
  expect(await failing(get(at('/a')))).toBe('fetch_failed');
});

test('a body may have as many bytes as allowed, and not one more, said or not', async () => {
  pages.set('/full', say('x'.repeat(BOUND)));
  pages.set('/over', say('x'.repeat(BOUND + 1)));
  pages.set('/endless', (_, res) => {
    res.writeHead(200, { 'content-type': 'text/plain' });
    const more = (): void => {
      if (!res.destroyed) res.write('x'.repeat(300), () => setImmediate(more));
    };
    more();
  });
  expect((await get(at('/full'))).bytes.length).toBe(BOUND);
  expect(await failing(get(at('/over')))).toBe('file_too_large');
  expect(await failing(get(at('/endless')))).toBe('file_too_large');
  const left = withFetcher({}, fetcher => fetcher.fetch(at('/full'), { as: 'file', mostBytes: BOUND - 1 }));
  expect(await failing(left)).toBe('file_too_large');
});

test('what is slow is given up, and what the caller gives up too', async () => {
  pages.set('/slow', (_, res) => void res.writeHead(200, { 'content-type': 'text/plain' }).write('x'));
  expect(await failing(get(at('/slow'), { timeoutMs: 100 }))).toBe('fetch_failed');
  const gone = new AbortController();
  pages.set('/slow', () => gone.abort());
  const left = withFetcher({}, fetcher =>
    fetcher.fetch(at('/slow'), { as: 'file', mostBytes: 10, signal: gone.signal }),
  );
  expect(await failing(left)).toBe('fetch_failed');
});

test('what is not what it was asked for is refused', async () => {
  const png = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  pages.set('/dot', say(png, { 'content-type': 'text/plain' }));
  pages.set('/text', say('not an image', { 'content-type': 'image/png' }));
  pages.set('/zip', say('PK', { 'content-type': 'application/zip' }));
  pages.set('/packed', say(gzipSync('x'), { 'content-type': 'text/plain', 'content-encoding': 'gzip' }));
  expect((await get(at('/dot'), {}, 'image')).type).toBe('image/png');
  expect(await failing(get(at('/text'), {}, 'image'))).toBe('file_type_not_allowed');
  expect(await failing(get(at('/zip')))).toBe('file_type_not_allowed');
  expect(await failing(get(at('/packed')))).toBe('fetch_failed');
  expect(await failing(get(at('/none')))).toBe('fetch_failed');
});
