import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { type EgressRules } from './rules.ts';
import { makeTokenEndpoints } from './token-endpoint.ts';

interface Seen {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const RULES: EgressRules = {
  mode: 'allow-list',
  hosts: [],
  privateHosts: [],
  types: [],
  maxBytes: 1024,
  timeoutMs: 5_000,
  redirects: 3,
};

async function endpoint(answer: (res: ServerResponse) => void) {
  const seen: Seen[] = [];
  const server = createServer((req, res) => {
    void text(req).then(body => {
      seen.push({ method: req.method, path: req.url, headers: req.headers, body });
      answer(res);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const rules = { ...RULES, hosts: [host], privateHosts: [host] };
  return { seen, host, rules, url: `http://${host}/token?a=b` };
}

function asking(rules: EgressRules) {
  const endpoints = makeTokenEndpoints(rules, 'perdure/test');
  onTestFinished(() => endpoints.close());
  return endpoints.ask;
}

const json =
  (status: number, body: unknown) =>
  (res: ServerResponse): void =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const form = { grant_type: 'refresh_token', refresh_token: 'a b&c=d' };

test('a form is posted, and the answer read whatever its status', async () => {
  for (const status of [200, 400, 503]) {
    const { seen, url, rules } = await endpoint(json(status, { error: 'x' }));
    expect(await asking(rules)({ url, form, basic: null })).toEqual({ status, body: { error: 'x' } });
    expect(seen).toMatchObject([
      { method: 'POST', path: '/token?a=b', body: 'grant_type=refresh_token&refresh_token=a+b%26c%3Dd' },
    ]);
    expect(seen[0]?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'user-agent': 'perdure/test',
    });
    expect(seen[0]?.headers.authorization).toBeUndefined();
  }
});

test('a client of HTTP Basic is encoded as a form is, half by half', async () => {
  const { seen, url, rules } = await endpoint(json(200, {}));
  await asking(rules)({ url, form, basic: { user: 'a b:c', password: 'ü+' } });
  const [, encoded = ''] = seen[0]?.headers.authorization?.split(' ') ?? [];
  expect(Buffer.from(encoded, 'base64').toString()).toBe('a+b%3Ac:%C3%BC%2B');
});

test('what is no JSON is null, and too long an answer is refused', async () => {
  const plain = await endpoint(res => void res.end('no json'));
  expect(await asking(plain.rules)({ url: plain.url, form, basic: null })).toEqual({ status: 200, body: null });
  const fits = await endpoint(res => void res.end(`"${'x'.repeat(64 * 1024 - 2)}"`));
  expect((await asking(fits.rules)({ url: fits.url, form, basic: null })).body).toHaveLength(64 * 1024 - 2);
  const long = await endpoint(res => void res.end(`"${'x'.repeat(64 * 1024 - 1)}"`));
  await expect(asking(long.rules)({ url: long.url, form, basic: null })).rejects.toMatchObject({
    code: 'fetch_failed',
  });
});

test('a redirect is not followed: the credential stays with the endpoint that was named', async () => {
  const other = await endpoint(json(200, { access_token: 'x' }));
  const { url, rules } = await endpoint(res => void res.writeHead(307, { location: other.url }).end());
  const both = { ...rules, hosts: [...rules.hosts, other.host], privateHosts: [...rules.privateHosts, other.host] };
  expect(await asking(both)({ url, form, basic: null })).toEqual({ status: 307, body: null });
  expect(other.seen).toEqual([]);
});

test('the rules of egress hold, and nothing of the request is in an error', async () => {
  const { seen, url, host, rules } = await endpoint(json(200, {}));
  const secret = { refresh_token: 'hush-1' };
  const refused: readonly EgressRules[] = [
    { ...rules, mode: 'none' },
    { ...rules, mode: 'public' },
    { ...rules, mode: 'passthrough' },
    { ...rules, hosts: [] },
    { ...rules, privateHosts: [] },
  ];
  for (const one of refused) {
    const failure = await asking(one)({ url, form: secret, basic: { user: 'u', password: 'hush-2' } }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'egress_denied', status: 403 });
    expect(String(failure)).not.toContain('hush');
  }
  // A name that resolves to an address of this machine.
  const endpoints = makeTokenEndpoints({ ...RULES, mode: 'public' }, 'perdure/test', (_, __, done) =>
    done(null, [{ address: '127.0.0.1', family: 4 }]),
  );
  onTestFinished(() => endpoints.close());
  await expect(endpoints.ask({ url: 'https://auth.example/token', form, basic: null })).rejects.toMatchObject({
    code: 'egress_denied',
  });
  expect(seen).toEqual([]);
  const gone = { ...rules, hosts: ['127.0.0.1:1', host], privateHosts: ['127.0.0.1:1'] };
  const away = await asking(gone)({ url: 'http://127.0.0.1:1/', form: secret, basic: null }).catch((e: unknown) => e);
  expect(away).toMatchObject({ code: 'fetch_failed' });
  expect(away).not.toHaveProperty('cause');
});

test('an endpoint that does not answer is not waited for, and who leaves is not kept', async () => {
  const { url, rules } = await endpoint(() => undefined);
  const quick = asking({ ...rules, timeoutMs: 50 });
  await expect(quick({ url, form, basic: null })).rejects.toMatchObject({ code: 'fetch_failed' });
  await expect(asking(rules)({ url, form, basic: null, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'fetch_failed',
  });
});
