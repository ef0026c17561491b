import type OpenAI from 'openai';
import type { ConversationItem } from 'openai/resources/conversations/items';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { all, DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** `/v1/conversations` and turns in them, with the official client. */
let stack: Stack;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack();
  client = stack.openai();
});
afterAll(() => stack.close());
beforeEach(() => stack.calm());

const message = (content: string) => ({ type: 'message' as const, role: 'user' as const, content });
const turn = (conversation: string, input: string) => client.responses.create({ model: MODEL, conversation, input });
const textOf = (item: ConversationItem): string | undefined => {
  const part = item.type === 'message' ? item.content[0] : undefined;
  return part !== undefined && 'text' in part ? part.text : undefined;
};
const MISSING = { status: 404, code: 'conversation_not_found' };

describe('a conversation', () => {
  test('is made with items and metadata, read, changed and deleted', async () => {
    const made = await client.conversations.create({ items: [message(DOG)], metadata: { topic: 'dogs' } });
    expect(made).toMatchObject({ object: 'conversation', metadata: { topic: 'dogs' }, created_at: expect.any(Number) });
    expect(made.id).toMatch(/^conv_/);
    expect(await client.conversations.retrieve(made.id)).toMatchObject(made);
    const changed = await client.conversations.update(made.id, { metadata: { topic: 'cats', more: '1' } });
    expect(changed).toMatchObject({ id: made.id, metadata: { topic: 'cats', more: '1' } });
    expect((await client.conversations.retrieve(made.id)).metadata).toEqual({ topic: 'cats', more: '1' });
    expect(await client.conversations.delete(made.id)).toMatchObject({
      id: made.id,
      deleted: true,
      object: 'conversation.deleted',
    });
    expect(await failureOf(client.conversations.retrieve(made.id))).toMatchObject(MISSING);
    expect(await failureOf(client.conversations.delete(made.id))).toMatchObject(MISSING);
    expect(await failureOf(client.conversations.items.list(made.id))).toMatchObject(MISSING);
    expect(await failureOf(turn(made.id, 'Hello.'))).toMatchObject({ code: 'conversation_not_found' });
  });

  test('is made of nothing too', async () => {
    const made = await client.conversations.create();
    expect(made.metadata).toEqual({});
    expect((await client.conversations.items.list(made.id)).data).toEqual([]);
  });

  test('remembers over turns, and after a restart', async () => {
    const { id } = await client.conversations.create({ items: [message(DOG)] });
    const first = await turn(id, 'The weather is fine.');
    expect(first.conversation).toEqual({ id });
    expect(said(await turn(id, WHICH_DOG))).toBe(RECALLED);
    await stack.restart();
    client = stack.openai();
    expect(said(await turn(id, WHICH_DOG))).toBe(RECALLED);
    expect((await all(client.conversations.items.list(id, { order: 'asc' }))).map(textOf)).toEqual([
      DOG,
      'The weather is fine.',
      expect.stringContaining('Noted'),
      WHICH_DOG,
      expect.stringContaining(RECALLED),
      WHICH_DOG,
      expect.stringContaining(RECALLED),
    ]);
  });
});

