/**
 * Every method that the official client has for responses, conversations, files, chat and models: called once for real, or listed as not
 * served with the error that it gets. A method that the SDK gains fails the first test until it stands in one of the two tables.
 */
import { type OpenAI, toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { zodFunction, zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { failureOf } from '../support/failure.ts';
import { all, said } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack();
  client = stack.openai();
});
afterAll(() => stack.close());

const stored = (input = 'My dog is called Rex.') => client.responses.create({ model: MODEL, input });
const message = (text: string) => ({ type: 'message' as const, role: 'user' as const, content: text });
const messages = [{ role: 'user' as const, content: 'My dog is called Rex. What is my dog called?' }];
const Animal = z.object({ name: z.string(), legs: z.number() });
const upload = async (text = 'My dog is called Rex.') =>
  client.files.create({ file: await toFile(Buffer.from(text), 'dogs.txt'), purpose: 'user_data' });

const SERVED: { readonly [method: string]: () => Promise<void> } = {
  'responses.create': async () => {
    expect(said(await stored())).toContain('Rex');
  },
  'responses.retrieve': async () => {
    const { id } = await stored();
    expect((await client.responses.retrieve(id)).status).toBe('completed');
    const events = await all(await client.responses.retrieve(id, { stream: true, starting_after: 2 }));
    expect(events[0]?.sequence_number).toBe(3);
    expect(events.at(-1)?.type).toBe('response.completed');
  },
  'responses.delete': async () => {
    const { id } = await stored();
    await client.responses.delete(id);
    expect(await failureOf(client.responses.retrieve(id))).toMatchObject({ status: 404 });
  },
  'responses.cancel': async () => {
    const input = 'Tell me a lot. [[words: 400]] [[latency: 20]]';
    const { id, status } = await client.responses.create({ model: MODEL, input, background: true });
    expect(['queued', 'in_progress']).toContain(status);
    expect((await client.responses.cancel(id)).status).toBe('cancelled');
    expect((await client.responses.cancel(id)).status).toBe('cancelled');
  },
  'responses.compact': async () => {
    const { id } = await stored();
    const compacted = await client.responses.compact({ model: MODEL, previous_response_id: id });
    expect(compacted.object).toBe('response.compaction');
    expect(compacted.output.at(-1)?.type).toBe('compaction');
    const next = await client.responses.create({
      model: MODEL,
      input: [...(compacted.output as OpenAI.Responses.ResponseInput), message('What is my dog called?')],
    });
    expect(said(next)).toContain('Rex');
  },
  'responses.parse': async () => {
    const text = { format: zodTextFormat(Animal, 'animal') };
    const { output_parsed } = await client.responses.parse({ model: MODEL, input: 'Which animal?', text });
    expect(Animal.parse(output_parsed)).toEqual(output_parsed);
  },
  'responses.stream': async () => {
    const stream = client.responses.stream({ model: MODEL, input: 'My cat is called Mia.' });
    const final = await stream.finalResponse();
    expect(said(final)).toContain('Mia');
    const again = client.responses.stream({ response_id: final.id, starting_after: 1 });
    expect(said(await again.finalResponse())).toBe(said(final));
  },
  'responses.inputItems.list': async () => {
    const { id } = await stored();
    const { data } = await client.responses.inputItems.list(id);
    expect(data).toMatchObject([{ type: 'message', role: 'user' }]);
  },
  'responses.inputTokens.count': async () => {
    const short = await client.responses.inputTokens.count({ model: MODEL, input: 'Hello.' });
    const long = await client.responses.inputTokens.count({ model: MODEL, input: 'Hello. '.repeat(100) });
    expect(short.object).toBe('response.input_tokens');
    expect(long.input_tokens).toBeGreaterThan(short.input_tokens + 50);
  },
  'conversations.create': async () => {
    const conversation = await client.conversations.create({ items: [message('Hello.')], metadata: { a: '1' } });
    expect(conversation).toMatchObject({ object: 'conversation', metadata: { a: '1' } });
  },
  'conversations.retrieve': async () => {
    const { id } = await client.conversations.create({});
    expect((await client.conversations.retrieve(id)).id).toBe(id);
  },
  'conversations.update': async () => {
    const { id } = await client.conversations.create({});
    expect((await client.conversations.update(id, { metadata: { b: '2' } })).metadata).toEqual({ b: '2' });
  },
  'conversations.delete': async () => {
    const { id } = await client.conversations.create({});
    expect((await client.conversations.delete(id)).deleted).toBe(true);
    expect(await failureOf(client.conversations.retrieve(id))).toMatchObject({ status: 404 });
  },
  'conversations.items.create': async () => {
    const { id } = await client.conversations.create({});
    const { data } = await client.conversations.items.create(id, { items: [message('One.'), message('Two.')] });
    expect(data).toHaveLength(2);
  },
  'conversations.items.retrieve': async () => {
    const { id } = await client.conversations.create({});
    const { data } = await client.conversations.items.create(id, { items: [message('One.')] });
    const item = data[0]?.id ?? '';
    expect(await client.conversations.items.retrieve(item, { conversation_id: id })).toMatchObject({ id: item });
  },
  'conversations.items.list': async () => {
    const { id } = await client.conversations.create({ items: [message('One.'), message('Two.'), message('Three.')] });
    const seen: string[] = [];
    for await (const item of client.conversations.items.list(id, { limit: 1, order: 'asc' }))
      if (item.type === 'message') seen.push(JSON.stringify(item.content));
    expect(seen.map(text => /(One|Two|Three)/.exec(text)?.[0])).toEqual(['One', 'Two', 'Three']);
  },
  'conversations.items.delete': async () => {
    const { id } = await client.conversations.create({});
    const { data } = await client.conversations.items.create(id, { items: [message('One.')] });
    await client.conversations.items.delete(data[0]?.id ?? '', { conversation_id: id });
    expect((await client.conversations.items.list(id)).data).toEqual([]);
  },
  'files.create': async () => {
    expect(await upload()).toMatchObject({ object: 'file', filename: 'dogs.txt', purpose: 'user_data', bytes: 21 });
  },
  'files.retrieve': async () => {
    const { id } = await upload();
    expect(await client.files.retrieve(id)).toMatchObject({ id, bytes: 21 });
  },
  'files.list': async () => {
    const { id } = await upload();
    const ids: string[] = [];
    for await (const file of client.files.list({ purpose: 'user_data', limit: 1 })) ids.push(file.id);
    expect(ids).toContain(id);
  },
  'files.delete': async () => {
    const { id } = await upload();
    expect(await client.files.delete(id)).toMatchObject({ id, deleted: true });
    expect(await failureOf(client.files.retrieve(id))).toMatchObject({ status: 404 });
  },
  'files.content': async () => {
    const { id } = await upload();
    expect(await (await client.files.content(id)).text()).toBe('My dog is called Rex.');
  },
  'files.waitForProcessing': async () => {
    const { id } = await upload();
    expect(await client.files.waitForProcessing(id, { pollInterval: 10, maxWait: 5000 })).toMatchObject({ id });
  },
  'chat.completions.create': async () => {
    const completion = await client.chat.completions.create({ model: MODEL, messages });
    expect(completion.choices[0]?.message.content).toContain('Rex');
  },
  'chat.completions.parse': async () => {
    const response_format = zodResponseFormat(Animal, 'animal');
    const { choices } = await client.chat.completions.parse({ model: MODEL, messages, response_format });
    expect(Animal.parse(choices[0]?.message.parsed)).toEqual(choices[0]?.message.parsed);
  },
  'chat.completions.stream': async () => {
    const stream = client.chat.completions.stream({ model: MODEL, messages });
    expect(await stream.finalContent()).toContain('Rex');
  },
  'chat.completions.runTools': async () => {
    const weather = zodFunction({
      name: 'weather',
      parameters: z.object({ city: z.string() }),
      function: ({ city }: { city: string }) => `It snows in ${city}.`,
    });
    const runner = client.chat.completions.runTools({
      model: MODEL,
      messages: [{ role: 'user', content: 'Use weather {"city":"Oslo"} please.' }],
      tools: [weather],
    });
    expect(await runner.finalContent()).toContain('It snows in Oslo.');
  },
  'chat.completions.list': async () => {
    const page = await client.chat.completions.list();
    expect([page.data, page.hasNextPage()]).toEqual([[], false]);
  },
  'models.list': async () => {
    expect((await client.models.list()).data).toMatchObject([{ id: MODEL, object: 'model' }]);
  },
  'models.retrieve': async () => {
    expect(await client.models.retrieve(MODEL)).toMatchObject({ id: MODEL });
  },
};

