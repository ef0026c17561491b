import type OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** L13: what is deleted is hidden at once, and its bytes are gone with the last that needs them. */
let stack: Stack;
let client: OpenAI;
beforeEach(async () => {
  stack = await startStack();
  client = stack.openai();
});
afterEach(() => stack.close());

const stored = (input: string, previous?: string) =>
  client.responses.create({ model: MODEL, input, ...(previous !== undefined && { previous_response_id: previous }) });
const MISSING = { status: 404, code: 'response_not_found' };
const SECRET = 'The password is xyzzy-plugh-1234.';
const NEEDLE = 'xyzzy-plugh-1234';

/** The bytes on the disk after an orderly end: what is in the journal is folded into the file by then. */
async function onDisk(needle: string): Promise<readonly string[]> {
  await stack.stop();
  return filesWith(stack.data, needle);
}

describe('a deleted response', () => {
  test('is gone on every route, once', async () => {
    const { id } = await stored('Hello.');
    const deleted = await stack.request('DELETE', `/v1/responses/${id}`);
    expect(await deleted.json()).toEqual({ id, object: 'response.deleted', deleted: true });
    expect(await failureOf(client.responses.retrieve(id))).toMatchObject(MISSING);
    expect(await failureOf(client.responses.inputItems.list(id))).toMatchObject(MISSING);
    expect(await failureOf(client.responses.delete(id))).toMatchObject(MISSING);
    expect(await failureOf(stored('Go on.', id))).toMatchObject({ status: 400, code: 'previous_response_not_found' });
  });

  test('leaves the later ones of its chain what they remember', async () => {
    const one = await stored(DOG);
    const two = await stored('The weather is fine.', one.id);
    await client.responses.delete(one.id);
    expect(await failureOf(client.responses.retrieve(one.id))).toMatchObject(MISSING);
    expect(await client.responses.retrieve(two.id)).toMatchObject({ id: two.id, output: two.output });
    const three = await stored(WHICH_DOG, two.id);
    expect(said(three)).toBe(RECALLED);
    await stack.restart();
    client = stack.openai();
    expect(said(await stored(WHICH_DOG, two.id))).toBe(RECALLED);
  });

  test('leaves its forks what they share with it', async () => {
    const root = await stored(DOG);
    const left = await stored('The sky is blue.', root.id);
    const right = await stored('The grass is green.', root.id);
    await client.responses.delete(root.id);
    await client.responses.delete(left.id);
    expect(said(await stored(WHICH_DOG, right.id))).toBe(RECALLED);
  });
});

describe('the bytes', () => {
  test('are on the disk as long as a response needs them', async () => {
    const one = await stored(SECRET);
    await stored('The weather is fine.', one.id);
    await client.responses.delete(one.id);
    expect(await onDisk(NEEDLE)).toHaveLength(1);
  });

  test('are off the disk once the last one of the chain is deleted', async () => {
    const one = await stored(SECRET);
    const two = await stored('The weather is fine.', one.id);
    await client.responses.delete(one.id);
    await client.responses.delete(two.id);
    expect(await onDisk(NEEDLE)).toEqual([]);
  });

  test('of an end that was deleted go, and the beginning stays', async () => {
    const one = await stored(DOG);
    const two = await stored(SECRET, one.id);
    await client.responses.delete(two.id);
    expect(said(await stored(WHICH_DOG, one.id))).toBe(RECALLED);
    expect(await onDisk(NEEDLE)).toEqual([]);
  });

  test('of a shared beginning go with the last fork', async () => {
    const root = await stored(SECRET);
    const left = await stored('The sky is blue.', root.id);
    const right = await stored('The grass is green.', root.id);
    for (const { id } of [root, left, right]) await client.responses.delete(id);
    expect(await onDisk(NEEDLE)).toEqual([]);
  });

  test('of tools, instructions and metadata go too', async () => {
    const tools = [{ type: 'function' as const, name: 'look', description: SECRET, parameters: {}, strict: false }];
    const metadata = { note: NEEDLE };
    const { id } = await client.responses.create({
      model: MODEL,
      input: SECRET,
      instructions: SECRET,
      tools,
      metadata,
    });
    await client.responses.delete(id);
    expect(await onDisk(NEEDLE)).toEqual([]);
  });

  test('of a streamed response go, journal and all', async () => {
    const response = await client.responses.stream({ model: MODEL, input: SECRET }).finalResponse();
    await client.responses.delete(response.id);
    expect(await onDisk(NEEDLE)).toEqual([]);
  });

  test('of a conversation go with it and its responses', async () => {
    const items = [{ type: 'message' as const, role: 'user' as const, content: SECRET }];
    const { id } = await client.conversations.create({ items, metadata: { note: NEEDLE } });
    const response = await client.responses.create({ model: MODEL, conversation: id, input: SECRET });
    await client.conversations.delete(id);
    await client.responses.delete(response.id);
    expect(await onDisk(NEEDLE)).toEqual([]);
  });

  test('of a conversation without responses go with it', async () => {
    const items = [{ type: 'message' as const, role: 'user' as const, content: SECRET }];
    const { id } = await client.conversations.create({ items, metadata: { note: NEEDLE } });
    await client.conversations.delete(id);
    expect(await onDisk(NEEDLE)).toEqual([]);
  });

  test('of stateless calls were never there', async () => {
    const messages = [{ role: 'user' as const, content: SECRET }];
    await client.responses.create({ model: MODEL, input: SECRET, store: false, metadata: { note: NEEDLE } });
    await client.responses.stream({ model: MODEL, input: SECRET, store: false }).finalResponse();
    await client.chat.completions.create({ model: MODEL, messages });
    expect(await onDisk(NEEDLE)).toEqual([]);
  });
});
