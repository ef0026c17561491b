import type OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { failureOf } from '../support/failure.ts';
import { all, DOG, FORGOTTEN, RECALLED, recalled, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** `/v1/responses` with the official client, unchanged. */
let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack();
  client = stack.openai();
});
afterAll(() => stack.close());

const stored = (input: string, previous?: string) =>
  client.responses.create({ model: MODEL, input, ...(previous !== undefined && { previous_response_id: previous }) });

describe('a response', () => {
  test('is answered whole, and can be read again', async () => {
    const response = await client.responses.create({ model: MODEL, input: 'Hello.', metadata: { a: '1' } });
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      error: null,
      incomplete_details: null,
      model: MODEL,
      store: true,
      background: false,
      previous_response_id: null,
      metadata: { a: '1' },
      usage: { input_tokens: 3, input_tokens_details: { cached_tokens: 0 }, total_tokens: expect.any(Number) },
    });
    expect(said(response)).toBe('Noted: "Hello.".');
    expect(response.id).toMatch(/^resp_/);
    expect(response.output).toMatchObject([{ type: 'message', role: 'assistant', status: 'completed' }]);
    const read = await client.responses.retrieve(response.id);
    expect({ ...read, _request_id: null }).toEqual({ ...response, _request_id: null });
  });

  test('that is not stored leaves nothing to read or to go on from', async () => {
    const response = await client.responses.create({ model: MODEL, input: DOG, store: false });
    expect(response).toMatchObject({ status: 'completed', store: false });
    expect(await failureOf(client.responses.retrieve(response.id))).toMatchObject({
      status: 404,
      code: 'response_not_found',
    });
    expect(await failureOf(stored(WHICH_DOG, response.id))).toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
    });
  });

  test('that is cut off at its bound is incomplete, with its usage', async () => {
    for (const store of [true, false]) {
      const input = 'Tell me a lot. [[words: 200]]';
      const response = await client.responses.create({ model: MODEL, input, max_output_tokens: 16, store });
      expect(response).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        max_output_tokens: 16,
        usage: { output_tokens: 16 },
      });
      const events = await all(
        await client.responses.create({ model: MODEL, input, max_output_tokens: 16, store, stream: true }),
      );
      expect(events.at(-1)).toMatchObject({
        type: 'response.incomplete',
        response: { incomplete_details: { reason: 'max_output_tokens' }, usage: { output_tokens: 16 } },
      });
    }
  });

  test('takes nulls for absent fields, and fields that it does not know', async () => {
    const body = { model: MODEL, input: 'Hello.', instructions: null, tools: null, client_metadata: { a: 'b' } };
    const response = await client.responses.create(
      body as unknown as OpenAI.Responses.ResponseCreateParamsNonStreaming,
    );
    expect(response).toMatchObject({ status: 'completed', tools: [], instructions: null });
  });

  test('carries its instructions, which the next one does not inherit', async () => {
    const first = await client.responses.create({ model: MODEL, input: 'Hello.', instructions: DOG });
    expect(first.instructions).toBe(DOG);
    const again = await client.responses.create({ model: MODEL, input: WHICH_DOG, instructions: DOG });
    expect(said(again)).toBe(RECALLED);
    const next = await stored(WHICH_DOG, first.id);
    expect(next.instructions).toBeNull();
    expect(said(next)).toBe(FORGOTTEN);
  });
});

describe('a stream', () => {
  const ORDER = [
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ];

  test.each([true, false])('has its events in order, numbered without a gap (store: %s)', async store => {
    const events = await all(await client.responses.create({ model: MODEL, input: 'Hello.', stream: true, store }));
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_, index) => index));
    const types = events.map(event => event.type);
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual(ORDER);
    expect(types.filter(type => type === 'response.output_text.delta').length).toBeGreaterThan(3);
    const [first] = events;
    const last = events.at(-1);
    if (first?.type !== 'response.created' || last?.type !== 'response.completed') throw new Error('unreachable');
    expect(first.response).toMatchObject({
      id: last.response.id,
      status: 'in_progress',
      output: [],
      usage: null,
      store,
    });
    const text = events.map(event => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
    expect(last.response.output).toMatchObject([{ content: [{ type: 'output_text', text }] }]);
    if (store) expect(await client.responses.retrieve(last.response.id)).toMatchObject(last.response);
  });

  test('puts itself together in the helper of the client', async () => {
    const stream = client.responses.stream({ model: MODEL, input: 'Hello.' });
    const deltas: string[] = [];
    stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta));
    const response = await stream.finalResponse();
    expect(response.status).toBe('completed');
    expect(deltas.join('')).toBe(response.output_text);
    expect(said(response)).toBe('Noted: "Hello.".');
  });

  test('carries reasoning, and takes it back', async () => {
    const stream = client.responses.stream({
      model: MODEL,
      input: `${DOG} [[reasoning: 20]]`,
      reasoning: { summary: 'auto' },
    });
    const first = await stream.finalResponse();
    expect(first.output.map(item => item.type)).toEqual(['reasoning', 'message']);
    expect(first.usage?.output_tokens_details.reasoning_tokens).toBe(20);
    expect(said(await stored(WHICH_DOG, first.id))).toBe(RECALLED);
  });

  test('of a stored response can be read once more, from any event on', async () => {
    const live = await all(await client.responses.create({ model: MODEL, input: 'Hello.', stream: true }));
    const [created] = live;
    if (created?.type !== 'response.created') throw new Error('unreachable');
    const path = `/v1/responses/${created.response.id}?stream=true`;
    const events = async (query: string): Promise<ResponseStreamEvent[]> => {
      const text = await (await stack.request('GET', `${path}${query}`)).text();
      return [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json) as ResponseStreamEvent);
    };
    expect(await events('')).toEqual(live);
    expect(await events('&starting_after=3')).toEqual(live.slice(4));
    const official = await all(
      await client.responses.retrieve(created.response.id, { stream: true, starting_after: 3 }),
    );
    expect(official).toEqual(live.slice(4));
  });
});

