/** `n` of a chat completion: several choices, each a model call of its own. */
import type OpenAI from 'openai';
import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

const KEYS = ['free', 'three-a-day', 'one-at-once', 'two-at-once', 'tokens'] as const;
type Key = (typeof KEYS)[number];
const secret = (name: Key): string => `secret-of-the-key-${name}`;
const talk = { model: MODEL, messages: [{ role: 'user' as const, content: 'Tell me a lot. [[words: 30]]' }] };
const counted = { ...talk, stream: true as const, stream_options: { include_usage: true } };

const textOf = (chunks: readonly ChatCompletionChunk[], index: number): string =>
  chunks
    .flatMap(({ choices }) => choices.filter(one => one.index === index).map(one => one.delta.content ?? ''))
    .join('');

describe.each(['openai-responses', 'openai-chat'] as const)('over %s', dialect => {
  let stack: Stack;
  let client: OpenAI;
  beforeAll(async () => {
    stack = await startStack({
      clouds: ['aws'],
      config: emulator => ({
        targets: [targetOf(emulator, 'aws', { dialect })],
        keys: KEYS.map(name => ({ name, secret: secret(name), tenant: 'acme' })),
        rate_limits: [
          { key: 'config:three-a-day', requests_per_day: 3 },
          { key: 'config:one-at-once', concurrent_requests: 1 },
          { key: 'config:two-at-once', concurrent_requests: 2 },
          { key: 'config:tokens', tokens_per_minute: 1500 },
        ],
        limits: { turn_attempts: 1 },
      }),
    });
    client = stack.openai(secret('free'));
  });
  afterEach(() => stack.calm());
  afterAll(() => stack.close());
  const post = (name: Key, body: object, headers = {}): Promise<Response> =>
    stack.request('POST', '/v1/chat/completions', { body, key: secret(name), headers });

  test.each([
    [undefined, 1],
    [null, 1],
    [1, 1],
    [2, 2],
    [8, 8],
  ])('n: %s makes %i choices, a call each', async (n, count) => {
    const before = (await stack.upstream()).length;
    const made = await client.chat.completions.create({ ...talk, ...(n !== undefined && { n }) });
    expect(made.choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual(
      Array.from({ length: count }, (_, index) => [index, 'stop']),
    );
    const one = await client.chat.completions.create(talk);
    // What is deterministic says the same to the same.
    expect(new Set(made.choices.map(choice => choice.message.content))).toEqual(
      new Set([one.choices[0]?.message.content]),
    );
    const { prompt_tokens = 0, completion_tokens = 0 } = one.usage ?? {};
    expect(made.usage).toMatchObject({
      prompt_tokens,
      completion_tokens: completion_tokens * count,
      total_tokens: prompt_tokens + completion_tokens * count,
    });
    expect(await stack.upstream()).toHaveLength(before + count + 1);
  });

  test.each([0, 9, -1, 1.5])('n: %d is refused', async n => {
    expect(await failureOf(client.chat.completions.create({ ...talk, n }))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      param: 'n',
    });
  });

  test('each has a placement, and is metered with its own prompt', async () => {
    const answer = await post('free', { ...talk, n: 2 });
    const { usage } = (await answer.json()) as { usage: { prompt_tokens: number; completion_tokens: number } };
    const ids = (answer.headers.get('perdure-placement') ?? '').split(', ');
    expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
    const metered = async (id: string): Promise<unknown> => {
      const response = await stack.request('GET', `/perdure/v1/placements/${id}`, { key: secret('free') });
      return ((await response.json()) as { usage: unknown }).usage;
    };
    const own = {
      input: usage.prompt_tokens,
      output: usage.completion_tokens / 2,
    };
    for (const id of ids) await expect.poll(() => metered(id)).toMatchObject(own);
  });

  test('a stream says of each chunk which choice it is of; one usage and one end', async () => {
    const whole = (await client.chat.completions.create(talk)).choices[0]?.message.content ?? '';
    const slow = {
      ...counted,
      messages: [{ role: 'user' as const, content: 'Tell me a lot. [[words: 30]] [[latency: 5]]' }],
    };
    const chunks = await all(await client.chat.completions.create({ ...slow, n: 3 }));
    const seen = chunks.flatMap(({ choices }) => choices);
    for (const index of [0, 1, 2]) {
      const own = seen.filter(choice => choice.index === index);
      expect(own[0]?.delta).toEqual({ role: 'assistant', content: '' });
      expect(own.filter(choice => choice.delta.role !== undefined)).toHaveLength(1);
      expect(own.map(choice => choice.finish_reason).filter(reason => reason !== null)).toEqual(['stop']);
      expect(own.at(-1)?.finish_reason).toBe('stop');
      expect(textOf(chunks, index)).toBe(whole);
    }
    // They come beside one another, not one after another.
    const order = seen.map(choice => choice.index);
    expect(order.indexOf(2)).toBeLessThan(order.lastIndexOf(0));
    expect(chunks.filter(chunk => chunk.usage != null)).toHaveLength(1);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
    const one = await all(await client.chat.completions.create(slow));
    expect(chunks.at(-1)?.usage?.prompt_tokens).toBe(one.at(-1)?.usage?.prompt_tokens);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(3 * (one.at(-1)?.usage?.completion_tokens ?? 0));
    const raw = await (await post('free', { ...counted, n: 2 })).text();
    expect(raw.match(/^data: \[DONE\]$/gm)).toHaveLength(1);
    expect(raw.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  test('the helper of the client puts them together', async () => {
    const stream = client.chat.completions.stream({ ...talk, n: 2 });
    const final = await stream.finalChatCompletion();
    expect(final.choices.map(choice => choice.message.content?.length)).toEqual([
      final.choices[0]?.message.content?.length,
      final.choices[0]?.message.content?.length,
    ]);
    expect(final.choices).toHaveLength(2);
  });

  test('tool calls of each choice are counted from 0', async () => {
    const tools = ['weather', 'clock'].map(name => ({ type: 'function' as const, function: { name } }));
    const messages = [{ role: 'user' as const, content: 'Use weather {} and clock {} please.' }];
    const stream = client.chat.completions.stream({ model: MODEL, messages, tools, n: 2 });
    const { choices } = await stream.finalChatCompletion();
    for (const choice of choices) {
      expect(choice.finish_reason).toBe('tool_calls');
      const names = choice.message.tool_calls?.map(call => (call.type === 'function' ? call.function.name : ''));
      expect(names).toEqual(['weather', 'clock']);
    }
    const ids = choices.flatMap(choice => choice.message.tool_calls?.map(call => call.id) ?? []);
    expect(new Set(ids).size).toBe(4);
  });

  test.each([false, true])('one that fails before anything was said fails the answer (streamed: %s)', async stream => {
    await stack.fault('status 400', { times: 1 });
    const before = (await stack.upstream()).length;
    const slow = {
      ...talk,
      messages: [{ role: 'user' as const, content: 'Slowly. [[words: 50]] [[latency: 40]]' }],
      n: 3,
    };
    const asked = stream
      ? client.chat.completions.create({ ...slow, stream }).then(all)
      : client.chat.completions.create(slow);
    expect(await failureOf(asked)).toMatchObject({ status: 400, code: 'upstream_invalid_request' });
    // The others are ended with it, long before they would be.
    await expect
      .poll(async () =>
        (await stack.upstream())
          .slice(before)
          .map(({ ended }) => ended)
          .toSorted((a, b) => String(a).localeCompare(String(b))),
      )
      .toEqual(['client-left', 'client-left', expect.any(String)]);
  });

  test('one that fails in the stream ends it with the error', async () => {
    await stack.fault('error-event 4', { times: 1 });
    const slow = {
      ...counted,
      messages: [{ role: 'user' as const, content: 'Slowly. [[words: 50]] [[latency: 20]]' }],
      n: 2,
    };
    const answer = await post('free', slow);
    expect(answer.status).toBe(200);
    const raw = await answer.text();
    const events = [...raw.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => json);
    expect(events.filter(json => json.startsWith('{"error"'))).toHaveLength(1);
    expect(events.at(-1)).toMatch(/^\{"error"/);
    expect(raw).not.toContain('[DONE]');
    expect(raw).toContain('"index":1');
    await expect
      .poll(async () => (await stack.upstream()).slice(-2).map(({ ended }) => ended))
      .toContain('client-left');
  });

  test('a reader that leaves ends all of them', async () => {
    const stream = await client.chat.completions.create({
      ...counted,
      messages: [{ role: 'user', content: 'Slowly. [[words: 300]] [[latency: 20]]' }],
      n: 2,
    });
    for await (const chunk of stream) {
      void chunk;
      break;
    }
    await expect
      .poll(async () => (await stack.upstream()).slice(-2).map(({ ended }) => ended))
      .toEqual(['client-left', 'client-left']);
  });

  test('they count as requests: by the day', async () => {
    const first = await post('three-a-day', { ...talk, n: 2 });
    await first.json();
    expect([first.status, first.headers.get('x-ratelimit-remaining-requests')]).toEqual([200, '1']);
    const tooMany = await post('three-a-day', { ...talk, n: 2 });
    expect(tooMany.status).toBe(429);
    const { error } = (await tooMany.json()) as { error: object };
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', details: { limit: 'requests_per_day', most: 3 } });
    const never = await post('three-a-day', { ...talk, n: 4 });
    await never.json();
    expect(never.status).toBe(429);
  });

  test('they count as requests: at once, where what never fits is told so', async () => {
    const one = await post('one-at-once', { ...talk, n: 2 });
    expect([one.status, one.headers.get('x-should-retry'), one.headers.get('retry-after')]).toEqual([
      429,
      'false',
      null,
    ]);
    expect(await one.text()).toContain('ask for fewer choices');
    expect((await post('one-at-once', { ...talk, n: 1 })).status).toBe(200);
    expect((await post('two-at-once', { ...talk, n: 3 })).status).toBe(429);
    // Twice: the first gave its places back.
    for (let times = 0; times < 2; times++) {
      const two = await post('two-at-once', { ...talk, n: 2 });
      await two.json();
      expect(two.status).toBe(200);
    }
  });

  test('one that finds no room for its tokens gives back what the others held', async () => {
    const body = { ...talk, max_tokens: 600 };
    const refused = await post('tokens', { ...body, n: 3 });
    expect(refused.status).toBe(429);
    expect(await refused.text()).toContain('tokens a minute');
    // Two of them fit, now.
    const answer = await post('tokens', { ...body, n: 2 });
    await answer.json();
    expect(answer.status).toBe(200);
  });

  test('one key for all of them: given back by a failure, spent by the answer', async () => {
    const key = { 'idempotency-key': `choices-${dialect}` };
    const body = { ...talk, n: 2 };
    await stack.fault('status 400', { times: 1 });
    const failed = await post('free', body, key);
    await failed.json();
    expect(failed.status).toBe(400);
    const answer = await post('free', body, key);
    await answer.json();
    expect(answer.status).toBe(200);
    const again = await post('free', body, key);
    expect([again.status, ((await again.json()) as { error: { code: string } }).error.code]).toEqual([
      409,
      'idempotency_completed',
    ]);
  });
});