describe('its items', () => {
  test('are listed both ways, page by page, and `has_more` is true only if there are more', async () => {
    const words = ['one', 'two', 'three', 'four', 'five'];
    const { id } = await client.conversations.create({ items: words.map(message) });
    const { items } = client.conversations;
    expect((await items.list(id)).data.map(textOf)).toEqual(words.toReversed());
    for (const limit of [1, 2, 3, 4, 5]) {
      const seen: unknown[] = [];
      let after: string | undefined;
      for (;;) {
        const page = await items.list(id, { order: 'asc', limit, ...(after !== undefined && { after }) });
        seen.push(...page.data.map(textOf));
        expect(page.has_more).toBe(seen.length < words.length);
        expect(page.data.length).toBe(Math.min(limit, words.length - seen.length + page.data.length));
        if (!page.has_more) break;
        after = page.last_id;
      }
      expect(seen).toEqual(words);
      expect((await all(items.list(id, { limit }))).map(textOf)).toEqual(words.toReversed());
    }
    expect(await failureOf(items.list(id, { limit: 0 }))).toMatchObject({ status: 400, param: 'limit' });
    expect(await failureOf(items.list(id, { limit: 101 }))).toMatchObject({ status: 400, param: 'limit' });
    expect(await failureOf(items.list(id, { after: 'msg_nothing' }))).toMatchObject({ status: 400, param: 'after' });
  });

  test('are listed over turns and additions alike', async () => {
    const { id } = await client.conversations.create({ items: [message('one')] });
    await turn(id, 'two');
    await client.conversations.items.create(id, { items: [message('four'), message('five')] });
    await turn(id, 'six');
    const listed = await all(client.conversations.items.list(id, { order: 'asc', limit: 2 }));
    expect(listed.map(textOf)).toEqual([
      'one',
      'two',
      expect.stringContaining('Noted'),
      'four',
      'five',
      'six',
      expect.stringContaining('Noted'),
    ]);
    for (const item of listed) {
      if (item.id == null) throw new Error('an item without an id');
      expect(await client.conversations.items.retrieve(item.id, { conversation_id: id })).toMatchObject(item);
    }
  });

  test('are added, up to 20 at once', async () => {
    const { id } = await client.conversations.create();
    const words = Array.from({ length: 20 }, (_, index) => `item ${index}`);
    const added = await client.conversations.items.create(id, { items: words.map(message) });
    expect(added.data.map(textOf)).toEqual(words);
    const more = [...words, 'one too many'].map(message);
    expect(await failureOf(client.conversations.items.create(id, { items: more }))).toMatchObject({
      status: 400,
      param: 'items',
    });
    expect(await failureOf(client.conversations.create({ items: more }))).toMatchObject({
      status: 400,
      param: 'items',
    });
    expect(await all(client.conversations.items.list(id))).toHaveLength(20);
  });

  test('are deleted one by one, and then the model does not see them', async () => {
    const { id } = await client.conversations.create({ items: [message(DOG), message('The sky is blue.')] });
    const [dog, sky] = (await client.conversations.items.list(id, { order: 'asc' })).data;
    if (dog?.id == null || sky?.id == null) throw new Error('two items were put in');
    expect(await client.conversations.items.delete(dog.id, { conversation_id: id })).toMatchObject({
      id,
      object: 'conversation',
    });
    const gone = { status: 404, code: 'item_not_found' };
    expect(await failureOf(client.conversations.items.retrieve(dog.id, { conversation_id: id }))).toMatchObject(gone);
    expect(await failureOf(client.conversations.items.delete(dog.id, { conversation_id: id }))).toMatchObject(gone);
    expect((await client.conversations.items.list(id)).data.map(textOf)).toEqual(['The sky is blue.']);
    expect(said(await turn(id, WHICH_DOG))).not.toContain('Rex');
    await stack.restart();
    client = stack.openai();
    expect(said(await turn(id, WHICH_DOG))).not.toContain('Rex');
  });

  test('of turns are deleted as well, and stay when their response is', async () => {
    const { id } = await client.conversations.create();
    const { items } = client.conversations;
    const first = await turn(id, 'one');
    const second = await turn(id, 'two');
    await items.create(id, { items: [message('three'), message('four')] });
    const [one, answer, two] = (await items.list(id, { order: 'asc' })).data;
    if (one?.id == null || answer?.id == null || two?.id == null) throw new Error('two turns were made');
    await items.delete(answer.id, { conversation_id: id });
    const gone = { status: 404, code: 'item_not_found' };
    expect(await failureOf(items.retrieve(answer.id, { conversation_id: id }))).toMatchObject(gone);
    expect(await failureOf(items.delete(answer.id, { conversation_id: id }))).toMatchObject(gone);
    await client.responses.delete(first.id);
    await client.responses.delete(second.id);
    const left = (await items.list(id, { order: 'asc' })).data;
    expect(left.map(textOf)).toEqual(['one', 'two', expect.stringContaining('Noted'), 'three', 'four']);
    expect(await items.retrieve(one.id, { conversation_id: id })).toMatchObject(one);
    expect((await items.list(id, { order: 'asc', after: one.id })).data).toEqual(left.slice(1));
    expect((await items.list(id, { after: two.id })).data).toEqual(left.slice(0, 1));
  });

  test('show what is opaque or long to who asks for it only', async () => {
    const { id } = await client.conversations.create();
    const { items } = client.conversations;
    const include = ['reasoning.encrypted_content', 'message.output_text.logprobs'] as const;
    const input = 'Think. [[reasoning: 20]]';
    const reasoning = { effort: 'low' as const };
    await client.responses.create({ model: MODEL, conversation: id, input, include: [...include], reasoning });
    const opaque = (all: readonly ConversationItem[]): unknown => all.find(one => one.type === 'reasoning');
    const plain = (await items.list(id)).data;
    expect(opaque(plain)).toBeDefined();
    expect(opaque(plain)).not.toHaveProperty('encrypted_content');
    const whole = (await items.list(id, { include: [...include] })).data;
    expect(opaque(whole)).toHaveProperty('encrypted_content', expect.stringMatching(/./));
    expect(whole.map(({ id: item }) => item)).toEqual(plain.map(({ id: item }) => item));
    const at = whole.find(one => one.type === 'reasoning')?.id ?? '';
    expect(await items.retrieve(at, { conversation_id: id })).not.toHaveProperty('encrypted_content');
    const one = await items.retrieve(at, { conversation_id: id, include: [...include] });
    expect(one).toEqual(opaque(whole));
  });

  test('of another conversation are not in this one', async () => {
    const one = await client.conversations.create({ items: [message('one')] });
    const two = await client.conversations.create({ items: [message('two')] });
    const [item] = (await client.conversations.items.list(two.id)).data;
    if (item?.id == null) throw new Error('an item was put in');
    const gone = { status: 404, code: 'item_not_found' };
    expect(await failureOf(client.conversations.items.retrieve(item.id, { conversation_id: one.id }))).toMatchObject(
      gone,
    );
    expect(await failureOf(client.conversations.items.delete(item.id, { conversation_id: one.id }))).toMatchObject(
      gone,
    );
    expect(await failureOf(client.conversations.items.list(one.id, { after: item.id }))).toMatchObject({ status: 400 });
  });

  test('stay with the responses that hold them when the conversation is deleted', async () => {
    const { id } = await client.conversations.create();
    const response = await turn(id, DOG);
    await client.conversations.delete(id);
    expect(await client.responses.retrieve(response.id)).toMatchObject({ id: response.id, output: response.output });
    expect(
      said(await client.responses.create({ model: MODEL, input: WHICH_DOG, previous_response_id: response.id })),
    ).toBe(RECALLED);
  });
});

