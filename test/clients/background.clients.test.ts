import { type Emulator, startEmulator } from '@perdure/emulator';
import OpenAI from 'openai';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { type ServerProcess, Workplace } from '../support/server-process.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

/** Background mode, resume and cancel, with the official client unchanged. */
const SLOW = 'Slowly. [[words: 60]] [[latency: 20]]';
const FOREVER = 'Slowly. [[words: 20]] [[fault: hang 6]]';
const MISSING = { status: 404, code: 'response_not_found' };

const numbers = (events: readonly ResponseStreamEvent[]): number[] => events.map(event => event.sequence_number);
const from = (first: number, length: number): number[] => Array.from({ length }, (_, index) => first + index);

describe('a server', () => {
  let stack: Stack;
  let client: OpenAI;
  beforeAll(async () => {
    stack = await startStack({ clouds: ['aws'], config: { limits: { readers: 3 } } });
    client = stack.openai();
  });
  afterAll(() => stack.close());

  const begin = (input: string) => client.responses.create({ model: MODEL, input, background: true });
  const settled = async (id: string): Promise<OpenAI.Responses.Response> => {
    for (;;) {
      const response = await client.responses.retrieve(id);
      if (response.status !== 'queued' && response.status !== 'in_progress') return response;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  };

  test('begins a background response, answers at once, and finishes it: polling sees the end', async () => {
    const begun = await begin(SLOW);
    expect(begun).toMatchObject({
      object: 'response',
      status: 'in_progress',
      background: true,
      output: [],
      usage: null,
    });
    const ended = await settled(begun.id);
    expect(ended).toMatchObject({ id: begun.id, status: 'completed', background: true, created_at: begun.created_at });
    expect(ended.output_text.split(' ').length).toBeGreaterThanOrEqual(60);
  });

  test('streams one that was begun without a stream, from anywhere, delta by delta, and the same again afterwards', async () => {
    const { id } = await begin(SLOW);
    const [whole, late] = await Promise.all([
      all(await client.responses.retrieve(id, { stream: true })),
      all(await client.responses.retrieve(id, { stream: true, starting_after: 5 })),
    ]);
    expect(numbers(whole)).toEqual(from(0, whole.length));
    expect(whole.filter(event => event.type === 'response.output_text.delta').length).toBeGreaterThan(20);
    expect(whole.at(-1)?.type).toBe('response.completed');
    expect(late).toEqual(whole.slice(6));
    expect(await all(await client.responses.retrieve(id, { stream: true }))).toEqual(whole);
  });

  test('goes on when the client of a background stream leaves; it comes back after what it has seen', async () => {
    const stream = await client.responses.create({ model: MODEL, input: SLOW, background: true, stream: true });
    const seen: ResponseStreamEvent[] = [];
    for await (const event of stream) if (seen.push(event) === 9) break;
    const [first] = seen;
    if (first?.type !== 'response.created') throw new Error('the first event is no beginning');
    const { id } = first.response;
    const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: 8 }));
    expect(numbers([...seen, ...rest])).toEqual(from(0, seen.length + rest.length));
    expect([...seen, ...rest]).toEqual(await all(await client.responses.retrieve(id, { stream: true })));
    const byHeader = await stack.request('GET', `/v1/responses/${id}?stream=true`, {
      headers: { 'last-event-id': '8' },
    });
    const byQuery = await stack.request('GET', `/v1/responses/${id}?stream=true&starting_after=8`);
    expect(await byHeader.text()).toBe(await byQuery.text());
  });

  test('cancels one, says so twice, ends its stream in a form that the client takes, and lets the upstream go', async () => {
    const { id } = await begin('Slowly. [[words: 2000]] [[latency: 20]]');
    const helper = client.responses.stream({ response_id: id });
    let deltas = 0;
    helper.on('response.output_text.delta', () => (deltas += 1));
    await expect.poll(() => deltas).toBeGreaterThan(0);
    const cancelled = await client.responses.cancel(id);
    expect(cancelled).toMatchObject({ id, status: 'cancelled', error: null, output: [{ status: 'incomplete' }] });
    expect(await helper.finalResponse()).toMatchObject({ id, status: 'cancelled', output: cancelled.output });
    // Which of the client's methods adds its own text differs; what was sent does not.
    const plain = (response: typeof cancelled) => ({ ...response, _request_id: null, output_text: null });
    expect(plain(await client.responses.cancel(id))).toEqual(plain(cancelled));
    expect(plain(await client.responses.retrieve(id))).toEqual(plain(cancelled));
    const events = await all(await client.responses.retrieve(id, { stream: true }));
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: { status: 'cancelled' } });
    await expect.poll(async () => (await stack.upstream()).at(-1)?.ended).toBe('client-left');
    expect(
      await failureOf(client.responses.create({ model: MODEL, input: 'Go on.', previous_response_id: id })),
    ).toMatchObject({ status: 400, code: 'previous_response_not_found' });
  });

  test('tells a cancel that comes too late how it ended, and refuses one of a synchronous response', async () => {
    const ended = await settled((await begin('Hello.')).id);
    expect(await client.responses.cancel(ended.id)).toMatchObject({ id: ended.id, status: 'completed' });
    const sync = await client.responses.create({ model: MODEL, input: 'Hello.' });
    expect(await failureOf(client.responses.cancel(sync.id))).toMatchObject({
      status: 400,
      code: 'response_not_cancellable',
      type: 'invalid_request_error',
    });
    expect(await failureOf(client.responses.cancel('resp_nothing'))).toMatchObject(MISSING);
  });

  test('deletes one that runs: it is cancelled first, and then gone', async () => {
    const { id } = await begin(FOREVER);
    await client.responses.delete(id);
    expect(await failureOf(client.responses.retrieve(id))).toMatchObject(MISSING);
    expect(await failureOf(client.responses.cancel(id))).toMatchObject(MISSING);
    expect(await failureOf(client.responses.delete(id))).toMatchObject(MISSING);
  });

  test('refuses background without store, and a place in the stream that is no number', async () => {
    const { id } = await begin('Hello.');
    const refused = client.responses.create({ model: MODEL, input: 'x', background: true, store: false });
    expect(await failureOf(refused)).toMatchObject({ status: 400, param: 'background' });
    for (const after of ['-1', '1.5', 'x', '']) {
      const answer = await stack.request('GET', `/v1/responses/${id}?stream=true&starting_after=${after}`);
      expect([after, answer.status]).toEqual([after, 400]);
    }
    const gated = `include[]=message.output_text.logprobs&include_obfuscation=false&stream=true`;
    expect((await stack.request('GET', `/v1/responses/${id}?${gated}`)).status).toBe(200);
  });

  test('has one upstream call for all readers of a response, and as many readers as are allowed', async () => {
    await stack.calm();
    const { id } = await begin(FOREVER);
    const leaving = new AbortController();
    const streams = await Promise.all(
      [leaving.signal, undefined, undefined].map(signal =>
        client.responses.retrieve(id, { stream: true }, signal === undefined ? {} : { signal }),
      ),
    );
    const more = () => client.responses.retrieve(id, { stream: true });
    expect(await failureOf(more())).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    leaving.abort();
    await expect.poll(() => failureOf(more().then(stream => stream.controller.abort())).catch(() => null)).toBeNull();
    await client.responses.cancel(id);
    const [, one, two] = await Promise.all(streams.map(stream => all(stream).catch(() => null)));
    expect(one).toEqual(two);
    expect((await stack.upstream()).length).toBe(1);
  });

  test('answers an Idempotency-Key with the response that it began, at once', async () => {
    const headers = { 'idempotency-key': 'background-1' };
    const body = { model: MODEL, input: FOREVER, background: true };
    const first = (await (await stack.request('POST', '/v1/responses', { headers, body })).json()) as { id: string };
    const again = await stack.request('POST', '/v1/responses', { headers, body });
    expect(await again.json()).toMatchObject({ id: first.id, status: 'in_progress' });
    await client.responses.cancel(first.id);
    const after = await stack.request('POST', '/v1/responses', { headers, body });
    expect(await after.json()).toMatchObject({ id: first.id, status: 'cancelled' });
  });
});

