/**
 * Deleting leaves nothing readable, within a minute, while the server works on and others read: the raw bytes of every file below the data
 * folder are searched, and what the server told its operator.
 */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesWith, holds } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { all } from '../support/said.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: OpenAI;
/** Somebody who looks at the file all the while: a connection that stays open, and reads now and then. */
let onlooker: DatabaseSync;
beforeAll(async () => {
  stack = await startStack({ clouds: ['aws'] });
  client = stack.openai();
  onlooker = new DatabaseSync(join(stack.data, 'local.db'), { readOnly: true });
});
afterAll(async () => {
  onlooker.close();
  await stack.close();
});

let drawn = 0;
const mark = (): string => `Zürich "${String((drawn += 1)).padStart(4, '0')}-7f3a9c2e51d8b604" end`;
const there = (needle: string): readonly string[] => filesWith(stack.data, needle);
/** Far below the minute that is promised. */
const gone = (...needles: readonly string[]) =>
  expect.poll(() => needles.flatMap(there), { timeout: 20_000, interval: 200 }).toEqual([]);
const message = (content: string) => ({ type: 'message' as const, role: 'user' as const, content });
const cascade = (path: string) => stack.request('DELETE', `${path}?cascade=true`);

describe('a deleted response', () => {
  test('takes its input, answer, tools, instructions, metadata and settings with it, while streams are read', async () => {
    const [input, instructions, tool, note, safety] = [mark(), mark(), mark(), mark(), mark()];
    const tools = [{ type: 'function' as const, name: 'look', description: tool, parameters: {}, strict: false }];
    const reading = await client.responses.create({
      model: MODEL,
      input: 'Read me. [[words: 40]] [[latency: 50]]',
      stream: true,
    });
    const events = reading[Symbol.asyncIterator]();
    await events.next();
    const response = await client.responses
      .stream({ model: MODEL, input, instructions, tools, metadata: { note }, safety_identifier: safety })
      .finalResponse();
    expect([input, instructions, tool, note, safety].filter(one => there(one).length === 0)).toEqual([]);
    onlooker.prepare('SELECT count(*) FROM payloads').get();
    await client.responses.delete(response.id);
    await gone(input, instructions, tool, note, safety);
    expect((await events.next()).done).toBe(false);
    reading.controller.abort();
  });

  test('in the middle of a chain leaves its input to those after it, and nothing of its own settings', async () => {
    const [input, instructions, note] = [mark(), mark(), mark()];
    const one = await client.responses.create({ model: MODEL, input, instructions, metadata: { note } });
    const two = await client.responses.create({ model: MODEL, input: 'Go on.', previous_response_id: one.id });
    await client.responses.delete(one.id);
    await gone(instructions, note);
    expect(there(input)).not.toEqual([]);
    await client.responses.delete(two.id);
    await gone(input);
  });

  test('leaves the tools that a later one shares with it, and they go with the last', async () => {
    const description = mark();
    const tools = [{ type: 'function' as const, name: 'look', description, parameters: {}, strict: false }];
    const one = await client.responses.create({ model: MODEL, input: 'One.', tools });
    const two = await client.responses.create({ model: MODEL, input: 'Two.', tools, previous_response_id: one.id });
    await client.responses.create({ model: MODEL, input: 'Three.', previous_response_id: two.id });
    await client.responses.delete(one.id);
    expect((await client.responses.retrieve(two.id)).tools).toMatchObject([{ description }]);
    await client.responses.delete(two.id);
    await gone(description);
  });

  test('that failed takes what it was told and had shown, though the chain goes on', async () => {
    const input = mark();
    const one = await client.responses.create({ model: MODEL, input: 'One.' });
    const stream = await client.responses.create({
      model: MODEL,
      input: `Say ${input} [[words: 30]] [[fault: error-event 6]]`,
      previous_response_id: one.id,
      stream: true,
    });
    const shown: { type: string }[] = [];
    let id = '';
    try {
      for await (const event of stream) {
        shown.push(event);
        if (event.type === 'response.created') id = event.response.id;
      }
    } catch {
      // An error event makes the client throw: the response is looked at below.
    }
    const failed = await client.responses.retrieve(id);
    expect(['failed', 'completed']).toContain(failed.status);
    const two = await client.responses.create({ model: MODEL, input: 'Two.', previous_response_id: one.id });
    expect(there(input)).not.toEqual([]);
    await client.responses.delete(id);
    await gone(input);
    expect((await client.responses.retrieve(two.id)).status).toBe('completed');
  });

  test('with cascade goes with all that was continued and forked from it, and what came before it stays', async () => {
    const [before, input] = [mark(), mark()];
    const one = await client.responses.create({ model: MODEL, input: before });
    const two = await client.responses.create({ model: MODEL, input, previous_response_id: one.id });
    const three = await client.responses.create({ model: MODEL, input: 'Three.', previous_response_id: two.id });
    const fork = await client.responses.create({ model: MODEL, input: 'Fork.', previous_response_id: two.id });
    const deep = await client.responses.create({ model: MODEL, input: 'Deep.', previous_response_id: fork.id });
    const beside = await client.responses.create({ model: MODEL, input: 'Beside.', previous_response_id: one.id });
    const answer = await cascade(`/v1/responses/${two.id}`);
    expect(await answer.json()).toEqual({ id: two.id, object: 'response.deleted', deleted: true });
    for (const { id } of [two, three, fork, deep])
      expect(await failureOf(client.responses.retrieve(id))).toMatchObject({ status: 404, code: 'response_not_found' });
    for (const { id } of [one, beside]) expect((await client.responses.retrieve(id)).id).toBe(id);
    await gone(input);
    expect(there(before)).not.toEqual([]);
    const odd = await stack.request('DELETE', `/v1/responses/${one.id}?cascade=perhaps`);
    expect(await odd.json()).toMatchObject({ error: { code: 'invalid_request', param: 'cascade' } });
    expect((await client.responses.retrieve(one.id)).id).toBe(one.id);
  });

  test('with cascade is refused while something that was forked from it runs', async () => {
    const one = await client.responses.create({ model: MODEL, input: 'One.' });
    await client.responses.create({ model: MODEL, input: 'Two.', previous_response_id: one.id });
    const slow = {
      model: MODEL,
      input: 'Slow. [[words: 60]] [[latency: 30]]',
      previous_response_id: one.id,
      stream: true,
    } as const;
    const running = await client.responses.create(slow);
    await running[Symbol.asyncIterator]().next();
    const answer = await cascade(`/v1/responses/${one.id}`);
    expect([answer.status, await answer.json()]).toMatchObject([409, { error: { code: 'response_in_progress' } }]);
    expect((await client.responses.retrieve(one.id)).id).toBe(one.id);
    running.controller.abort();
  });
});

