import { startEmulator } from '@perdure/emulator';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { Workplace } from '../support/server-process.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

/** `Idempotency-Key`: the same request is done once, whatever became of the connection. */
let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack();
  client = stack.openai();
});
afterAll(() => stack.close());
beforeEach(() => stack.calm());

let keys = 0;
const fresh = (): { headers: { 'idempotency-key': string } } => ({ headers: { 'idempotency-key': `key-${++keys}` } });
const request = { model: MODEL, input: 'Hello.' };
const post = (body: unknown, { headers }: ReturnType<typeof fresh>): Promise<Response> =>
  stack.request('POST', '/v1/responses', { body, headers });
const calls = async (): Promise<number> => (await stack.upstream()).length;

describe('a stored response', () => {
  test('is the same one for the same key and body, also after a restart, and the model is called once', async () => {
    const key = fresh();
    const first = await client.responses.create(request, key);
    const second = await client.responses.create(request, key);
    expect({ ...second, _request_id: null }).toEqual({ ...first, _request_id: null });
    await stack.restart();
    client = stack.openai();
    expect((await client.responses.create(request, key)).id).toBe(first.id);
    expect(await calls()).toBe(1);
    expect((await client.responses.create(request, fresh())).id).not.toBe(first.id);
  });

  test('is one also for ten that come at once', async () => {
    const key = fresh();
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.responses.create(request, key)));
    expect(new Set(answers.map(answer => answer.id)).size).toBe(1);
    expect(await calls()).toBe(1);
  });

  test('is streamed again byte for byte', async () => {
    const body = { ...request, input: 'Tell me more. [[words: 60]]', stream: true };
    const key = fresh();
    const first = await (await post(body, key)).text();
    expect(first).toContain('event: response.completed');
    expect(await (await post(body, key)).text()).toBe(first);
    await stack.restart();
    client = stack.openai();
    expect(await (await post(body, key)).text()).toBe(first);
    expect(await calls()).toBe(1);
  });

  test('is attached to while it runs', async () => {
    const body = { ...request, input: 'Slowly. [[words: 30]] [[latency: 10]]', stream: true };
    const key = fresh();
    const one = await post(body, key);
    const two = await post(body, key);
    const [first, second] = await Promise.all([one.text(), two.text()]);
    expect(second).toBe(first);
    expect(await calls()).toBe(1);
  });

  test('of another body is refused', async () => {
    const key = fresh();
    await client.responses.create(request, key);
    expect(await failureOf(client.responses.create({ ...request, input: 'Other.' }, key))).toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
      type: 'invalid_request_error',
    });
  });

  test('whose request was refused leaves the key free', async () => {
    const key = fresh();
    expect(await failureOf(client.responses.create({ ...request, model: 'nobody' }, key))).toMatchObject({
      status: 404,
    });
    expect((await client.responses.create(request, key)).status).toBe('completed');
  });

  test('that failed for good is answered as the first time, also after a restart, and not run again', async () => {
    const key = fresh();
    await stack.fault('status 400', { contains: 'refuse me' });
    const body = { ...request, input: 'Please refuse me.' };
    const told = async () => {
      const answer = await post(body, key);
      return [answer.status, await answer.json(), answer.headers.get('perdure-response')];
    };
    const first = await told();
    expect(first).toMatchObject([
      400,
      { error: { code: 'upstream_invalid_request' } },
      expect.stringMatching(/^resp_/),
    ]);
    const before = await calls();
    expect(await told()).toEqual(first);
    await stack.restart();
    client = stack.openai();
    expect(await told()).toEqual(first);
    expect(await calls()).toBe(before);
  });

  test.each(['status 500', 'status 429 retry-after-ms 20', 'cut 0'])(
    'that failed for a reason that passes (%s) is made again for the client that tries again, and keeps its id',
    async fault => {
      const key = fresh();
      await stack.fault(fault);
      const failed = await failureOf(client.responses.create(request, key));
      expect(failed.status).toBeGreaterThanOrEqual(429);
      const id = failed.headers?.get('perdure-response') ?? '';
      await stack.calm();
      await stack.restart();
      client = stack.openai();
      const made = await client.responses.create(request, key);
      expect([made.status, made.output_text.length > 0, made.id === id]).toEqual(['completed', true, false]);
      // What was told to be stored is.
      expect((await client.responses.retrieve(id)).status).toBe('failed');
      expect((await client.responses.create(request, key)).id).toBe(made.id);
      expect(await calls()).toBe(1);
    },
  );

  test('that failed so is made again once, for ten that come at once', async () => {
    const key = fresh();
    await stack.fault('status 500');
    const failed = await failureOf(client.responses.create(request, key));
    await stack.calm();
    await stack.restart();
    client = stack.openai();
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.responses.create(request, key)));
    expect(new Set(answers.map(answer => answer.id)).size).toBe(1);
    expect(answers[0]?.id).not.toBe(failed.headers?.get('perdure-response'));
    expect(await calls()).toBe(1);
  });

  test('of which a stream was shown is not made again: it is shown again as it was', async () => {
    const body = { ...request, stream: true };
    const key = fresh();
    await stack.fault('status 500');
    const first = await (await post(body, key)).text();
    expect(first).toContain('event: response.failed');
    await stack.calm();
    expect(await (await post(body, key)).text()).toBe(first);
    expect(await calls()).toBe(0);
  });

  test('in the background that failed is not made again either', async () => {
    const body = { ...request, background: true };
    const key = fresh();
    await stack.fault('status 500');
    const { id } = await client.responses.create(body, key);
    await expect.poll(async () => (await client.responses.retrieve(id)).status).toBe('failed');
    await stack.calm();
    expect(await client.responses.create(body, key)).toMatchObject({ id, status: 'failed' });
    expect(await calls()).toBe(0);
  });

  test('takes keys of 1 to 255 characters', async () => {
    const keyed = (key: string) => client.responses.create(request, { headers: { 'idempotency-key': key } });
    expect((await keyed('k'.repeat(255))).status).toBe('completed');
    expect(await failureOf(keyed('k'.repeat(256)))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      param: 'Idempotency-Key',
    });
    expect(await failureOf(keyed(''))).toMatchObject({ status: 400, code: 'invalid_request' });
  });
});

