/** Compaction by a model, by the server itself at its share of a window, through both upstream dialects; isolation of what is sealed. */
import type OpenAI from 'openai';
import type { ResponseInputItem } from 'openai/resources/responses/responses';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { failureOf } from '../support/failure.ts';
import { DOG, RECALLED, said, WHICH_DOG } from '../support/said.ts';
import { MODEL, type Stack, startStack, targetOf } from '../support/stack.ts';

let stack: Stack;
let client: OpenAI;
/** Of another tenant. */
let rival: OpenAI;
const CHAT = 'gpt-chat';
const KEYS = { own: 'sk-own-0123456789abcdef', rival: 'sk-rival-0123456789abcdef' };

beforeAll(async () => {
  stack = await startStack({
    clouds: ['azure'],
    config: emulator => ({
      targets: [
        targetOf(emulator, 'azure', { context_tokens: 8_000 }),
        targetOf(emulator, 'azure', { id: 'chat', model: CHAT, dialect: 'openai-chat', context_tokens: 8_000 }),
      ],
      keys: [
        { name: 'own', secret: KEYS.own, tenant: 'own' },
        { name: 'rival', secret: KEYS.rival, tenant: 'rival' },
      ],
      compaction: { strategy: 'model', at: 50 },
    }),
  });
  client = stack.openai(KEYS.own);
  rival = stack.openai(KEYS.rival);
});
afterAll(() => stack.close());
beforeEach(() => stack.calm());

const FILLER = 'The weather was as it always is in that season. '.repeat(100);
const user = (content: string): ResponseInputItem => ({ type: 'message', role: 'user', content });
const assistant = (content: string): ResponseInputItem => ({ role: 'assistant', content });

async function purposes(placement: string | null): Promise<string> {
  const answer = await stack.request('GET', `/perdure/v1/placements/${placement ?? ''}`, { key: KEYS.own });
  return JSON.stringify(await answer.json());
}

describe.each([MODEL, CHAT])('through %s', model => {
  test('a stored talk is compacted unasked at half the window; the fact is still answered', async () => {
    const input = [user(DOG), assistant(FILLER), user('Go on.')];
    const first = await client.responses.create({ model, input });
    const more = { model, input: [assistant(FILLER), user('And on.')], previous_response_id: first.id };
    const { data: second, response } = await client.responses.create(more).withResponse();
    const third = await client.responses.create({
      model,
      input: [assistant(FILLER), user(WHICH_DOG)],
      previous_response_id: second.id,
    });
    const outputs = [first, second, third].map(({ output }) => output[0]?.type);
    expect(outputs[0]).toBe('message');
    expect(outputs).toContain('compaction');
    expect(said(third)).toBe(RECALLED);
    // The first placement of a turn that compacts is that of the compaction.
    if (outputs[1] === 'compaction')
      expect(await purposes(response.headers.get('perdure-placement'))).toContain('compaction');
    expect(third.usage?.total_tokens).toBeGreaterThan(0);
    const stateless = await client.responses.create({ model, input: [user(FILLER), user('Hi.')], store: false });
    expect(stateless.output.map(item => item.type)).toEqual(['message']);
  });

  test('`compact` asks the model, tells what it used, and is continued; when the model fails it is done without', async () => {
    const input = [user(DOG), assistant(FILLER), user('Go on.')];
    const made = await client.responses.compact({ model, input });
    expect(made.usage.output_tokens).toBeGreaterThan(0);
    const asked = JSON.stringify((await stack.upstream()).at(-1));
    expect(asked).toContain('Write the summary');
    const next = await client.responses.create({ model, input: WHICH_DOG, previous_response_id: made.id });
    expect(said(next)).toBe(RECALLED);
    await stack.fault('status 500', { contains: 'Write the summary' });
    const extracted = await client.responses.compact({ model, input });
    expect(extracted.output.map(item => item.type)).toEqual(['message', 'message', 'compaction']);
    await stack.calm();
    const after = await client.responses.create({ model, input: WHICH_DOG, previous_response_id: extracted.id });
    expect(said(after)).toBe(RECALLED);
  });
});

test('L10: what was sealed for one tenant is nothing to another', async () => {
  const made = await client.responses.compact({ model: MODEL, input: [user(DOG), assistant('Noted.')] });
  const input = [...(made.output as ResponseInputItem[]), user(WHICH_DOG)];
  expect(said(await client.responses.create({ model: MODEL, input }))).toBe(RECALLED);
  const stolen = rival.responses.create({ model: MODEL, input });
  expect(await failureOf(stolen)).toMatchObject({ status: 400, code: 'invalid_encrypted_content' });
  expect(await failureOf(rival.responses.retrieve(made.id))).toMatchObject({ code: 'response_not_found' });
  const counted = rival.responses.inputTokens.count({ model: MODEL, previous_response_id: made.id });
  expect(await failureOf(counted)).toMatchObject({ code: 'previous_response_not_found' });
});

test('a compaction of another provider goes to a target that may read it, and is refused where none can', async () => {
  const input = [{ type: 'compaction' as const, encrypted_content: 'gAAAAAB-theirs' }, user('Hi.')];
  for (const store of [true, false]) {
    await client.responses.create({ model: MODEL, input, store });
    expect(JSON.stringify((await stack.upstream()).at(-1))).toContain('gAAAAAB-theirs');
    const refused = client.responses.create({ model: CHAT, input, store });
    expect(await failureOf(refused)).toMatchObject({ status: 400, code: 'unsupported_content', param: 'input' });
  }
});