describe('a conversation', () => {
  test('loses an item, its old metadata and, at its end, everything', async () => {
    const [first, second, said, old, note] = [mark(), mark(), mark(), mark(), mark()];
    const items = [message(first), message(second)];
    const { id } = await client.conversations.create({ items, metadata: { note: old } });
    const response = await client.responses.create({ model: MODEL, conversation: id, input: said });
    await client.conversations.update(id, { metadata: { note } });
    await gone(old);
    const [item] = await all(client.conversations.items.list(id, { order: 'asc' }));
    await client.conversations.items.delete(item?.id ?? '', { conversation_id: id });
    await gone(first);
    expect([second, said, note].filter(one => there(one).length === 0)).toEqual([]);
    await client.conversations.delete(id);
    // Its responses do not go with it, and keep what they saw.
    await gone(note);
    expect((await client.responses.retrieve(response.id)).id).toBe(response.id);
    await client.responses.delete(response.id);
    await gone(first, second, said);
  });

  test('with cascade goes with its responses and what was forked from them', async () => {
    const [item, said, forked] = [mark(), mark(), mark()];
    const { id } = await client.conversations.create({ items: [message(item)] });
    const response = await client.responses.create({ model: MODEL, conversation: id, input: said });
    const fork = await client.responses.create({ model: MODEL, input: forked, previous_response_id: response.id });
    expect((await cascade(`/v1/conversations/${id}`)).status).toBe(200);
    for (const one of [response, fork])
      expect(await failureOf(client.responses.retrieve(one.id))).toMatchObject({ status: 404 });
    await gone(item, said, forked);
  });

  test('loses the turn of a response that is deleted with cascade', async () => {
    const [said, kept] = [mark(), mark()];
    const { id } = await client.conversations.create({ items: [message(kept)] });
    const response = await client.responses.create({ model: MODEL, conversation: id, input: said });
    await cascade(`/v1/responses/${response.id}`);
    await gone(said);
    expect(await all(client.conversations.items.list(id))).toHaveLength(1);
    expect(there(kept)).not.toEqual([]);
  });
});

test('a read transaction that was open meanwhile keeps the bytes for as long as it lasts, and no longer', async () => {
  const input = mark();
  const response = await client.responses.create({ model: MODEL, input });
  onlooker.exec('BEGIN');
  onlooker.prepare('SELECT count(*) FROM payloads').get();
  await client.responses.delete(response.id);
  // Others are not held up by it.
  expect((await client.responses.create({ model: MODEL, input: 'Meanwhile.' })).status).toBe('completed');
  onlooker.exec('COMMIT');
  await gone(input);
});

test('nothing of all that was told to the operator', () => {
  expect(drawn).toBeGreaterThan(20);
  expect(holds(Buffer.from(stack.notes.join('\n')), '7f3a9c2e51d8b604')).toBe(false);
});