describe('a server that is killed in the middle', () => {
  let emulator: Emulator;
  let place: Workplace;
  beforeEach(async () => {
    emulator = await startEmulator({ clouds: ['aws'] });
    place = new Workplace();
    place.configure({ data: './data', targets: [targetOf(emulator, 'aws')], limits: { lease_ms: 3_000 } });
  });
  afterEach(async () => {
    await place.close();
    await emulator.close();
  });
  const clientOf = ({ url }: ServerProcess): OpenAI =>
    new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });

  /** A background response of which some events were seen when the server was killed. */
  async function cut(input: string): Promise<{ readonly id: string; readonly seen: readonly ResponseStreamEvent[] }> {
    const server = await place.start();
    const { id } = await clientOf(server).responses.create({ model: MODEL, input, background: true });
    const seen: ResponseStreamEvent[] = [];
    const stream = await clientOf(server).responses.retrieve(id, { stream: true });
    await expect(
      (async () => {
        for await (const event of stream) if (seen.push(event) === 10) server.kill('SIGKILL');
      })(),
    ).rejects.toThrow();
    await server.ended;
    return { id, seen };
  }

  test('is read on from where it was as soon as it is back, while it takes the response up', async () => {
    const { id, seen } = await cut(SLOW);
    const client = clientOf(await place.start());
    // No waiting for recovery: the lease of the dead process is still running.
    const after = seen.at(-1)?.sequence_number ?? 0;
    const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: after }));
    const whole = await all(await client.responses.retrieve(id, { stream: true }));
    expect([...seen, ...rest]).toEqual(whole);
    expect(numbers(whole)).toEqual(from(0, whole.length));
    const response = await client.responses.retrieve(id);
    expect(response).toMatchObject({ status: 'completed' });
    expect(response.output.map(item => item.type === 'message' && [item.status, item.phase])).toEqual([
      ['incomplete', 'commentary'],
      ['completed', 'final_answer'],
    ]);
  });

  test.each(['before', 'after'] as const)(
    'L7: dies right %s the commit of a cancel: from the commit on it stands',
    async when => {
      vi.stubEnv('PERDURE_KILL_POINT', `cancel.${when}-commit`);
      const first = await place.start();
      vi.unstubAllEnvs();
      const dying = clientOf(first);
      const { id } = await dying.responses.create({ model: MODEL, input: SLOW, background: true });
      await expect(dying.responses.cancel(id)).rejects.toThrow();
      expect((await first.ended).signal).toBe('SIGKILL');
      const client = clientOf(await place.start());
      const whole = await all(await client.responses.retrieve(id, { stream: true }));
      const { status } = await client.responses.retrieve(id);
      expect([status, whole.at(-1)?.type]).toEqual(
        when === 'after' ? ['cancelled', 'response.incomplete'] : ['completed', 'response.completed'],
      );
    },
  );

  test('cancels what it has not taken up yet: no other call is made, and what was seen stays', async () => {
    const { id, seen } = await cut(SLOW);
    const client = clientOf(await place.start());
    const cancelled = await client.responses.cancel(id);
    const whole = await all(await client.responses.retrieve(id, { stream: true }));
    expect(whole.slice(0, seen.length)).toEqual(seen);
    expect(whole.at(-1)).toMatchObject({ response: { status: cancelled.status } });
  });
});