describe('a chain', () => {
  test('remembers, turn after turn, also after a restart', async () => {
    const one = await stored(DOG);
    const two = await stored('The weather is fine.', one.id);
    expect(two.previous_response_id).toBe(one.id);
    expect(said(await stored(WHICH_DOG, two.id))).toBe(RECALLED);
    await stack.restart();
    client = stack.openai();
    expect(said(await stored(WHICH_DOG, two.id))).toBe(RECALLED);
    expect(await client.responses.retrieve(one.id)).toMatchObject({ id: one.id, status: 'completed' });
  });

  test('forks from any older response: siblings share what was before and do not see each other', async () => {
    const root = await stored(DOG);
    const cat = await stored('My cat is called Tom.', root.id);
    const fish = await stored('My fish is called Ada.', root.id);
    const late = await stored('My bird is called Kiwi.', root.id);
    const ask = async (question: string, from: { id: string }): Promise<string> =>
      said(await stored(question, from.id));
    for (const leaf of [cat, fish, late]) expect(await ask(WHICH_DOG, leaf)).toBe(RECALLED);
    expect(await ask('What is my cat called?', cat)).toContain('My cat is called Tom.');
    expect(await ask('What is my fish called?', fish)).toContain('My fish is called Ada.');
    expect(await ask('What is my bird called?', late)).toContain('My bird is called Kiwi.');
    for (const other of [fish, late, root]) expect(await ask('Is there a cat?', other)).not.toContain('Tom');
    for (const other of [cat, late, root]) expect(await ask('Is there a fish?', other)).not.toContain('Ada');
    // A fork of a fork, from its middle.
    const deep = await stored('My snake is called Sid.', cat.id);
    const beside = await stored('My horse is called Jo.', cat.id);
    expect(await ask('What is my cat called?', beside)).toContain('Tom');
    expect(await ask('Is there a snake?', beside)).not.toContain('Sid');
    expect(await ask('Is there a horse?', deep)).not.toContain('Jo.');
  });

  test('is asked for by many at once, and forks for each', async () => {
    const root = await stored(DOG);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => stored(`My number is ${index}00.`, root.id)),
    );
    expect(new Set(answers.map(answer => answer.id)).size).toBe(8);
    const replies = await Promise.all(answers.map(answer => stored('What is my number?', answer.id)));
    expect(replies.map(said)).toEqual(answers.map((_, index) => recalled(`My number is ${index}00.`)));
  });

  test('cannot also be a conversation', async () => {
    const root = await stored(DOG);
    const { id: conversation } = await client.conversations.create();
    const both = { model: MODEL, input: 'Hello.', previous_response_id: root.id, conversation };
    expect(await failureOf(client.responses.create(both))).toMatchObject({
      status: 400,
      code: 'mutually_exclusive_parameters',
    });
  });
});

describe('the items of its input', () => {
  test('are listed both ways, a page at a time, and say truly whether there are more', async () => {
    const input = ['one', 'two', 'three', 'four', 'five'].map(content => ({ role: 'user' as const, content }));
    const { id } = await client.responses.create({ model: MODEL, input });
    const texts = (items: readonly unknown[]): unknown[] =>
      items.map(item => (item as { content: { text: string }[] }).content[0]?.text);
    const newest = await client.responses.inputItems.list(id);
    expect(texts(newest.data)).toEqual(['five', 'four', 'three', 'two', 'one']);
    expect(newest.has_more).toBe(false);
    const first = await client.responses.inputItems.list(id, { order: 'asc', limit: 2 });
    expect([texts(first.data), first.has_more]).toEqual([['one', 'two'], true]);
    const rest = await client.responses.inputItems.list(id, {
      order: 'asc',
      limit: 3,
      after: first.data.at(-1)?.id ?? '',
    });
    expect([texts(rest.data), rest.has_more]).toEqual([['three', 'four', 'five'], false]);
    expect(texts(await all(client.responses.inputItems.list(id, { order: 'asc', limit: 2 })))).toEqual([
      'one',
      'two',
      'three',
      'four',
      'five',
    ]);
    expect(await failureOf(client.responses.inputItems.list(id, { after: 'msg_nothing' }))).toMatchObject({
      status: 400,
      param: 'after',
    });
  });
});

describe('structured output', () => {
  test.each([true, false])('is filled, parsed and echoed (store: %s)', async store => {
    const animal = z.object({ name: z.string(), legs: z.int() });
    const format = zodTextFormat(animal, 'animal');
    const request = { model: MODEL, input: 'Describe a dog.', store, text: { format } };
    const response = await client.responses.parse(request);
    expect(response.output_parsed).toEqual({ name: expect.any(String), legs: expect.any(Number) });
    const { schema } = format;
    expect(response.text).toMatchObject({ format: { type: 'json_schema', name: 'animal', schema, strict: true } });
    const streamed = await client.responses.stream(request).finalResponse();
    expect(streamed.output_parsed).toEqual(response.output_parsed);
  });
});
