import { isPerdureError } from '@perdure/protocol';
import { createHash } from 'node:crypto';
import { createServer, request as nodeRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller } from '../../engine/caller.ts';
import { readText } from '../body.ts';
import type { HttpLimits } from '../types.ts';
import { admitSigned, isPresigned, type Signing, SKEW_MS } from './admit.ts';
import { presign, sign, type Signed, type Signer, type ToSign } from './signed-request.test-support.ts';

const SIGNER: Signer = { accessKeyId: 'PDRATESTTESTTESTTEST', secretAccessKey: 'a-secret/with+signs' };
const CALLER = { tenant: 'acme', principal: 'key_1' } as Caller;
const NOW = Date.UTC(2026, 10, 1, 12);
const LIMITS: HttpLimits = { bodyBytes: 1000, requestMs: 5000, bodyMs: 5000, heartbeatMs: 1000, patienceMs: 1000 };

let signing: Signing;
let server: Server;
let base = '';

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  readonly tenant?: string;
  readonly body?: string;
}

beforeAll(async () => {
  server = createServer((req, res) => {
    const answer = (status: number, body: object): void =>
      void res.writeHead(status, { connection: 'close' }).end(JSON.stringify({ status, ...body }));
    admitSigned(signing, req, LIMITS)
      // The handler reads the body again.
      .then(async caller => answer(200, { tenant: caller.tenant, body: await readText(req, LIMITS) }))
      .catch((error: unknown) => {
        if (isPerdureError(error)) answer(error.status, { code: error.code, message: error.message });
        else answer(500, { code: String(error) });
      });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/openai/v1/agents/sessions`;
});
afterAll(() => new Promise(resolve => server.close(resolve)));

const settings = (over: Partial<Signing> = {}): Signing => ({
  regions: ['us-east-1', 'eu-central-1'],
  sessionTokens: false,
  find: id => (id === SIGNER.accessKeyId ? { caller: CALLER, secret: SIGNER.secretAccessKey } : null),
  now: () => NOW,
  ...over,
});

/** As it stands: nothing between adds, orders or encodes anything. */
function send({ method, url, headers, body }: Signed): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const path = url.slice(url.indexOf('/', 'http://'.length));
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const req = nodeRequest({ method, hostname, port, path, headers: { ...headers, ...length } }, res => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      res.on('end', () => resolve(JSON.parse(text) as Answer));
    });
    req.on('error', reject).end(body);
  });
}

async function ask(
  request: Partial<ToSign> = {},
  {
    change = signed => signed,
    over,
    signer = SIGNER,
  }: {
    readonly change?: (signed: Signed) => Signed;
    readonly over?: Partial<Signing>;
    readonly signer?: Signer;
  } = {},
): Promise<Answer> {
  signing = settings(over);
  return send(change(await sign(signer, { method: 'GET', url: base, at: new Date(NOW), ...request })));
}

const BODY = JSON.stringify({ input: 'grüße' });
const POST: Partial<ToSign> = { method: 'POST', body: BODY, headers: { 'content-type': 'application/json' } };
const withHeader =
  (name: string, value: string) =>
  (signed: Signed): Signed => ({
    ...signed,
    headers: { ...signed.headers, [name]: value },
  });

test.each<[string, Partial<ToSign>]>([
  ['a GET', {}],
  ['a query', { url: 'QUERY' }],
  ['an id in the path', { url: 'PATH' }],
  ['another region', { region: 'eu-central-1' }],
  ['a DELETE', { method: 'DELETE' }],
])('the signer of AWS is understood: %s', async (_, request) => {
  const urls: { readonly [name: string]: string } = {
    QUERY: `${base}?limit=3&order=asc&metadata%5Ba%5D=x%20y%2Bz&status%5B%5D=idle&status%5B%5D=failed`,
    PATH: `${base}/asess_01%3Ax/items`,
  };
  expect(await ask({ ...request, url: urls[request.url ?? ''] ?? base })).toMatchObject({
    status: 200,
    tenant: 'acme',
  });
});

test('a body is read once, checked, and handed on', async () => {
  expect(await ask(POST)).toEqual({ status: 200, tenant: 'acme', body: BODY });
  // As botocore signs: the digest is in what is signed, and not sent.
  expect(await ask({ ...POST, checksum: false })).toEqual({ status: 200, tenant: 'acme', body: BODY });
});

test('a body of another digest is refused, whether the digest was sent or not', async () => {
  const other = JSON.stringify({ input: 'grüsse' });
  const swapped = (signed: Signed): Signed => ({ ...signed, body: other });
  expect(await ask(POST, { change: swapped })).toMatchObject({ status: 401, code: 'invalid_signature' });
  expect(await ask({ ...POST, checksum: false }, { change: swapped })).toMatchObject({ code: 'invalid_signature' });
  const claimed = withHeader('x-amz-content-sha256', createHash('sha256').update(other).digest('hex'));
  expect(await ask(POST, { change: signed => claimed(swapped(signed)) })).toMatchObject({ code: 'invalid_signature' });
  expect(await ask(POST, { change: ({ body: _body, ...rest }) => rest })).toMatchObject({ code: 'invalid_signature' });
});

test('a body that is not signed whole is refused', async () => {
  for (const value of ['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'])
    expect(await ask({ ...POST, headers: { 'x-amz-content-sha256': value } })).toMatchObject({
      status: 403,
      code: 'signature_not_allowed',
    });
  expect(await ask({ ...POST, headers: { 'x-amz-content-sha256': 'abc' } })).toMatchObject({
    code: 'invalid_signature',
  });
});

test('a body of the most bytes passes, one more does not', async () => {
  expect(await ask({ ...POST, body: 'x'.repeat(LIMITS.bodyBytes) })).toMatchObject({ status: 200 });
  expect(await ask({ ...POST, body: 'x'.repeat(LIMITS.bodyBytes + 1) })).toMatchObject({ code: 'body_too_large' });
});

test.each<[string, (signed: Signed) => Signed]>([
  ['the method', signed => ({ ...signed, method: 'DELETE' })],
  ['the path', signed => ({ ...signed, url: `${signed.url}/asess_1` })],
  ['the query', signed => ({ ...signed, url: `${signed.url}?limit=1` })],
  ['a header', withHeader('x-amz-content-sha256', '0'.repeat(64))],
  ['the host', withHeader('host', 'elsewhere.example')],
  ['the time', withHeader('x-amz-date', '20261101T120001Z')],
])('what was signed cannot be changed: %s', async (_, change) => {
  expect(await ask({}, { change })).toMatchObject({ status: 401, code: 'invalid_signature' });
});

test('one flipped digit of the signature is one too many', async () => {
  const flipped = (signed: Signed): Signed => {
    const header = signed.headers['authorization'] ?? '';
    const last = header.at(-1) === '0' ? '1' : '0';
    return withHeader('authorization', header.slice(0, -1) + last)(signed);
  };
  expect(await ask({}, { change: flipped })).toMatchObject({ code: 'invalid_signature' });
});

test('an unknown key and a wrong secret are told the same', async () => {
  const wrong = await ask({}, { signer: { ...SIGNER, secretAccessKey: 'another' } });
  const unknown = await ask({}, { signer: { ...SIGNER, accessKeyId: 'PDRANOBODYNOBODYNOBO' } });
  expect(wrong).toMatchObject({ status: 401, code: 'invalid_signature' });
  expect(unknown).toEqual(wrong);
  // Nobody knows the secret that stands in for one that is missing.
  const standIn = { accessKeyId: 'PDRANOBODYNOBODYNOBO', secretAccessKey: '0'.repeat(40) };
  expect(await ask({}, { signer: standIn })).toEqual(wrong);
});

test.each([
  ['as old as it may be', -SKEW_MS, 200],
  ['older', -SKEW_MS - 1000, 401],
  ['as far ahead as it may be', SKEW_MS, 200],
  ['further ahead', SKEW_MS + 1000, 401],
])('a request %s', async (_, offset, status) => {
  const answer = await ask({ at: new Date(NOW + offset) });
  expect(answer.status).toBe(status);
  if (status === 401) expect(answer.code).toBe('signature_expired');
});

test('the day of the credential is the day of the time', async () => {
  const other = (signed: Signed): Signed =>
    withHeader('authorization', (signed.headers['authorization'] ?? '').replace('/20261101/', '/20261102/'))(signed);
  expect(await ask({}, { change: other })).toMatchObject({ code: 'invalid_signature' });
  const none = ({ headers: { 'x-amz-date': _date, ...headers }, ...rest }: Signed): Signed => ({ ...rest, headers });
  expect(await ask({}, { change: none })).toMatchObject({ code: 'invalid_signature' });
});

test('host, x-amz-date and every other x-amz header must be signed', async () => {
  const added = await ask({}, { change: withHeader('x-amz-target', 'x') });
  expect(added).toMatchObject({ code: 'invalid_signature', message: 'The header x-amz-target must be signed.' });
  for (const name of ['host', 'x-amz-date']) {
    const without = (signed: Signed): Signed =>
      withHeader(
        'authorization',
        (signed.headers['authorization'] ?? '').replace(/SignedHeaders=([^,]+)/, (_, names: string) => {
          const rest = names.split(';').filter(one => one !== name);
          return `SignedHeaders=${rest.join(';')}`;
        }),
      )(signed);
    expect(await ask({}, { change: without })).toMatchObject({ message: `The header ${name} must be signed.` });
  }
});

test('a signed header that is missing, or there twice, is refused', async () => {
  const signed = { headers: { 'x-trace': 'one' } };
  expect(await ask(signed)).toMatchObject({ status: 200 });
  const gone = ({ headers: { 'x-trace': _trace, ...headers }, ...rest }: Signed): Signed => ({ ...rest, headers });
  expect(await ask(signed, { change: gone })).toMatchObject({ message: 'The signed header x-trace was not sent.' });
  const twice = (one: Signed): Signed => ({ ...one, headers: { ...one.headers, 'x-trace': ['two', 'one'] as never } });
  expect(await ask(signed, { change: twice })).toMatchObject({
    message: 'The signed header x-trace was sent more than once.',
  });
});

test('only this service, only the regions of the configuration, only if there are any', async () => {
  const refused = { status: 403, code: 'signature_not_allowed' };
  expect(await ask({ service: 'bedrock' })).toMatchObject(refused);
  expect(await ask({ region: 'us-west-2' })).toMatchObject(refused);
  expect(await ask({}, { over: { regions: [] } })).toMatchObject(refused);
});

test('a session token is refused, or signed and not looked at, as the configuration says', async () => {
  const signer = { ...SIGNER, sessionToken: 'a-token' };
  expect(await ask({}, { signer })).toMatchObject({ status: 403, code: 'signature_not_allowed' });
  expect(await ask({}, { signer, over: { sessionTokens: true } })).toMatchObject({ status: 200 });
  const swapped = withHeader('x-amz-security-token', 'another');
  expect(await ask({}, { signer, over: { sessionTokens: true }, change: swapped })).toMatchObject({ status: 401 });
});

test('presigned addresses are known as such', async () => {
  expect(isPresigned(await presign(SIGNER, { method: 'GET', url: base }))).toBe(true);
  expect(isPresigned('/openai/v1/agents/sessions?limit=1')).toBe(false);
  expect(isPresigned(undefined)).toBe(false);
});

test('a query that is not well encoded is refused, not an error of ours', async () => {
  expect(await ask({}, { change: signed => ({ ...signed, url: `${base}?a=%zz` }) })).toMatchObject({
    status: 401,
    message: 'The query is not well encoded.',
  });
});
