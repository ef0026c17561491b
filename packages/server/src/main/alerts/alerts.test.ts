/** Alerts of a running server, told to a receiver over HTTP: signed, again until it takes them, over restarts, and once it did no more. */
import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EVENT_STREAM, type RawUpstream, rawUpstream } from '../../provider/raw-upstream.test-support.ts';
import { ADDED, delta, event } from '../../provider/responses-upstream.test-support.ts';
import { perdure } from '../cli/captured-io.test-support.ts';
import { composeServer, type ComposedServer } from '../compose.ts';
import { parseConfig } from '../config/load.ts';
import { isPublic } from '../../provider/transport/address.ts';
import { makeSender, signature } from '../../provider/webhook/deliver.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SECRET = `whsec_${Buffer.from('a key of thirty-two bytes, about').toString('base64')}`;

interface Taken {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly answered: number;
}

/** Listens on one port for as long as a test; what it answers is asked for each time. */
class Receiver {
  readonly taken: Taken[] = [];
  answer: () => number | 'silence' = () => 204;
  #server: Server | null = null;
  port = 0;

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const answered = this.answer();
        this.taken.push({
          headers: request.headers,
          body: Buffer.concat(chunks).toString(),
          answered: answered === 'silence' ? 0 : answered,
        });
        if (answered === 'silence') return;
        response.writeHead(answered, answered === 302 ? { location: `http://127.0.0.1:${this.port}/other` } : {}).end();
      });
    });
    await new Promise<void>(resolve => this.#server?.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    await new Promise<void>(resolve => (server === null ? resolve() : server.close(() => resolve())));
  }

  /** Each message once: on a busy machine an answer may come too late, and the message again. */
  get told(): readonly { readonly type: string; readonly data: { readonly [name: string]: unknown } }[] {
    const taken = this.taken.filter(({ answered }) => answered === 204);
    return [...new Map(taken.map(one => [one.headers['webhook-id'], one])).values()].map(
      ({ body }) => JSON.parse(body) as Receiver['told'][number],
    );
  }
}

let dir = '';
let upstream: RawUpstream;
let receiver: Receiver;
let server: ComposedServer | null = null;
let lines: string[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-alerts-'));
  receiver = new Receiver();
  await receiver.start();
  lines = [];
  upstream = await rawUpstream(response => {
    const usage = { input_tokens: 0, output_tokens: 10_000 };
    const done = event({ type: 'response.completed', response: { id: 'resp_up', status: 'completed', usage } });
    response.writeHead(200, EVENT_STREAM).end(ADDED + delta('a') + done);
  });
});

async function stop(): Promise<void> {
  await server?.close();
  server = null;
}

