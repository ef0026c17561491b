import { toFile } from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { all, DOG, FORGOTTEN, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { TestSocket } from '../support/socket.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Templates that the server keeps, with the official client. */
const ACME = 'secret-of-acme-0000';
const RIVAL = 'secret-of-rival-0000';
const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: {
      keys: [
        { name: 'acme', secret: ACME, tenant: 'acme' },
        { name: 'rival', secret: RIVAL, tenant: 'rival' },
      ],
      limits: { body_bytes: 65_536 },
      prompts: [
        {
          id: 'dog',
          instructions: 'You know dogs, {{who}}.',
          model: MODEL,
          input: [
            { role: 'developer', content: 'Speak {{language}}.' },
            { role: 'user', content: 'My dog is called {{name}}.' },
          ],
        },
        { id: 'look', model: MODEL, input: [{ role: 'user', content: 'Look: {{what}} What is it, {{who}}?' }] },
        { id: 'short', version: '1', model: MODEL, default: true, instructions: 'First.' },
        { id: 'short', version: '2', model: MODEL, instructions: 'Second.' },
        { id: 'secret', tenant: 'acme', model: MODEL, instructions: 'Of Acme.' },
        { id: 'bare', instructions: 'No model.' },
        { id: 'often', model: MODEL, input: [{ role: 'user', content: '{{x}}'.repeat(100) }] },
      ],
    },
  });
});
afterAll(() => stack.close());

const REX = { who: 'dear', language: 'English', name: 'Rex' };
const dog = { id: 'dog', variables: REX };
type Create = ResponseCreateParamsNonStreaming;
const create = (body: Create, key = ACME) => stack.openai(key).responses.create(body);
const itemsOf = async (id: string): Promise<unknown[]> =>
  all(
    await stack
      .openai(ACME)
      .responses.inputItems.list(id, { order: 'asc', include: ['message.input_image.image_url'] }),
  );
const lastUpstream = async (): Promise<string> => JSON.stringify((await stack.upstream()).at(-1));
const messages = [
  { role: 'developer', content: [{ type: 'input_text', text: 'Speak English.' }] },
  { role: 'user', content: [{ type: 'input_text', text: DOG }] },
];