describe('while a response runs in it', () => {
  const LOCKED = { status: 400, code: 'conversation_locked', type: 'invalid_request_error' };

  test('a second one, an addition and a deletion are refused, and all of them work afterwards', async () => {
    const { id } = await client.conversations.create({ items: [message(DOG)] });
    await stack.fault('hang 2', { contains: 'wait here', times: 1 });
    const running = await client.responses.create({
      model: MODEL,
      conversation: id,
      input: 'Please wait here.',
      stream: true,
    });
    const events = running[Symbol.asyncIterator]();
    await events.next();
    expect(await failureOf(turn(id, 'Hello.'))).toMatchObject({ ...LOCKED, param: 'conversation' });
    const [first] = (await client.conversations.items.list(id, { order: 'asc' })).data;
    if (first?.id == null) throw new Error('an item was put in');
    const refused = [
      client.conversations.items.create(id, { items: [message('more')] }),
      client.conversations.items.delete(first.id, { conversation_id: id }),
      client.conversations.delete(id),
    ];
    for (const work of refused) expect(await failureOf(work)).toMatchObject(LOCKED);
    // Another conversation is not held up by this one.
    const other = await client.conversations.create();
    expect((await turn(other.id, 'Hello.')).status).toBe('completed');
    running.controller.abort();
  });

  test('of two that come at once exactly one runs', async () => {
    const { id } = await client.conversations.create();
    const results = await Promise.allSettled([turn(id, 'one [[latency: 20]]'), turn(id, 'two [[latency: 20]]')]);
    expect(results.map(result => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = results.find(result => result.status === 'rejected');
    expect(await failureOf(Promise.reject(lost?.reason as Error))).toMatchObject(LOCKED);
    expect((await turn(id, 'three')).status).toBe('completed');
    expect(await all(client.conversations.items.list(id))).toHaveLength(4);
  });
});