/** Chat completions are stored nowhere, models are configuration, and a file is uploaded in one piece. */
const NOT_SERVED: { readonly [method: string]: readonly [call: () => Promise<unknown>, status: number, code: string] } =
  {
    'chat.completions.retrieve': [() => client.chat.completions.retrieve('chatcmpl_1'), 404, 'not_found'],
    'chat.completions.update': [() => client.chat.completions.update('chatcmpl_1', { metadata: {} }), 404, 'not_found'],
    'chat.completions.delete': [() => client.chat.completions.delete('chatcmpl_1'), 404, 'not_found'],
    'chat.completions.messages.list': [
      async () => client.chat.completions.messages.list('chatcmpl_1'),
      404,
      'not_found',
    ],
    'models.delete': [() => client.models.delete(MODEL), 405, 'method_not_allowed'],
  };

/** The methods of a resource and of those below it, by their paths. */
function methodsOf(resource: object, path: string): readonly string[] {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(resource))
    .filter(name => name !== 'constructor' && !name.startsWith('_'))
    .map(name => `${path}.${name}`);
  const below = Object.entries(resource)
    .filter(([name, value]) => !name.startsWith('_') && typeof value === 'object' && value !== null)
    .flatMap(([name, value]: [string, object]) => methodsOf(value, `${path}.${name}`));
  return [...own, ...below];
}

test('the tables hold every method of the SDK', () => {
  const { responses, conversations, files, chat, models } = client;
  const resources = { responses, conversations, files, chat, models };
  const methods = Object.entries(resources).flatMap(([name, resource]) => methodsOf(resource, name));
  expect(methods.toSorted()).toEqual([...Object.keys(SERVED), ...Object.keys(NOT_SERVED)].toSorted());
});

describe('served', () => {
  test.each(Object.keys(SERVED))('%s', async method => {
    await SERVED[method]?.();
  });
});

describe('not served, and said so', () => {
  test.each(Object.keys(NOT_SERVED))('%s', async method => {
    const row = NOT_SERVED[method];
    if (row === undefined) throw new Error(method);
    const [call, status, code] = row;
    expect(await failureOf(call())).toMatchObject({ status, code, type: 'invalid_request_error' });
  });
});