describe('a prompt', () => {
  test.each([true, false])('comes before the input, and gives model and instructions (store: %s)', async store => {
    const response = await create({ prompt: dog, input: WHICH_DOG, store });
    expect(said(response)).toBe(RECALLED);
    expect(response).toMatchObject({
      model: MODEL,
      instructions: 'You know dogs, dear.',
      prompt: { id: 'dog', version: '1', variables: REX },
    });
    expect(await lastUpstream()).not.toContain('{{');
    if (!store) return;
    expect(await stack.openai(ACME).responses.retrieve(response.id)).toMatchObject({ prompt: response.prompt });
    expect(await itemsOf(response.id)).toMatchObject([
      ...messages,
      { role: 'user', content: [{ type: 'input_text', text: WHICH_DOG }] },
    ]);
  });

  test('may be all that is asked, and the instructions of the request win', async () => {
    const response = await create({ prompt: dog, instructions: 'Be brief.' });
    expect(response.instructions).toBe('Be brief.');
    expect(await itemsOf(response.id)).toMatchObject(messages);
    expect(await lastUpstream()).not.toContain('You know dogs');
  });

  test('is a thing of one turn: its messages are history, its instructions are gone', async () => {
    const first = await create({ prompt: dog, input: 'Hello.' });
    const second = await create({ model: MODEL, input: WHICH_DOG, previous_response_id: first.id });
    expect(said(second)).toBe(RECALLED);
    expect(second.instructions).toBeNull();
    expect(second.prompt ?? null).toBeNull();
    expect(await lastUpstream()).not.toContain('You know dogs');
    const conversation = await stack.openai(ACME).conversations.create();
    await create({ prompt: dog, input: 'Hello.', conversation: conversation.id });
    expect(said(await create({ model: MODEL, input: WHICH_DOG, conversation: conversation.id }))).toBe(RECALLED);
  });

  test('has versions', async () => {
    const of = async (version?: string | null) =>
      create({ prompt: { id: 'short', ...(version !== undefined && { version }) }, input: 'Hello.' });
    expect(await of()).toMatchObject({ instructions: 'First.', prompt: { version: '1', variables: null } });
    expect(await of(null)).toMatchObject({ instructions: 'First.', prompt: { version: '1' } });
    expect(await of('2')).toMatchObject({ instructions: 'Second.', prompt: { version: '2' } });
  });

  test('is streamed, runs in the background, and survives a restart', async () => {
    const client = stack.openai(ACME);
    const events = await all(await client.responses.create({ prompt: dog, input: WHICH_DOG, stream: true }));
    const prompt = { id: 'dog', version: '1', variables: REX };
    expect(events.at(0)).toMatchObject({ type: 'response.created', response: { prompt } });
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { prompt } });
    const begun = await create({ prompt: dog, input: WHICH_DOG, background: true });
    expect(begun).toMatchObject({ status: 'in_progress', prompt });
    await expect.poll(async () => (await client.responses.retrieve(begun.id)).status).toBe('completed');
    await stack.restart();
    const again = await stack.openai(ACME).responses.retrieve(begun.id);
    expect(again).toMatchObject({ prompt });
    expect(said(again)).toBe(RECALLED);
  });

  test('comes over a socket, and may be warmed up', async () => {
    const ws = new ResponsesWS(stack.openai(ACME));
    ws.send({ type: 'response.create', prompt: dog, input: WHICH_DOG });
    for await (const one of ws) {
      if (one.type === 'error') throw one.error;
      if (one.type !== 'message' || one.message.type !== 'response.completed') continue;
      expect(one.message.response).toMatchObject({ prompt: { id: 'dog', version: '1' } });
      expect(JSON.stringify(one.message)).toContain(JSON.stringify(RECALLED).slice(1, -1));
      break;
    }
    ws.close();
    const socket = await TestSocket.open(stack, { key: ACME });
    socket.send({ type: 'response.create', prompt: dog, generate: false });
    const { id } = await socket.end();
    socket.create(WHICH_DOG, { previous_response_id: id });
    const ended = await socket.end();
    expect(JSON.stringify(ended.output)).toContain(JSON.stringify(RECALLED).slice(1, -1));
    expect(await itemsOf(ended.id)).toMatchObject([...messages, { role: 'user' }]);
    // Instructions alone are enough to warm up, and nothing to answer.
    socket.send({ type: 'response.create', prompt: { id: 'short' }, generate: false });
    expect((await socket.end()).id).toMatch(/^resp_/);
    socket.send({ type: 'response.create', prompt: { id: 'short' } });
    expect(await socket.of('error')).toMatchObject({ error: { code: 'invalid_request', param: 'input' } });
    socket.send({ type: 'response.create', prompt: { id: 'dogs' }, input: 'x' });
    expect(await socket.of('error')).toMatchObject({
      status: 404,
      error: { code: 'prompt_not_found', param: 'prompt.id' },
    });
    const input = [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_0' }] }];
    socket.send({ type: 'response.create', prompt: dog, input });
    expect(await socket.of('error')).toMatchObject({ error: { param: 'input[0].content[0].file_id' } });
    socket.close();
  });

  test('is the same request to an idempotency key', async () => {
    const headers = { 'idempotency-key': 'one-prompt' };
    const send = (body: object) => stack.request('POST', '/v1/responses', { body, headers, key: ACME });
    const [first, again] = [await send({ prompt: dog, input: 'x' }), await send({ prompt: dog, input: 'x' })];
    const { id } = (await first.json()) as { id: string };
    expect(await again.json()).toMatchObject({ id });
    const other = await send({ prompt: { ...dog, variables: { ...REX, name: 'Max' } }, input: 'x' });
    expect(other.status).toBe(422);
    await other.text();
  });
});

test('the variables of a deleted response go with it', async () => {
  const name = 'Zacharias-7f3a9c2e51d8b604';
  const response = await create({ prompt: { id: 'dog', variables: { ...REX, name } } });
  expect(filesWith(stack.data, name)).not.toEqual([]);
  await stack.openai(ACME).responses.delete(response.id);
  await expect.poll(() => filesWith(stack.data, name), { timeout: 20_000, interval: 200 }).toEqual([]);
});

test('a stateless request leaves nothing of its variables', async () => {
  const name = 'Zenobia-7f3a9c2e51d8b604';
  await create({ prompt: { id: 'dog', variables: { ...REX, name } }, store: false });
  expect(filesWith(stack.data, name)).toEqual([]);
});

