import { afterEach, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** What takes longer, or is more at once, than this server is configured to allow. */
let stack: Stack;
const start = async (limits: { [name: string]: number }): Promise<void> => {
  stack = await startStack({ clouds: ['aws'], config: { limits } });
};
afterEach(() => stack.close());
const slow = { model: MODEL, input: 'Slowly. [[words: 60]] [[latency: 30]]' };
const chat = { model: MODEL, messages: [{ role: 'user' as const, content: slow.input }] };

describe('a turn that takes too long', () => {
  test('is ended as failed, and its readers are told', async () => {
    await start({ turn_ms: 1_000 });
    const client = stack.openai();
    const failure = await failureOf(client.responses.create(slow));
    expect(failure).toMatchObject({ status: 504, code: 'deadline_exceeded' });
    const id = failure.headers?.get('perdure-response') ?? '';
    expect(await client.responses.retrieve(id)).toMatchObject({
      status: 'failed',
      error: { code: 'deadline_exceeded' },
    });
    const text = await (await stack.request('POST', '/v1/responses', { body: { ...slow, stream: true } })).text();
    expect(text).toContain('event: error\n');
    expect(text).toMatch(/event: response\.failed\ndata: .*"code":"deadline_exceeded"/);
    await expect
      .poll(async () => (await stack.upstream()).map(call => call.ended))
      .toEqual(['client-left', 'client-left']);
  });

  test('is ended also where nothing is stored', async () => {
    await start({ turn_ms: 1_000 });
    const client = stack.openai();
    const late = { status: 504, code: 'deadline_exceeded' };
    expect(await failureOf(client.responses.create({ ...slow, store: false }))).toMatchObject(late);
    expect(await failureOf(client.chat.completions.create(chat))).toMatchObject(late);
    const text = await (
      await stack.request('POST', '/v1/responses', { body: { ...slow, stream: true, store: false } })
    ).text();
    expect(text).toMatch(/event: response\.failed\ndata: .*"code":"deadline_exceeded"/);
  });
});

describe('a request that takes too long', () => {
  test('is answered with the response to come back for, which goes on', async () => {
    await start({ request_ms: 1_000 });
    const client = stack.openai();
    const failure = await failureOf(client.responses.create(slow));
    expect(failure).toMatchObject({ status: 504, code: 'deadline_exceeded' });
    const id = failure.headers?.get('perdure-response') ?? '';
    await expect.poll(async () => (await client.responses.retrieve(id)).status, { timeout: 10_000 }).toBe('completed');
  });

  /** A call that nothing is stored of, in every form that is not streamed. */
  const kept: [name: string, call: () => Promise<unknown>][] = [
    ['stateless', () => stack.openai().responses.create({ ...slow, store: false })],
    ['whole', () => stack.openai().responses.create({ ...slow, store: false, max_output_tokens: 500 })],
    ['chat', () => stack.openai().chat.completions.create(chat)],
  ];
  const unstored = ['stateless', 'whole', 'chat'];

  test('ends where nothing is stored: its upstream is let go, and it is metered at its bound', async () => {
    await start({ request_ms: 1_000 });
    await stack.fault('slow-headers 20000');
    for (const [name, call] of kept)
      expect([name, await failureOf(call())]).toMatchObject([name, { status: 504, code: 'deadline_exceeded' }]);
    await expect
      .poll(async () => (await stack.upstream()).map(one => one.ended))
      .toEqual(unstored.map(() => 'client-left'));
    const metered = async (): Promise<readonly string[]> => {
      const page = await (await fetch(`${stack.url}/perdure/v1/usage/calls`)).json();
      return (page as { data: { metered: string }[] }).data.map(one => one.metered);
    };
    await expect.poll(metered).toEqual(unstored.map(() => 'bound'));
  });

  test('and not one that fails before its time', async () => {
    stack = await startStack({
      clouds: ['aws'],
      config: { limits: { request_ms: 60_000, upstream: { first_byte_ms: 300, idle_ms: 300 } } },
    });
    await stack.fault('hang');
    for (const [name, call] of kept)
      expect([name, await failureOf(call())]).toMatchObject([name, { status: 504, code: 'upstream_timeout' }]);
  });

  test('does not end streams, which have deadlines of their own', async () => {
    await start({ request_ms: 1_000 });
    const events = await all(await stack.openai().responses.create({ ...slow, stream: true }));
    expect(events.at(-1)?.type).toBe('response.completed');
  });
});

describe('more at once than is allowed', () => {
  test('is told when to come again, and others go on', async () => {
    await start({ concurrent: 2 });
    const client = stack.openai();
    const running = [client.responses.create(slow)];
    await expect.poll(async () => (await stack.upstream()).length).toBe(1);
    running.push(client.responses.create(slow));
    await expect.poll(async () => (await stack.upstream()).length).toBe(2);
    const failure = await failureOf(client.responses.create(slow));
    expect(failure).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    expect(Number(failure.headers?.get('retry-after'))).toBeGreaterThanOrEqual(1);
    // Reading is not work.
    expect((await stack.request('GET', '/v1/models')).status).toBe(200);
    for (const one of await Promise.all(running)) expect(one.status).toBe('completed');
    expect((await client.responses.create({ ...slow, input: 'Hello.' })).status).toBe('completed');
  });

  test('counts stateless calls as well', async () => {
    await start({ concurrent: 1 });
    const client = stack.openai();
    const running = client.responses.create({ ...slow, store: false });
    await expect.poll(async () => (await stack.upstream()).length).toBe(1);
    expect(await failureOf(client.responses.create({ ...slow, store: false }))).toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
    });
    await running;
  });
});
