import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Rate limits as clients meet them: the header names, the waits that they keep to, and what is not counted. */
const secret = (name: string): string => `secret-of-the-key-${name}`;
const NAMES = ['calm', 'burst', 'one-at-once', 'tokens', 'small', 'daily', 'shared-a', 'shared-b', 'free'] as const;
const of = (name: (typeof NAMES)[number]) => ({ key: `config:${name}` });
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: {
      keys: NAMES.map(name => ({
        name,
        secret: secret(name),
        tenant: name.startsWith('shared') ? 'shared' : 'acme',
      })),
      rate_limits: [
        // By the day and with large bounds: what drains while a busy machine gets on with it changes nothing.
        { ...of('calm'), requests_per_day: 100, tokens_per_minute: 1_000 },
        { ...of('burst'), requests_per_minute: 600, requests_per_day: 3 },
        { ...of('one-at-once'), concurrent_requests: 1 },
        { ...of('tokens'), tokens_per_minute: 60_000 },
        { ...of('small'), tokens_per_minute: 100 },
        { ...of('daily'), requests_per_day: 1 },
        { per: 'tenant', tenant: 'shared', requests_per_minute: 2 },
      ],
    },
  });
});
afterAll(() => stack.close());

const hello = { model: MODEL, input: 'Hello.', max_output_tokens: 64 };
const post = (name: (typeof NAMES)[number], body: unknown = hello, path = '/v1/responses'): Promise<Response> =>
  stack.request('POST', path, { body, key: secret(name) });
const limitsIn = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([header]) => /^(x-ratelimit|retry-after|x-should)/.test(header)));

test('every answer to a limited key says how it stands: JSON, streams, errors; others say nothing', async () => {
  const json = await post('calm');
  await json.json();
  expect(limitsIn(json)).toEqual({
    'x-ratelimit-limit-requests': '100',
    'x-ratelimit-remaining-requests': '99',
    'x-ratelimit-reset-requests': expect.stringMatching(/^14m\d+(\.\d+)?s$/),
    'x-ratelimit-limit-tokens': '1000',
    'x-ratelimit-remaining-tokens': expect.stringMatching(/^(9\d\d|1000)$/),
    'x-ratelimit-reset-tokens': expect.stringMatching(/^\d+(\.\d+)?m?s$/),
  });
  // While it runs the bound is held: 900 of output and an estimate of the input.
  const stream = await post('calm', { ...hello, max_output_tokens: 900, stream: true, store: false });
  expect(Number(stream.headers.get('x-ratelimit-remaining-tokens'))).toBeLessThan(500);
  await stream.text();
  const chat = await post(
    'calm',
    { model: MODEL, messages: [{ role: 'user', content: 'Hello.' }] },
    '/v1/chat/completions',
  );
  await chat.json();
  const wrong = await post('calm', { model: 'nobody', input: 'Hello.' });
  await wrong.json();
  for (const answer of [stream, chat, wrong])
    expect(Number(answer.headers.get('x-ratelimit-remaining-requests'))).toBeLessThan(99);
  const free = await post('free');
  await free.json();
  expect(limitsIn(free)).toEqual({});
});

test('what is metered is what counts, not what was held', async () => {
  const answer = await post('tokens', { ...hello, max_output_tokens: 50_000, store: false });
  const { usage } = (await answer.json()) as { usage: { total_tokens: number } };
  // The meter of a stateless call follows its answer.
  await expect
    .poll(async () => {
      const models = await stack.request('GET', '/v1/models', { key: secret('tokens') });
      await models.json();
      return Number(models.headers.get('x-ratelimit-remaining-tokens'));
    })
    .toBeGreaterThanOrEqual(60_000 - usage.total_tokens);
});

test('the official client waits as long as it is told, and gets through', async () => {
  let sent = 0;
  const client = new OpenAI({
    baseURL: `${stack.url}/v1`,
    apiKey: secret('one-at-once'),
    maxRetries: 4,
    fetch: (input, init) => {
      sent += 1;
      return stack.wire.fetch(input, init);
    },
  });
  const slow = { model: MODEL, input: 'Slowly. [[words: 60]] [[latency: 60]]', stream: true as const };
  const first = await client.responses.create(slow);
  const began = performance.now();
  const second = client.responses.create({ ...hello, store: false });
  for await (const event of first) void event;
  expect((await second).status).toBe('completed');
  expect(sent).toBeGreaterThan(2);
  // It was told a second; its own first wait would have been half of one.
  expect(performance.now() - began).toBeGreaterThanOrEqual(1000);
});

test('who asks for more than its day is told when, and not to try again at once', async () => {
  await (await post('daily')).json();
  const client = new OpenAI({
    baseURL: `${stack.url}/v1`,
    apiKey: secret('daily'),
    maxRetries: 5,
    fetch: stack.wire.fetch,
  });
  const began = performance.now();
  const failure = await failureOf(client.responses.create(hello));
  expect(failure).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  const refused = await post('daily');
  const { error } = (await refused.json()) as { error: object };
  expect(error).toMatchObject({
    type: 'rate_limit_error',
    details: { limit: 'requests_per_day', per: 'key', most: 1 },
  });
  const told = limitsIn(refused);
  expect(told).toMatchObject({ 'x-should-retry': 'false', 'x-ratelimit-remaining-requests': '0' });
  expect(Number(told['retry-after'])).toBe(Math.ceil(Number(told['retry-after-ms']) / 1000));
  expect(Number(told['retry-after'])).toBeGreaterThan(80_000);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('an input that no minute allows is refused for good, and the model is not called', async () => {
  await stack.calm();
  const answer = await post('small', { model: MODEL, input: 'a'.repeat(2000), max_output_tokens: 16 });
  expect(answer.status).toBe(429);
  await answer.json();
  expect(limitsIn(answer)).toMatchObject({ 'x-should-retry': 'false', 'x-ratelimit-remaining-tokens': '100' });
  expect(answer.headers.get('retry-after')).toBeNull();
  expect(await stack.upstream()).toEqual([]);
});

test('all keys of a tenant share its limit; another tenant does not notice', async () => {
  const statuses = [];
  for (const name of ['shared-a', 'shared-b', 'shared-a', 'free'] as const) {
    const answer = await post(name);
    await answer.json();
    statuses.push(answer.status);
  }
  expect(statuses).toEqual([200, 200, 429, 200]);
});

test('a key that is refused is no way to count for others, and an unknown key counts nowhere', async () => {
  for (let i = 0; i < 5; i++)
    await (await stack.request('POST', '/v1/responses', { body: hello, key: 'unknown' })).json();
  const first = await post('burst');
  await first.json();
  expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('2');
});

test('a restart begins anew', async () => {
  await (await post('burst')).json();
  await (await post('burst')).json();
  expect((await post('burst')).status).toBe(429);
  await stack.restart();
  expect((await post('burst')).status).toBe(200);
});