describe('an image', () => {
  test('splits the message, and is repeated without its bytes', async () => {
    const image = { type: 'input_image' as const, image_url: PNG, detail: 'low' as const };
    const response = await create({ prompt: { id: 'look', variables: { what: image, who: 'Ann' } } });
    expect(await itemsOf(response.id)).toMatchObject([
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Look: ' },
          { type: 'input_image', image_url: PNG, detail: 'low' },
          { type: 'input_text', text: ' What is it, Ann?' },
        ],
      },
    ]);
    expect(await lastUpstream()).toContain(PNG);
    expect(response.prompt).toEqual({
      id: 'look',
      version: '1',
      variables: { what: { ...image, image_url: null }, who: 'Ann' },
    });
  });

  test('may be an upload; one that is not there is a fault of the variables', async () => {
    const client = stack.openai(ACME);
    const file = await client.files.create({
      file: await toFile(Buffer.from('A note.'), 'note.txt'),
      purpose: 'user_data',
    });
    const variables = { what: { type: 'input_file' as const, file_id: file.id }, who: 'Ann' };
    const response = await create({ prompt: { id: 'look', variables } });
    expect(response.prompt).toMatchObject({ variables });
    await client.files.delete(file.id);
    expect(await failureOf(create({ prompt: { id: 'look', variables } }))).toMatchObject({ param: 'prompt.variables' });
  });
});

describe('what is wrong is told', () => {
  const bad: readonly (readonly [string, Create, object])[] = [
    [
      'an unknown id',
      { prompt: { id: 'dogs' }, input: 'x' },
      { status: 404, code: 'prompt_not_found', param: 'prompt.id' },
    ],
    [
      'an unknown version',
      { prompt: { id: 'dog', version: '2' }, input: 'x' },
      { status: 404, code: 'prompt_not_found', param: 'prompt.version' },
    ],
    [
      'a missing variable',
      { prompt: { id: 'dog', variables: { who: 'x', name: 'x' } } },
      { status: 400, code: 'prompt_variable_missing', param: 'prompt.variables.language' },
    ],
    [
      'an unknown variable',
      { prompt: { id: 'dog', variables: { ...REX, age: '3' } } },
      { status: 400, code: 'prompt_variable_unknown', param: 'prompt.variables.age' },
    ],
    [
      'an image in instructions',
      { prompt: { id: 'dog', variables: { ...REX, who: { type: 'input_image', image_url: PNG, detail: 'auto' } } } },
      { status: 400, code: 'prompt_variable_not_text', param: 'prompt.variables.who' },
    ],
    [
      'no model at all',
      { prompt: { id: 'bare' }, input: 'x' },
      { status: 400, code: 'invalid_request', param: 'model' },
    ],
    ['nothing to answer', { prompt: { id: 'short' } }, { status: 400, code: 'invalid_request', param: 'input' }],
    [
      'what comes to more than a body may have',
      { prompt: { id: 'often', variables: { x: 'x'.repeat(656) } } },
      { status: 413, code: 'body_too_large', param: 'prompt.variables' },
    ],
  ];
  test.each(bad)('%s', async (_, body, failure) => {
    expect(await failureOf(create(body))).toMatchObject(failure);
    expect(await failureOf(stack.openai(ACME).responses.create({ ...body, stream: true }))).toMatchObject(failure);
  });

  test('the largest that is taken', async () => {
    expect((await create({ prompt: { id: 'often', variables: { x: 'x'.repeat(650) } } })).status).toBe('completed');
  });

  test("L10: another tenant's prompt looks like none", async () => {
    expect((await create({ prompt: { id: 'secret' }, input: 'x' })).instructions).toBe('Of Acme.');
    const foreign = await failureOf(create({ prompt: { id: 'secret' }, input: 'x' }, RIVAL));
    const absent = await failureOf(create({ prompt: { id: 'absent' }, input: 'x' }, RIVAL));
    const plain = ({ status, code, type, param, message }: typeof foreign) => ({ status, code, type, param, message });
    expect(plain(foreign)).toEqual({
      status: 404,
      code: 'prompt_not_found',
      type: 'invalid_request_error',
      param: 'prompt.id',
      message: "404 Prompt with id 'secret' not found.",
    });
    expect(plain({ ...absent, message: absent.message.replace('absent', 'secret') })).toEqual(plain(foreign));
  });

  test('counting takes no prompt, as in the API of OpenAI', async () => {
    const counted = await stack.request('POST', '/v1/responses/input_tokens', { body: { prompt: dog }, key: ACME });
    expect(counted.status).toBe(400);
    expect(await counted.json()).toMatchObject({ error: { code: 'unsupported_parameter', param: 'prompt' } });
  });

  test('a turn that forgot asks the model without it', async () => {
    expect(said(await create({ model: MODEL, input: WHICH_DOG }))).toBe(FORGOTTEN);
  });
});
