import type OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { failureOf } from '../support/failure.ts';
import { all, DOG, RECALLED, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

/** `/v1/chat/completions` with the official client, over upstreams of either dialect. */
const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const tools = ['weather', 'clock'].map(name => ({
  type: 'function' as const,
  function: { name, parameters, strict: true },
}));
const user = (content: string): ChatCompletionMessageParam => ({ role: 'user', content });
const TWO = 'Use weather {"city":"Oslo"} and clock {"city":"Rome"} please.';

describe.each(['openai-responses', 'openai-chat'] as const)('over %s', dialect => {
  let stack: Stack;
  let client: OpenAI;
  beforeAll(async () => {
    stack = await startStack({
      clouds: ['aws'],
      config: emulator => ({ targets: [targetOf(emulator, 'aws', { dialect })] }),
    });
    client = stack.openai();
  });
  afterAll(() => stack.close());

  const said = (content: string | null | undefined): string => (content ?? '').replace(/^\[emulated aws\] /, '');

  describe('what a Responses target cannot be asked for', () => {
    const talk = { model: MODEL, messages: [user('Say one, two, three. [[words: 60]]')] };
    /** What is said if nothing ends it. */
    const spoken = async (): Promise<string> =>
      (await client.chat.completions.create(talk)).choices[0]?.message.content ?? '';

    test.each([false, true])('a stop text ends the answer before it (streamed: %s)', async stream => {
      const whole = await spoken();
      const stop = whole.slice(40, 52);
      const request = { ...talk, stop: ['never said', stop], stream_options: { include_usage: true } };
      const before = (await stack.upstream()).length;
      if (stream) {
        const chunks = await all(await client.chat.completions.create({ ...request, stream }));
        expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe(whole.slice(0, 40));
        expect(chunks.map(chunk => chunk.choices[0]?.finish_reason ?? null).filter(Boolean)).toEqual(['stop']);
        expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(0);
      } else {
        const { stream_options: _, ...plain } = request;
        const made = await client.chat.completions.create(plain);
        expect(made.choices).toMatchObject([{ finish_reason: 'stop', message: { content: whole.slice(0, 40) } }]);
        expect(made.usage?.completion_tokens).toBeGreaterThan(0);
      }
      expect(await stack.upstream()).toHaveLength(before + 1);
    });

    test.each([
      ['', 'estimate'],
      ['[[reasoning: 40]]', 'bound'],
    ])('client and meter say the same usage after a stop text %s', async (reasoning, metered) => {
      if (dialect === 'openai-chat') return;
      const slow = `Slowly, one, two. [[words: 100]] [[latency: 5]] ${reasoning}`;
      const body = { model: MODEL, messages: [user(slow)], stop: 'emulated', max_tokens: 500 };
      const { data, response } = await client.chat.completions
        .create({ ...body, stream: true, stream_options: { include_usage: true } })
        .withResponse();
      const usage = (await all(data)).at(-1)?.usage;
      expect(usage?.completion_tokens).toBeGreaterThan(0);
      if (metered === 'bound') expect(usage?.completion_tokens).toBe(500);
      const calls = async (): Promise<unknown> => {
        const answer = await fetch(`${stack.url}/perdure/v1/usage/calls`);
        const { data: rows } = (await answer.json()) as { data: readonly { id: string }[] };
        return rows.find(({ id }) => id === response.headers.get('perdure-placement'));
      };
      await expect.poll(calls).toMatchObject({
        metered,
        usage: { input: usage?.prompt_tokens, output: usage?.completion_tokens },
      });
    });

    test('the target is stopped with the stream', async () => {
      if (dialect === 'openai-chat') return;
      const slow = { model: MODEL, messages: [user('Slowly, one, two, three. [[words: 200]] [[latency: 20]]')] };
      await all(await client.chat.completions.create({ ...slow, stop: 'emulated', stream: true }));
      await expect.poll(async () => (await stack.upstream()).at(-1)?.ended).toBe('client-left');
    });

    test.each([1, 5, 15])('fewer tokens than it makes: %i', async max_tokens => {
      const whole = await spoken();
      const made = await client.chat.completions.create({ ...talk, max_tokens });
      const text = made.choices[0]?.message.content ?? '';
      expect(made.choices[0]?.finish_reason).toBe('length');
      expect(whole.startsWith(text)).toBe(true);
      expect(text.length).toBeGreaterThan(0);
      expect(text.length).toBeLessThan(whole.length);
      const chunks = await all(await client.chat.completions.create({ ...talk, max_tokens, stream: true }));
      const streamed = chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('');
      expect(whole.startsWith(streamed) && streamed.length > 0 && streamed.length < whole.length).toBe(true);
      expect(chunks.map(chunk => chunk.choices[0]?.finish_reason ?? null).filter(Boolean)).toEqual(['length']);
    });

    test('biases of tokens are passed on, or refused in words', async () => {
      const asked = client.chat.completions.create({ ...talk, logit_bias: { '50256': -100 } });
      if (dialect === 'openai-chat') {
        await asked;
        const last = (await stack.upstream()).at(-1) as unknown as { readonly bodyText: string };
        return expect(JSON.parse(last.bodyText)).toMatchObject({ logit_bias: { '50256': -100 } });
      }
      expect(await failureOf(asked)).toMatchObject({
        status: 400,
        code: 'upstream_invalid_request',
        param: 'logit_bias',
      });
    });
  });

  test('a completion, from the messages that it is given', async () => {
    const messages = [
      { role: 'system' as const, content: 'Be kind.' },
      user(DOG),
      { role: 'assistant' as const, content: 'Noted.' },
      user(WHICH_DOG),
    ];
    const completion = await client.chat.completions.create({ model: MODEL, messages });
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: MODEL,
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', refusal: null } }],
      usage: {
        prompt_tokens: expect.any(Number),
        completion_tokens: expect.any(Number),
        total_tokens: expect.any(Number),
      },
    });
    expect(completion.id).toMatch(/^chatcmpl_/);
    expect(said(completion.choices[0]?.message.content)).toBe(RECALLED);
    const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = completion.usage ?? {};
    expect(prompt_tokens).toBeGreaterThan(5);
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
    expect(await failureOf(client.responses.retrieve(completion.id.replace('chatcmpl_', 'resp_')))).toMatchObject({
      status: 404,
    });
  });

  test('a stream, with its usage if asked for', async () => {
    const request = { model: MODEL, messages: [user(DOG), user(WHICH_DOG)], stream: true as const };
    const chunks = await all(await client.chat.completions.create(request));
    expect(new Set(chunks.map(chunk => chunk.id)).size).toBe(1);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.at(-1)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' });
    expect(said(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join(''))).toBe(RECALLED);
    expect(chunks.every(chunk => chunk.usage == null)).toBe(true);
    const counted = await all(
      await client.chat.completions.create({ ...request, stream_options: { include_usage: true } }),
    );
    expect(counted.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: expect.any(Number), total_tokens: expect.any(Number) },
    });
    expect(counted.slice(0, -1).every(chunk => chunk.usage === null)).toBe(true);
  });

  test('a cut at its bound', async () => {
    const request = { model: MODEL, messages: [user('Tell me a lot. [[words: 200]]')], max_completion_tokens: 16 };
    const completion = await client.chat.completions.create(request);
    expect(completion).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 16 } });
    const chunks = await all(await client.chat.completions.create({ ...request, stream: true }));
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length');
  });

  test('tools, there and back, and streamed', async () => {
    const first = await client.chat.completions.create({ model: MODEL, messages: [user(TWO)], tools });
    const [choice] = first.choices;
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    const calls = choice?.message.tool_calls ?? [];
    expect(
      calls.map(call => call.type === 'function' && [call.function.name, JSON.parse(call.function.arguments)]),
    ).toEqual([
      ['weather', { city: 'Oslo' }],
      ['clock', { city: 'Rome' }],
    ]);
    if (choice === undefined) throw new Error('unreachable');
    const outputs = calls.map((call, index) => ({
      role: 'tool' as const,
      tool_call_id: call.id,
      content: `Output ${index}.`,
    }));
    const second = await client.chat.completions.create({
      model: MODEL,
      messages: [user(TWO), choice.message, ...outputs.toReversed()],
      tools,
    });
    expect(second.choices[0]?.message.content).toContain('The tool weather returned: "Output 0."');
    expect(second.choices[0]?.message.content).toContain('The tool clock returned: "Output 1."');
    const streamed = await client.chat.completions
      .stream({ model: MODEL, messages: [user(TWO)], tools })
      .finalChatCompletion();
    expect(
      streamed.choices[0]?.message.tool_calls?.map(call => call.type === 'function' && call.function),
    ).toMatchObject([
      { name: 'weather', arguments: '{"city":"Oslo"}' },
      { name: 'clock', arguments: '{"city":"Rome"}' },
    ]);
    expect(streamed.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('a stream of calls begins with no text, also after reasoning', async () => {
    for (const think of ['', ' [[reasoning: 20]]']) {
      const request = { model: MODEL, messages: [user(TWO + think)], tools, stream: true as const };
      const chunks = await all(await client.chat.completions.create(request));
      const deltas = chunks.map(chunk => chunk.choices[0]?.delta);
      expect(deltas[0]).toEqual({ role: 'assistant', content: null });
      expect(deltas.slice(1).some(delta => delta?.role !== undefined || delta?.content !== undefined)).toBe(false);
    }
  });

  test('outputs that do not fit the calls are refused', async () => {
    const orphan = { role: 'tool' as const, tool_call_id: 'call_nobody', content: 'Nothing.' };
    expect(
      await failureOf(client.chat.completions.create({ model: MODEL, messages: [user('Hello.'), orphan] })),
    ).toMatchObject({
      status: 400,
      code: 'tool_call_not_found',
    });
    const call = { id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{}' } };
    const open = [user('Hello.'), { role: 'assistant' as const, content: null, tool_calls: [call] }, user('And?')];
    expect(await failureOf(client.chat.completions.create({ model: MODEL, messages: open, tools }))).toMatchObject({
      status: 400,
      code: 'tool_output_missing',
    });
  });

  test('a JSON schema, filled and parsed', async () => {
    const animal = z.object({ name: z.string(), legs: z.int() });
    const request = {
      model: MODEL,
      messages: [user('Describe a dog.')],
      response_format: zodResponseFormat(animal, 'animal'),
    };
    const completion = await client.chat.completions.parse(request);
    expect(completion.choices[0]?.message.parsed).toEqual({ name: expect.any(String), legs: expect.any(Number) });
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    expect(streamed.choices[0]?.message.parsed).toEqual(completion.choices[0]?.message.parsed);
  });

  test('what is not offered is refused by name', async () => {
    const hello = { model: MODEL, messages: [user('Hello.')] };
    expect(await failureOf(client.chat.completions.create({ ...hello, modalities: ['audio'] }))).toMatchObject({
      status: 400,
      param: 'modalities',
    });
    expect(await failureOf(client.chat.completions.create({ model: MODEL, messages: [] }))).toMatchObject({
      status: 400,
      param: 'messages',
    });
  });

  test('the same model serves Responses over this dialect, whole and streamed', async () => {
    const response = await client.responses.create({ model: MODEL, input: DOG });
    const next = { model: MODEL, input: WHICH_DOG, previous_response_id: response.id };
    expect(said((await client.responses.create(next)).output_text)).toBe(RECALLED);
    expect(said((await client.responses.stream(next).finalResponse()).output_text)).toBe(RECALLED);
  });
});