describe('a stateless call', () => {
  const DONE = { status: 409, code: 'idempotency_completed' };

  test('cannot be answered again', async () => {
    const key = fresh();
    await client.responses.create({ ...request, store: false }, key);
    expect(await failureOf(client.responses.create({ ...request, store: false }, key))).toMatchObject(DONE);
    const other = { ...request, store: false, input: 'Other.' };
    expect(await failureOf(client.responses.create(other, key))).toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
    });
  });

  test('of Chat Completions neither, streamed or not', async () => {
    const messages = [{ role: 'user' as const, content: 'Hello.' }];
    for (const stream of [false, true]) {
      const key = fresh();
      const chat = async (): Promise<unknown> => {
        const answer = await client.chat.completions.create({ model: MODEL, messages, stream }, key);
        return Symbol.asyncIterator in answer ? all(answer) : answer;
      };
      await chat();
      expect(await failureOf(chat())).toMatchObject(DONE);
    }
    expect(await calls()).toBe(2);
  });

  test('that failed may be tried again', async () => {
    const key = fresh();
    await stack.fault('status 400', { contains: 'refuse me', times: 1 });
    const body = { ...request, store: false, input: 'Please refuse me.' };
    expect((await failureOf(client.responses.create(body, key))).status).toBeGreaterThanOrEqual(400);
    expect((await client.responses.create(body, key)).status).toBe('completed');
  });

  test('is told apart from one that is still running', async () => {
    const key = fresh();
    const body = { ...request, store: false, input: 'Slowly. [[words: 20]] [[latency: 20]]' };
    const running = client.responses.create(body, key);
    await expect.poll(calls).toBe(1);
    expect(await failureOf(client.responses.create(body, key))).toMatchObject({
      status: 409,
      code: 'idempotency_in_progress',
    });
    expect((await running).status).toBe('completed');
    expect(await failureOf(client.responses.create(body, key))).toMatchObject(DONE);
  });

  test('that the server was killed in the middle of is not made again: its key says so, and another is free', async () => {
    const emulator = await startEmulator({ clouds: ['aws'] });
    const place = new Workplace();
    place.configure({ data: './data', targets: [targetOf(emulator, 'aws')] });
    try {
      const first = await place.start();
      const at = (url: string): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
      const key = fresh();
      const body = { ...request, store: false, input: 'Slowly. [[words: 200]] [[latency: 20]]', stream: true } as const;
      await expect(
        (async () => {
          for await (const { type } of await at(first.url).responses.create(body, key))
            if (type === 'response.output_text.delta') first.kill('SIGKILL');
        })(),
      ).rejects.toThrow();
      await first.ended;
      const second = at((await place.start()).url);
      expect(await failureOf(second.responses.create(body, key))).toMatchObject({
        status: 409,
        code: 'idempotency_outcome_unknown',
      });
      expect((await second.responses.create({ ...request, store: false }, fresh())).status).toBe('completed');
    } finally {
      await place.close();
      await emulator.close();
    }
  }, 120_000);
});

test('the official client, which tries again with its key, gets the answer in place of the failure', async () => {
  // One call a turn, so that it is the client that tries again.
  const alone = await startStack({ clouds: ['aws'], config: { limits: { turn_attempts: 1 } } });
  try {
    const { id } = await alone.openai().responses.create(request);
    await alone.fault('status 500', { times: 1 });
    const patient = alone.openai().withOptions({ maxRetries: 2 });
    const answer = await patient.responses.create(request, { headers: { 'idempotency-key': 'again' } });
    expect([answer.status, answer.output_text === '', answer.id === id]).toEqual(['completed', false, false]);
    expect((await alone.upstream()).length).toBe(3);
  } finally {
    await alone.close();
  }
});
