/** Compaction, counting and truncation with the official client and with the agents' compaction session, against the emulated clouds. */
import { Agent, OpenAIProvider, OpenAIResponsesCompactionSession, Runner } from '@openai/agents';
import type OpenAI from 'openai';
import type { ResponseInputItem } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { filesWith } from '../support/data-bytes.ts';
import { failureOf } from '../support/failure.ts';
import { DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

let stack: Stack;
let client: OpenAI;
/** A window is known for this one. */
const SMALL = 'gpt-small';

beforeAll(async () => {
  stack = await startStack({
    clouds: ['azure'],
    config: emulator => ({
      targets: [
        targetOf(emulator, 'azure'),
        targetOf(emulator, 'azure', { id: 'small', model: SMALL, context_tokens: 3_000 }),
      ],
    }),
  });
  client = stack.openai();
});
afterAll(() => stack.close());
beforeEach(() => stack.calm());

const FILLER = 'The weather was as it always is in that season. '.repeat(120);
/** More than is kept whole where nobody says how small a context must become. */
const LONG = FILLER.repeat(4);
const user = (content: string): ResponseInputItem => ({ type: 'message', role: 'user', content });
const assistant = (content: string): ResponseInputItem => ({ role: 'assistant', content });
const MANAGED = { context_management: [{ type: 'compaction' as const, compact_threshold: 1_500 }] };

/** A talk that is long, with a fact in its beginning. */
async function talk(): Promise<string> {
  const first = await client.responses.create({ model: MODEL, input: [user(DOG), assistant(LONG), user('Go on.')] });
  const second = await client.responses.create({
    model: MODEL,
    input: [assistant(LONG), user('And on.')],
    previous_response_id: first.id,
  });
  return second.id;
}

async function lastSent(): Promise<string> {
  return JSON.stringify((await stack.upstream()).at(-1));
}

describe('responses.compact', () => {
  test('with a stored response: read back, continued, and a fact from before it is still answered', async () => {
    const made = await client.responses.compact({ model: MODEL, previous_response_id: await talk() });
    expect(made).toMatchObject({ object: 'response.compaction', usage: { total_tokens: 0 } });
    expect(made.output.map(item => item.type)).toEqual(['message', 'message', 'message', 'compaction']);
    expect(await client.responses.retrieve(made.id)).toMatchObject({
      object: 'response.compaction',
      output: made.output,
    });
    for (const restarted of [false, true]) {
      if (restarted) {
        await stack.restart();
        client = stack.openai();
      }
      const next = await client.responses.create({ model: MODEL, input: WHICH_DOG, previous_response_id: made.id });
      expect(said(next)).toBe(RECALLED);
      expect(await lastSent()).not.toContain(LONG);
    }
  });

  test('with `store: false`: nothing of it is kept, all of it comes back with the item, after a restart too', async () => {
    const secret = 'The lighthouse keeper is called Wilhelmina.';
    const input = [user('Who keeps the lighthouse?'), assistant(`${secret} ${FILLER}`)];
    const body = { model: MODEL, input, store: false } as OpenAI.Responses.ResponseCompactParams;
    const made = await client.responses.compact(body);
    expect(JSON.stringify(made)).not.toContain('Wilhelmina');
    await stack.restart();
    client = stack.openai();
    const next = await client.responses.create({
      model: MODEL,
      store: false,
      input: [...(made.output as ResponseInputItem[]), user('What is the lighthouse keeper called?')],
    });
    expect(said(next)).toContain('Wilhelmina');
    expect(await failureOf(client.responses.retrieve(made.id))).toMatchObject({ code: 'response_not_found' });
    expect(filesWith(stack.data, 'Wilhelmina')).toEqual([]);
  });

  test('refuses what it cannot read or find, and what says nothing', async () => {
    const forged = {
      type: 'compaction' as const,
      encrypted_content: 'pdr1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    };
    const refused = (body: object) => failureOf(client.responses.compact({ model: MODEL, ...body }));
    expect(await refused({ input: [forged] })).toMatchObject({ status: 400, code: 'invalid_encrypted_content' });
    expect(await refused({})).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(await refused({ previous_response_id: 'resp_none' })).toMatchObject({ code: 'previous_response_not_found' });
    expect(await refused({ model: 'no-such', input: 'x' })).toMatchObject({ status: 404, code: 'model_not_found' });
    const create = client.responses.create({ model: MODEL, input: [forged, user('Go on.')] });
    expect(await failureOf(create)).toMatchObject({ status: 400, code: 'invalid_encrypted_content', param: 'input' });
  });
});

describe('context_management', () => {
  test('stored and streamed: the compaction comes first, and the fact is still answered', async () => {
    const previous_response_id = await talk();
    const stream = client.responses.stream({ model: MODEL, input: WHICH_DOG, previous_response_id, ...MANAGED });
    const types: string[] = [];
    for await (const event of stream) if (event.type === 'response.output_item.done') types.push(event.item.type);
    const final = await stream.finalResponse();
    expect(types).toEqual(['compaction', 'message']);
    expect(final.output.map(item => item.type)).toEqual(['compaction', 'message']);
    expect(said(final)).toBe(RECALLED);
    const items = await client.responses.inputItems.list(final.id);
    expect(items.data).toHaveLength(1);
    const next = await client.responses.create({ model: MODEL, input: WHICH_DOG, previous_response_id: final.id });
    expect(said(next)).toBe(RECALLED);
    expect(await lastSent()).not.toContain(LONG);
  });

  test.each([true, false])('stateless, streamed: %s: the item replaces what came before it', async streamed => {
    const input = [user(DOG), assistant(FILLER), user('And now?')];
    const body = { model: MODEL, input, store: false, ...MANAGED };
    const answer = streamed ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
    expect(answer.output.map(item => item.type)).toEqual(['compaction', 'message']);
    const next = await client.responses.create({
      model: MODEL,
      store: false,
      input: [...(answer.output as ResponseInputItem[]), user(WHICH_DOG)],
    });
    expect(said(next)).toBe(RECALLED);
  });

  test('knows compaction only, and bounds its threshold on both sides', async () => {
    const refused = (entry: object) =>
      failureOf(
        client.responses.create({ model: MODEL, input: 'Hi.', context_management: [entry as { type: 'compaction' }] }),
      );
    expect(await refused({ type: 'forgetting' })).toMatchObject({ code: 'unsupported_parameter' });
    expect(await refused({ type: 'compaction', compact_threshold: 999 })).toMatchObject({ code: 'invalid_request' });
    const least = { type: 'compaction' as const, compact_threshold: 1_000 };
    const taken = await client.responses.create({ model: MODEL, input: 'Hi.', context_management: [least] });
    expect(taken.output.map(item => item.type)).toEqual(['message']);
  });
});

describe('a compaction trigger', () => {
  test('compacts, alone or before an answer; it must be the last item, and needs something before it', async () => {
    const previous_response_id = await talk();
    const trigger = { type: 'compaction_trigger' as const };
    const create = (input: ResponseInputItem[], more: object = { previous_response_id }) =>
      client.responses.create({ model: MODEL, input, ...more });
    expect((await create([trigger])).output.map(item => item.type)).toEqual(['compaction']);
    const answered = await create([user(WHICH_DOG), trigger]);
    expect(answered.output.map(item => item.type)).toEqual(['compaction', 'message']);
    expect(said(answered)).toBe(RECALLED);
    const stateless = await create([user(DOG), assistant('Noted.'), trigger], { store: false });
    expect(stateless.output.map(item => item.type)).toEqual(['compaction']);
    expect(await failureOf(create([trigger, user('Hi.')]))).toMatchObject({
      code: 'invalid_request',
      param: 'input[0]',
    });
    expect(await failureOf(create([trigger], {}))).toMatchObject({ code: 'invalid_request', param: 'input' });
    const { id } = await client.conversations.create();
    const added = client.conversations.items.create(id, { items: [trigger] });
    expect(await failureOf(added)).toMatchObject({ status: 400, code: 'unsupported_content' });
  });
});

describe('inputTokens.count', () => {
  test('counts, with what came before; stores nothing and calls nobody', async () => {
    const previous_response_id = await talk();
    await stack.calm();
    const alone = await client.responses.inputTokens.count({ model: MODEL, input: WHICH_DOG });
    expect(alone).toMatchObject({ object: 'response.input_tokens' });
    const whole = await client.responses.inputTokens.count({ model: MODEL, input: WHICH_DOG, previous_response_id });
    expect(whole.input_tokens).toBeGreaterThan(alone.input_tokens + 2_000);
    const tools = [{ type: 'function' as const, name: 'look', parameters: { type: 'object' }, strict: null }];
    expect((await client.responses.inputTokens.count({ input: WHICH_DOG, tools })).input_tokens).toBeGreaterThan(
      alone.input_tokens,
    );
    expect((await client.responses.inputTokens.count()).input_tokens).toBeGreaterThanOrEqual(0);
    expect(await stack.upstream()).toEqual([]);
    expect(await failureOf(client.responses.inputTokens.count({ model: 'no-such' }))).toMatchObject({
      code: 'model_not_found',
    });
    // An estimate from above: what the emulated cloud counts is less.
    const sent = await client.responses.create({ model: MODEL, input: WHICH_DOG, previous_response_id });
    expect(whole.input_tokens).toBeGreaterThanOrEqual(sent.usage?.input_tokens ?? Number.POSITIVE_INFINITY);
  });
});

describe('truncation where the window is known', () => {
  test('`disabled` refuses before the call, `auto` sends what fits', async () => {
    const input = [user(FILLER), user(FILLER), user('Say hello.')];
    for (const store of [true, false]) {
      await stack.calm();
      const refused = client.responses.create({ model: SMALL, input, store });
      expect(await failureOf(refused)).toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'input' });
      expect(await stack.upstream()).toEqual([]);
      const taken = await client.responses.create({ model: SMALL, input, store, truncation: 'auto' });
      expect(taken).toMatchObject({ status: 'completed', truncation: 'auto' });
      expect((await lastSent()).split(FILLER)).toHaveLength(2);
    }
  });
});

describe('the compaction session of the agents', () => {
  test.each(['input', 'previous_response_id'] as const)(
    'compacts by %s, and the agent still knows',
    async compactionMode => {
      const session = new OpenAIResponsesCompactionSession({
        client,
        model: MODEL,
        compactionMode,
        shouldTriggerCompaction: ({ compactionCandidateItems }) => compactionCandidateItems.length >= 2,
      });
      const runner = new Runner({
        modelProvider: new OpenAIProvider({ openAIClient: client, useResponses: true }),
        tracingDisabled: true,
      });
      const agent = new Agent({ name: 'Keeper', instructions: 'Answer briefly.', model: MODEL });
      await runner.run(agent, DOG, { session });
      await runner.run(agent, 'The weather is fine.', { session });
      expect((await session.getItems()).map(item => item.type)).toContain('compaction');
      const last = await runner.run(agent, WHICH_DOG, { session });
      expect(last.finalOutput).toContain('Rex');
    },
  );
});
