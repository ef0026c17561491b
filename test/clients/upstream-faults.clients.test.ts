import type OpenAI from 'openai';
import type { Response as ModelResponse, ResponseStreamEvent } from 'openai/resources/responses/responses';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { all, DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

/** What clients see when model providers fail, in every way that the emulator knows. */
const UPSTREAM = { first_byte_ms: 600, idle_ms: 600, connect_ms: 1_000 };
const LIMITS = { limits: { upstream: UPSTREAM, turn_ms: 20_000 } };
const hello = { model: MODEL, input: 'Hello.' };
const long = { model: MODEL, input: 'Tell me a lot. [[words: 60]]' };
const chat = { model: MODEL, messages: [{ role: 'user' as const, content: 'Tell me a lot. [[words: 60]]' }] };

let stack: Stack;
let client: OpenAI;
/** One try a turn: how it fails where nothing else can be done. */
const ONCE = { limits: { ...LIMITS.limits, turn_attempts: 1 } };
const start = async (...clouds: string[]): Promise<void> => {
  stack = await startStack({ clouds, config: ONCE });
  client = stack.openai();
};
afterEach(() => stack.close());
const cloudsAsked = async (): Promise<string[]> => (await stack.upstream()).map(call => call.cloud);
/** The call as a stored response, stored and streamed, stateless, streamed, and as chat: each must tell the same failure. */
const forms = (): [name: string, () => Promise<unknown>][] => [
  ['stored', () => client.responses.create(hello)],
  ['stateless', () => client.responses.create({ ...hello, store: false })],
  ['stateless stream', async () => all(await client.responses.create({ ...hello, store: false, stream: true }))],
  ['chat', () => client.chat.completions.create(chat)],
  ['chat stream', async () => all(await client.chat.completions.create({ ...chat, stream: true }))],
];
const streamed = async (body: { store?: boolean }): Promise<ResponseStreamEvent[]> => {
  const response = await stack.request('POST', '/v1/responses', { body: { ...long, ...body, stream: true } });
  expect(response.status).toBe(200);
  return [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(
    ([, json = '']) => JSON.parse(json) as ResponseStreamEvent,
  );
};
const ending = (events: readonly ResponseStreamEvent[]): readonly (string | undefined)[] =>
  events.slice(-2).map(event => event.type);
const messageText = (item: ModelResponse['output'][number] | undefined): string =>
  item?.type === 'message' ? item.content.map(part => (part.type === 'output_text' ? part.text : '')).join('') : '';

describe('with one target', () => {
  beforeEach(() => start('aws'));

  test('a rate limit is passed on with its time to wait', async () => {
    // The target counts as full for that time, so each form gets a server of its own.
    for (const [name] of forms()) {
      await stack.close();
      await start('aws');
      await stack.fault('status 429 retry-after 7');
      const failure = await failureOf(forms().find(form => form[0] === name)?.[1]() ?? Promise.resolve());
      expect([name, failure.status, failure.code, failure.headers?.get('retry-after')]).toEqual([
        name,
        429,
        'upstream_rate_limited',
        '7',
      ]);
      const next = await failureOf(client.responses.create(hello));
      expect(next).toMatchObject({ status: 503, code: 'no_target_available' });
      expect(Number(next.headers?.get('retry-after'))).toBeGreaterThan(3);
    }
  }, 60_000);

  test('a failure of the provider is passed on with its time to wait, too', async () => {
    for (const [name] of forms()) {
      await stack.close();
      await start('aws');
      await stack.fault('status 503 retry-after 7');
      const failure = await failureOf(forms().find(form => form[0] === name)?.[1]() ?? Promise.resolve());
      const { status, code, headers } = failure;
      expect([name, status, code, headers?.get('retry-after')]).toEqual([name, 502, 'upstream_error', '7']);
    }
  }, 60_000);

  test('a provider that fails is told as such, and what it said is not', async () => {
    for (const [name, form] of forms()) {
      await stack.fault('status 500', { times: 1 });
      expect([name, await failureOf(form())]).toMatchObject([
        name,
        { status: 502, code: 'upstream_error', type: 'server_error' },
      ]);
      // One success, so that the failures do not add up to an outage.
      await client.responses.create(hello);
    }
  });

  test('a provider that refuses the request tells which field, and is not asked again by the client', async () => {
    const strict = { type: 'json_schema', name: 'x', strict: true, schema: { type: 'object' } } as const;
    const { name, schema } = strict;
    const format = { type: 'json_schema' as const, json_schema: { name, schema, strict: true } };
    const refused = { status: 400, code: 'upstream_invalid_request', type: 'invalid_request_error' };
    const retrying = stack.openai().withOptions({ maxRetries: 2 });
    const asked = [
      () => retrying.responses.create({ ...hello, text: { format: strict } }),
      () => retrying.responses.create({ ...hello, text: { format: strict }, store: false }),
      () => retrying.chat.completions.create({ ...chat, response_format: format }),
    ];
    for (const one of asked) expect(await failureOf(one())).toMatchObject({ ...refused, param: 'text.format.schema' });
    expect(await stack.upstream()).toHaveLength(asked.length);
  });

  test('one that never answers is given up in time', async () => {
    for (const [name, form] of forms()) {
      await stack.fault('hang', { times: 1 });
      expect([name, await failureOf(form())]).toMatchObject([name, { status: 504, code: 'upstream_timeout' }]);
      await client.responses.create(hello);
    }
    expect((await stack.upstream()).filter(call => call.ended === 'hung')).toHaveLength(forms().length);
  });

  test.each(['cut 5', 'malformed 5', 'truncate', 'hang 5', 'error-event 5'])(
    'a stream that breaks (%s) ends in an error and a failed response',
    async fault => {
      for (const store of [true, false]) {
        await stack.fault(fault, { times: 1 });
        const events = await streamed({ store });
        expect([store, ...ending(events)]).toEqual([store, 'error', 'response.failed']);
        const [error, failed] = events.slice(-2);
        const code = fault.startsWith('hang') ? 'upstream_timeout' : 'upstream_interrupted';
        expect(error).toMatchObject({ code, error: { code } });
        if (failed?.type !== 'response.failed') throw new Error('unreachable');
        expect(failed.response).toMatchObject({ status: 'failed', error: { code } });
        const shown = events.map(event => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
        expect(shown.length).toBeGreaterThan(0);
        if (store)
          expect(await client.responses.retrieve(failed.response.id)).toMatchObject({
            status: 'failed',
            error: failed.response.error,
          });
        await client.responses.create(hello);
      }
    },
  );

  test.each(['cut 5', 'malformed 5', 'truncate', 'hang 5'])(
    'a chat stream that breaks (%s) does not end as if it were whole',
    async fault => {
      await stack.fault(fault, { times: 1 });
      const text = await (
        await stack.request('POST', '/v1/chat/completions', { body: { ...chat, stream: true } })
      ).text();
      expect(text).not.toContain('[DONE]');
      expect(text).not.toContain('"finish_reason":"stop"');
      expect(text).toMatch(/"code":"upstream_(interrupted|timeout)"/);
    },
  );

  test.each(['cut 0', 'cut 5', 'malformed 0', 'truncate', 'hang 3'])(
    'an answer that breaks (%s) and is not streamed is an error',
    async fault => {
      for (const store of [true, false]) {
        await stack.fault(fault, { times: 1 });
        const failure = await failureOf(client.responses.create({ ...long, store }));
        expect(failure.status).toBeGreaterThanOrEqual(502);
        expect(failure.code).toMatch(/^upstream_(interrupted|error|timeout)$/);
        await client.responses.create(hello);
      }
    },
  );

  test('an event without end is not swallowed whole', async () => {
    await stack.fault('oversize 3', { times: 1 });
    const events = await streamed({ store: false });
    expect(ending(events)).toEqual(['error', 'response.failed']);
  });

  test('a failed turn leaves its chain where it was', async () => {
    const one = await client.responses.create({ model: MODEL, input: DOG });
    await stack.fault('cut 5', { times: 1 });
    const next = { ...long, previous_response_id: one.id };
    expect((await failureOf(client.responses.create(next))).status).toBe(502);
    expect(said(await client.responses.create({ ...hello, input: WHICH_DOG, previous_response_id: one.id }))).toBe(
      RECALLED,
    );
  });
});

describe('with one target that fails for a moment', () => {
  beforeEach(async () => {
    stack = await startStack({ clouds: ['aws'], config: LIMITS });
    client = stack.openai();
  });

  test.each(['status 500', 'status 503 retry-after-ms 300', 'status 429 retry-after-ms 300', 'hang', 'cut 0', 'cut 5'])(
    'a stored turn (%s) is answered all the same, by another call',
    async fault => {
      await stack.fault(fault, { times: 1 });
      expect((await client.responses.create(long)).status).toBe('completed');
      expect(await cloudsAsked()).toEqual(['aws', 'aws']);
    },
  );

  test('what a stream had shown is commentary, and the answer comes whole after it', async () => {
    await stack.fault('cut 5', { times: 1 });
    const events = await streamed({});
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error(`it ended with ${last?.type}`);
    expect(last.response.output).toMatchObject([
      { status: 'incomplete', phase: 'commentary' },
      { status: 'completed', phase: 'final_answer' },
    ]);
    expect(await client.responses.retrieve(last.response.id)).toMatchObject({ output: last.response.output });
  });

  test('one in the background, too', async () => {
    await stack.fault('status 500', { times: 2 });
    const { id } = await client.responses.create({ ...hello, background: true });
    await expect.poll(async () => (await client.responses.retrieve(id)).status, { timeout: 10_000 }).toBe('completed');
    expect(await cloudsAsked()).toEqual(['aws', 'aws', 'aws']);
  });

  test('a stateless call is made once more where the target says that it is back at once', async () => {
    await stack.fault('status 503 retry-after-ms 100', { times: 1 });
    expect((await client.responses.create({ ...hello, store: false })).status).toBe('completed');
    await stack.fault('status 500', { times: 1 });
    expect((await failureOf(client.responses.create({ ...hello, store: false }))).status).toBe(502);
  });
});

describe('with two targets', () => {
  // Azure is cheaper, so it is asked first while it is well.
  beforeEach(async () => {
    const cheap = { input: 0.01, cached_input: 0.01, output: 0.01 };
    stack = await startStack({
      clouds: ['azure', 'aws'],
      config: emulator => ({
        ...LIMITS,
        targets: [targetOf(emulator, 'azure', { prices: cheap }), targetOf(emulator, 'aws')],
      }),
    });
    client = stack.openai();
  });

  test.each(['status 500', 'status 503', 'status 429', 'status 401', 'hang', 'cut 0'])(
    'one that fails at once (%s) is left for the other, unseen',
    async fault => {
      await stack.fault(fault, { cloud: 'azure' });
      for (const [name, form] of forms()) {
        await form();
        expect([name, (await cloudsAsked()).at(-1)]).toEqual([name, 'aws']);
      }
      expect((await cloudsAsked()).slice(0, 2)).toEqual(['azure', 'aws']);
    },
  );

  test('one that breaks off in a stored stream is left for the other: what was shown stays, and the answer follows', async () => {
    await stack.fault('cut 5', { cloud: 'azure', times: 1 });
    const events = await streamed({ store: true });
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_, index) => index));
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error(`it ended with ${last?.type ?? 'nothing'}`);
    const [cut, whole] = last.response.output;
    expect(last.response.output).toMatchObject([
      { type: 'message', status: 'incomplete', phase: 'commentary' },
      { type: 'message', status: 'completed', phase: 'final_answer' },
    ]);
    const shown = (index: number): string =>
      events
        .map(event => (event.type === 'response.output_text.delta' && event.output_index === index ? event.delta : ''))
        .join('');
    expect(shown(0)).toBe(messageText(cut));
    expect(shown(1)).toBe(messageText(whole));
    expect(shown(0).length).toBeGreaterThan(0);
    expect(shown(1).length).toBeGreaterThan(shown(0).length);
    expect(await client.responses.retrieve(last.response.id)).toMatchObject(last.response);
    // Read once more, it is the same stream.
    const again = await all(await client.responses.retrieve(last.response.id, { stream: true }));
    expect(again).toEqual(events);
    // What was cut is not part of what the model sees later.
    await client.responses.create({ ...hello, previous_response_id: last.response.id });
    const seen = (await stack.upstream()).at(-1) as unknown as { bodyText: string };
    expect(seen.bodyText).not.toContain(JSON.stringify(messageText(cut)).slice(1, -1) + '"');
    expect(seen.bodyText).toContain(JSON.stringify(messageText(whole)).slice(1, 40));
  });

  test('one that breaks off in a stored turn that nobody watches leaves no trace in the output', async () => {
    await stack.fault('cut 5', { cloud: 'azure', times: 1 });
    const response = await client.responses.create(long);
    expect(response.output).toMatchObject([{ type: 'message', status: 'completed' }]);
    expect(await cloudsAsked()).toEqual(['azure', 'aws']);
  });

  test('one that breaks off after a function call was shown ends the turn: that call never runs twice', async () => {
    const tools = [
      {
        type: 'function' as const,
        name: 'pay',
        description: null,
        parameters: { type: 'object', properties: {} },
        strict: false,
      },
    ];
    await stack.fault('cut 1', { cloud: 'azure', times: 1 });
    const events = await all(
      await client.responses.create({
        model: MODEL,
        input: 'Use pay {"amount":12345,"to":"somebody in Oslo"} now.',
        tools,
        stream: true,
      }),
    ).catch((error: unknown) => error);
    // The client throws on an error event.
    expect(events).toBeInstanceOf(Error);
    expect(await cloudsAsked()).toEqual(['azure']);
  });

  test('both failing is told as the last failure', async () => {
    await stack.fault('status 500');
    expect(await failureOf(client.responses.create({ ...hello, store: false }))).toMatchObject({
      status: 502,
      code: 'upstream_error',
    });
    expect(new Set(await cloudsAsked())).toEqual(new Set(['azure', 'aws']));
  });
});