afterEach(async () => {
  await stop();
  await receiver.stop();
  await upstream[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

/** A call costs $0.1. */
async function boot(more = '', contracts = '[none]', line = 'rates: []'): Promise<ComposedServer> {
  const text = [
    'listen: { port: 0 }',
    `data: ${join(dir, 'data')}`,
    `contracts: ${contracts}`,
    line,
    'targets:',
    `  - { id: one, vendor: openai, model: gpt, cloud: local, region: here, base_url: "${upstream.baseUrl}", prices: {input: 1, output: 10} }`,
    'caps: [{ id: budget, period: month, amount_usd: 0.4 }]',
    'alerts:',
    `  - { id: finance, url: "http://127.0.0.1:${receiver.port}/hook?token=hidden", secret: "\${ALERT_SECRET}", allow_private: true${more} }`,
    'limits: { alert_check_ms: 50, alert_retry_ms: 20, alert_timeout_ms: 2000 }',
  ].join('\n');
  writeFileSync(join(dir, 'perdure.yaml'), text);
  const { config, warnings } = parseConfig(text, { file: 'perdure.yaml', env: { ALERT_SECRET: SECRET }, base: dir });
  expect(warnings).toEqual([]);
  server = await composeServer(config, { log: line => lines.push(line) });
  await server.recovered;
  return server;
}

async function call(): Promise<number> {
  const response = await fetch(`${server?.url ?? ''}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt', input: 'Hi', max_output_tokens: 10_000 }),
  });
  await response.text();
  return response.status;
}

async function until(what: () => boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!what()) {
    if (Date.now() > end) throw new Error(`it never came: ${JSON.stringify(receiver.taken)} ${lines.join('\n')}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
const percents = (): unknown[] => receiver.told.map(({ data }) => data['percent']);
const rest = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

describe('a cap', () => {
  test('is told of at each threshold, once, with a signature that holds', async () => {
    await boot();
    await call();
    await rest(200);
    expect(receiver.taken).toEqual([]);
    await call();
    await until(() => receiver.told.length === 1);
    await call();
    await until(() => receiver.told.length === 1);
    expect(await call()).toBe(429);
    const [told] = receiver.taken;
    expect(JSON.parse(told?.body ?? '')).toMatchObject({
      type: 'cap.threshold',
      data: { cap: 'budget', period: 'month', percent: 50, amount_usd: '0.4', spent_usd: '0.2' },
    });
    const [id, at] = [String(told?.headers['webhook-id']), String(told?.headers['webhook-timestamp'])];
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
    const expected = createHmac('sha256', key)
      .update(`${id}.${at}.${told?.body ?? ''}`)
      .digest('base64');
    expect(told?.headers['webhook-signature']).toBe(`v1,${expected}`);
    expect(Math.abs(Number(at) - Date.now() / 1000)).toBeLessThan(60);
    await stop();
    await boot();
    await rest(300);
    expect(percents()).toEqual([50]);
  });

  test('is told of after the receiver was down, refused, was silent and redirected, and the server was restarted', async () => {
    const { port } = receiver;
    await receiver.stop();
    await boot();
    await call();
    await call();
    await until(() => lines.some(line => line.includes('alert to finance failed (ECONNREFUSED)')));
    await stop();
    const waiting = await perdure(['doctor'], { cwd: dir, env: { ALERT_SECRET: SECRET } });
    expect(waiting.out).toMatch(/alerts +warning +waits: cap\.threshold to finance, raised 20/);
    const answers = [500, 302, 'silence', 204] as const;
    let asked = 0;
    receiver.answer = () => answers[Math.min(asked++, answers.length - 1)] ?? 204;
    expect(port).toBe(receiver.port);
    await receiver.start();
    await boot();
    await until(() => receiver.told.length === 1);
    expect(receiver.taken.map(({ answered }) => answered)).toEqual([500, 302, 0, 204]);
    // One message, whoever brings it: and a redirect was not followed.
    expect(new Set(receiver.taken.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    await rest(200);
    expect(receiver.taken).toHaveLength(4);
    await stop();
    const done = await perdure(['doctor'], { cwd: dir, env: { ALERT_SECRET: SECRET } });
    expect(done.out).toMatch(/alerts +ok +nothing waits/);
    // Neither the secret nor what the address hides is told to anybody.
    for (const text of [lines.join('\n'), waiting.out, done.out]) expect(text).not.toMatch(/hidden|whsec_|a key of/);
  });

  test('whose threshold is passed as the process ends is told of by the next one', async () => {
    receiver.answer = () => 503;
    await boot(', caps: [50, 75]');
    for (let i = 0; i < 3; i++) await call();
    // Not even looked at by this process, perhaps: it is over at once.
    await stop();
    receiver.answer = () => 204;
    await boot(', caps: [50, 75]');
    await until(() => receiver.told.length === 2);
    expect(new Set(percents())).toEqual(new Set([50, 75]));
  });
});

test('what the terms of a contract come to is told of', async () => {
  const folder = join(dir, 'own');
  mkdirSync(folder);
  const days = (ahead: number): string => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
  writeFileSync(
    join(folder, 'contract.yaml'),
    [
      'id: own',
      'version: "1"',
      'kind: house-rules',
      'title: Own rules.',
      'sources:',
      '  own: {title: Ours}',
      'clauses:',
      '  all: {source: own, confidence: A, summary: All.}',
      'commitments:',
      `  - {id: spend, payer: a, payee: b, amount_usd: 1000, from: ${days(-30)}, to: ${days(30)}, counts: {cloud: local}, shortfall: owed}`,
      `  - {id: open, payer: a, payee: b, amount_usd: 1, from: ${days(-30)}, counts: {cloud: local}, shortfall: owed}`,
      'shares:',
      '  - {id: part, payer: a, payee: b, percent: 50, base: {revenue_of: openai, clouds: any}, cap_usd: 1}',
      'prepaid:',
      `  - {id: credits, payer: a, to: b, amount_usd: 1, form: local-credits, from: ${days(-1)}}`,
      'tranches:',
      `  - {id: paid, payer: a, payee: b, amount_usd: 5, on: ${days(-1)}}`,
      `  - {id: later, payer: a, payee: b, amount_usd: 6, on: ${days(9)}}`,
    ].join('\n'),
  );
  writeFileSync(join(folder, 'rules.cedar'), '@id("all")\n@cite("ours")\npermit (principal, action, resource);\n');
  // Three calls of $0.1 that bring $0.3 each: $0.3 are spent, and half of $0.9 is due.
  await boot(', caps: [1000]', '[none]', 'rates: [{ input: 3, output: 30 }]');
  for (let i = 0; i < 3; i++) expect(await call()).toBe(200);
  await stop();
  expect(receiver.taken).toEqual([]);
  const percents = ', caps: [1000], commitments: [30, 31], shares: [45, 46], prepaid: [30, 31]';
  await boot(percents, '[none, ./own]', 'rates: [{ input: 3, output: 30 }]');
  await until(() => receiver.told.length >= 5);
  const told = receiver.told.toSorted((a, b) => (a.type < b.type ? -1 : 1));
  expect(told).toMatchObject([
    {
      type: 'commitment.shortfall',
      data: { contract: 'own', commitment: 'spend', shortfall_usd: '999.7', basis: 'trend', treated_as: 'owed' },
    },
    { type: 'commitment.threshold', data: { commitment: 'open', percent: 30, spent_usd: '0.3' } },
    { type: 'prepaid.threshold', data: { prepaid: 'credits', percent: 30, used_usd: '0.3', left_usd: '0.7' } },
    { type: 'share.threshold', data: { share: 'part', percent: 45, due_usd: '0.45', cap_usd: '1' } },
    { type: 'tranche.payable', data: { tranche: 'paid', payable_on: days(-1), amount_usd: '5' } },
  ]);
});

describe('an address that is not public', () => {
  test.each([
    ['http://127.0.0.1:PORT/'],
    ['http://localhost:PORT/'],
    ['http://[::1]:PORT/'],
    ['http://[::ffff:127.0.0.1]:PORT/'],
    ['http://2130706433:PORT/'],
  ])('%s is not asked, by name or number', async url => {
    const sender = makeSender(2000, () => Date.now());
    const where = url.replace('PORT', String(receiver.port));
    const sent = await sender.send({ secret: SECRET, url: where, allowPrivate: false }, { id: 'msg_1', body: '{}' });
    expect(sent).toEqual({ ok: false, why: 'address_not_public', status: null });
    expect(receiver.taken).toEqual([]);
    await sender.close();
  });

  test.each([
    ['10.1.2.3', false],
    ['172.31.255.255', false],
    ['172.32.0.1', true],
    ['192.168.0.1', false],
    ['169.254.169.254', false],
    ['100.64.0.1', false],
    ['100.128.0.1', true],
    ['0.0.0.0', false],
    ['255.255.255.255', false],
    ['8.8.8.8', true],
    ['fd00::1', false],
    ['fe80::1', false],
    ['::', false],
    ['::ffff:10.0.0.1', false],
    ['64:ff9b::a00:1', false],
    ['2002:a00:1::', false],
    ['2606:4700::1111', true],
    ['ff02::1', false],
    ['not an address', false],
  ])('%s: public %s', (address, expected) => {
    expect(isPublic(address)).toBe(expected);
  });
});

test('signatures are those of Standard Webhooks: its own example', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const body = '{"test": 2432232314}';
  expect(signature(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, body)).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
});

describe('the configuration', () => {
  const read = (alert: string) => () =>
    parseConfig(
      `targets: [{id: a, vendor: v, model: m, cloud: c, region: r, base_url: "http://127.0.0.1:1"}]\nalerts: [${alert}]`,
      {
        file: 'perdure.yaml',
        env: {
          S: SECRET,
          SHORT: `whsec_${Buffer.alloc(23, 1).toString('base64')}`,
          LONG: `whsec_${Buffer.alloc(65, 1).toString('base64')}`,
        },
        base: dir,
      },
    );
  const one = (more: string): string => `{id: a, url: "https://hooks.example.com/x", secret: "\${S}"${more}}`;

  test('takes thresholds in any order, with defaults', () => {
    const { alerts } = read(one(', caps: [90, 10, 90]'))().config;
    expect(alerts).toEqual([
      {
        id: 'a',
        url: 'https://hooks.example.com/x',
        secret: SECRET,
        caps: [10, 90],
        commitments: [50, 80, 100],
        shares: [50, 80, 100],
        prepaid: [50, 80, 100],
        shortfall: true,
        tranches: true,
        allowPrivate: false,
      },
    ]);
  });

  test.each([
    ['plain http', '{id: a, url: "http://hooks.example.com/x", secret: "${S}"}', /must begin with https/],
    ['another scheme', '{id: a, url: "ftp://x/", secret: "${S}", allow_private: true}', /must begin with https/],
    ['credentials', '{id: a, url: "https://u:p@x/", secret: "${S}"}', /must not hold credentials/],
    ['a fragment', '{id: a, url: "https://x/#f", secret: "${S}"}', /fragment/],
    ['no URL', '{id: a, url: "x", secret: "${S}"}', /is no URL/],
    ['a short key', '{id: a, url: "https://x/", secret: "${SHORT}"}', /24 to 64 bytes/],
    ['a long key', '{id: a, url: "https://x/", secret: "${LONG}"}', /24 to 64 bytes/],
    ['a bare key', '{id: a, url: "https://x/", secret: "a-plain-text"}', /whsec_/],
    ['a threshold of 0', one(', caps: [0]'), /alerts/],
    ['a threshold of a share of 0', one(', shares: [0]'), /alerts/],
    ['a threshold of credits above 1000', one(', prepaid: [1001]'), /alerts/],
    ['a threshold above 1000', one(', commitments: [1001]'), /alerts/],
    ['two of a name', `${one('')}, ${one('')}`, /a is given twice/],
  ])('refuses %s', (_, alert, message) => {
    expect(read(alert)).toThrow(message);
  });

  test('warns of a secret in the file', () => {
    const { warnings } = read(`{id: a, url: "https://x/", secret: "${SECRET}"}`)();
    expect(JSON.stringify(warnings)).toMatch(/plain text/);
    expect(JSON.stringify(warnings)).not.toContain(SECRET.slice(7));
  });
});
