/** Prompt templates of the server, with the official client. */
import type OpenAI from 'openai';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

const KEYS = { acme: 'acme-key-0000000001', zeta: 'zeta-key-0000000001' };
const PNG = 'data:image/png;base64,iVBORw0KGgo=';

let stack: Stack;
let client: OpenAI;
let zeta: OpenAI;
beforeAll(async () => {
  stack = await startStack({
    clouds: ['aws'],
    config: emulator => ({
      targets: [targetOf(emulator, 'aws', {})],
      keys: Object.entries(KEYS).map(([name, secret]) => ({ name, secret, tenant: name })),
      prompts: [
        {
          id: 'capital',
          model: MODEL,
          instructions: 'Answer as a {{who}}.',
          input: [{ role: 'user', content: 'The capital of Elbonia is {{city}}. What is the capital of Elbonia?' }],
        },
        { id: 'look', tenant: 'acme', input: [{ role: 'user', content: 'What is on {{picture}}?' }] },
        { id: 'manner', version: '1', instructions: 'Be brief.' },
        { id: 'manner', version: '2', instructions: 'Be kind.' },
      ],
    }),
  });
  client = stack.openai(KEYS.acme);
  zeta = stack.openai(KEYS.zeta);
});
afterAll(() => stack.close());

const capital = { id: 'capital', variables: { who: 'geographer', city: 'Mudville {{who}}' } };

test('a request with nothing but a template is answered, and repeats it', async () => {
  const made = await client.responses.create({ prompt: capital });
  expect(made.output_text).toContain('Mudville');
  expect(made).toMatchObject({
    model: MODEL,
    instructions: 'Answer as a geographer.',
    prompt: { id: 'capital', version: '1', variables: capital.variables },
  });
  expect(await client.responses.retrieve(made.id)).toMatchObject({ prompt: made.prompt });
  const { data } = await client.responses.inputItems.list(made.id);
  expect(data).toMatchObject([
    {
      role: 'user',
      content: [{ text: 'The capital of Elbonia is Mudville {{who}}. What is the capital of Elbonia?' }],
    },
  ]);
});

test('its messages are history, its instructions are not', async () => {
  const made = await client.responses.create({ prompt: capital, store: true });
  const next = await client.responses.create({
    model: MODEL,
    previous_response_id: made.id,
    input: 'Once more: what is the capital of Elbonia?',
  });
  expect(next.output_text).toContain('Mudville');
  expect(next.instructions).toBeNull();
  expect(next.prompt ?? null).toBeNull();
});

test('over a stream and a WebSocket, stored or not', async () => {
  const stream = await client.responses.create({ prompt: capital, stream: true, store: false });
  let text = '';
  for await (const event of stream) if (event.type === 'response.output_text.delta') text += event.delta;
  expect(text).toContain('Mudville');

  const ws = new ResponsesWS(client);
  const done = new Promise<string>((resolve, reject) => {
    ws.on('event', event => {
      if (event.type === 'response.completed') resolve(event.response.instructions as string);
    });
    ws.on('error', reject);
  });
  ws.send({ type: 'response.create', prompt: capital });
  expect(await done).toBe('Answer as a geographer.');
  ws.close();
});

test('the request has the last word on instructions and model, and its input comes after', async () => {
  const made = await client.responses.create({
    model: MODEL,
    prompt: { id: 'manner' },
    instructions: 'Be loud.',
    input: 'Hello.',
  });
  expect(made).toMatchObject({ instructions: 'Be loud.', prompt: { id: 'manner', version: '2', variables: null } });
  const kind = await client.responses.create({ model: MODEL, prompt: { id: 'manner' }, input: 'Hello.' });
  expect(kind.instructions).toBe('Be kind.');
  const brief = await client.responses.create({
    model: MODEL,
    prompt: { id: 'manner', version: '1' },
    input: 'Hello.',
  });
  expect(brief.instructions).toBe('Be brief.');
});

test('an image stands where its variable stood, and its data is kept once', async () => {
  const picture = { type: 'input_image' as const, image_url: PNG, detail: 'auto' as const };
  const made = await client.responses.create({ model: MODEL, prompt: { id: 'look', variables: { picture } } });
  expect(made.prompt?.variables).toEqual({ picture: { ...picture, image_url: null } });
  const { data } = await client.responses.inputItems.list(made.id, { include: ['message.input_image.image_url'] });
  expect(data).toMatchObject([
    { content: [{ text: 'What is on ' }, { type: 'input_image', image_url: PNG }, { text: '?' }] },
  ]);
});

test.each([
  ['an unknown id', { prompt: { id: 'none' } }, 404, 'not_found', 'prompt.id'],
  ['an unknown version', { prompt: { id: 'manner', version: '9' } }, 404, 'not_found', 'prompt.version'],
  ['a variable that is not given', { prompt: { id: 'capital' } }, 400, 'invalid_request', 'prompt.variables.who'],
  ['no model anywhere', { prompt: { id: 'manner' }, input: 'x' }, 400, 'invalid_request', 'model'],
  ['no input anywhere', { prompt: { id: 'manner' }, model: MODEL }, 400, 'invalid_request', 'input'],
  [
    'a variable that is no content',
    { prompt: { id: 'capital', variables: { who: 3 } } },
    400,
    'invalid_request',
    'prompt.variables.who',
  ],
  ['no id', { prompt: {} }, 400, 'invalid_request', 'prompt.id'],
])('%s is refused', async (_what, body, status, code, param) => {
  expect(await failureOf(client.responses.create(body as never))).toMatchObject({ status, code, param });
});

test("L10: another tenant's template looks like none", async () => {
  const ask = (by: OpenAI, id: string) =>
    failureOf(by.responses.create({ model: MODEL, prompt: { id, variables: { picture: 'x' } } }));
  const { message, ...rest } = await ask(zeta, 'look');
  expect(rest).toMatchObject({ status: 404, code: 'not_found', param: 'prompt.id' });
  expect(message).toBe((await ask(zeta, 'nothing')).message);
});