describe('without an upstream', () => {
  test('that listens, the failure is told after every target was tried', async () => {
    const gone = createServer();
    await new Promise<void>(resolve => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise(resolve => gone.close(resolve));
    stack = await startStack({
      clouds: ['aws'],
      config: emulator => ({
        ...LIMITS,
        targets: ['one', 'two'].map(id => targetOf(emulator, 'aws', { id, base_url: `http://127.0.0.1:${port}/v1` })),
      }),
    });
    client = stack.openai();
    const failure = await failureOf(client.responses.create({ ...hello, store: false }));
    expect(failure).toMatchObject({ status: 502, code: 'upstream_error' });
    expect(failure.message).not.toContain(String(port));
    expect(await failureOf(client.responses.create(hello))).toMatchObject({ status: 502, code: 'upstream_error' });
  });
});

describe('a client that leaves', () => {
  beforeEach(() => start('aws'));
  const slow = 'Slowly. [[words: 200]] [[latency: 20]]';
  const left = async (body: object, path = '/v1/responses', after = 2): Promise<string | null> => {
    const leaving = new AbortController();
    const response = await fetch(`${stack.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      signal: leaving.signal,
    });
    const reader = response.body?.getReader();
    let text = '';
    for (let reads = 0; reads < after; reads++) text += new TextDecoder().decode((await reader?.read())?.value);
    leaving.abort();
    return /"id":"(resp_[^"]+)"/.exec(text)?.[1] ?? null;
  };
  const ended = async (): Promise<string | null | undefined> => (await stack.upstream()).at(-1)?.ended;

  test('a stateless stream takes the upstream call with it', async () => {
    await left({ model: MODEL, input: slow, store: false, stream: true });
    await expect.poll(ended).toBe('client-left');
  });

  test('a chat stream takes the upstream call with it', async () => {
    await left({ model: MODEL, messages: [{ role: 'user', content: slow }], stream: true }, '/v1/chat/completions');
    await expect.poll(ended).toBe('client-left');
  });

  test('before a stateless answer takes the upstream call with it', async () => {
    const leaving = new AbortController();
    const work = client.responses.create({ model: MODEL, input: slow, store: false }, { signal: leaving.signal });
    await expect.poll(async () => (await stack.upstream()).length).toBe(1);
    leaving.abort();
    await expect(work).rejects.toThrow();
    await expect.poll(ended).toBe('client-left');
    // The evidence of the call is closed all the same, at its bound.
    await expect
      .poll(async () => {
        const placements = await stack.request('GET', '/perdure/v1/placements');
        return ((await placements.json()) as { data: { call: { status: string } }[] }).data[0]?.call.status;
      })
      .toBe('failed');
  });

  test('a stored stream does not stop the turn, and can come back to it', async () => {
    const id = await left({ model: MODEL, input: 'Slowly. [[words: 80]] [[latency: 10]]', stream: true });
    if (id === null) throw new Error('the response was not named');
    const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: 5 }));
    expect(rest[0]?.sequence_number).toBe(6);
    expect(rest.at(-1)?.type).toBe('response.completed');
    expect(await client.responses.retrieve(id)).toMatchObject({ status: 'completed' });
    expect(await ended()).toBe('completed');
  });

  test('before a stored answer does not stop the turn', async () => {
    const leaving = new AbortController();
    const headers = { 'idempotency-key': 'come-back' };
    const body = { model: MODEL, input: 'Slowly. [[words: 40]] [[latency: 10]]' };
    const work = client.responses.create(body, { signal: leaving.signal, headers });
    await expect.poll(async () => (await stack.upstream()).length).toBe(1);
    leaving.abort();
    await expect(work).rejects.toThrow();
    expect((await client.responses.create(body, { headers })).status).toBe('completed');
    expect(await stack.upstream()).toHaveLength(1);
    expect(await ended()).toBe('completed');
  });
});

test('nothing that an upstream said lies on the disk of a stateless call that failed', async () => {
  await start('aws');
  await stack.fault('cut 5');
  await streamed({ store: false });
  await stack.stop();
  expect(filesWith(stack.data, 'emulated aws]')).toEqual([]);
});
