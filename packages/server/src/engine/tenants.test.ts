/** L10: what is another tenant's looks like what does not exist, on every method; L9: no credential of ours is kept or told. */
import { describe, expect, test } from 'vitest';
import type { Engine } from './engine.ts';
import type { Caller } from './caller.ts';
import { batches, failure, message, thenFail } from './scripted-provider.test-support.ts';
import { ACME, API_KEY, ask, codeOf, read, request, RIVAL, until, World } from './world.test-support.ts';

interface Ids {
  readonly response: string;
  readonly conversation: string;
  readonly item: string;
  readonly placement: string;
}

const CALLS: { readonly [name: string]: (engine: Engine, caller: Caller, ids: Ids) => Promise<unknown> } = {
  response: (engine, caller, { response }) => engine.response(caller, response),
  stream: (engine, caller, { response }) => engine.stream(caller, response, -1),
  'stream, read': async (engine, caller, { response }) => read(await engine.stream(caller, response, -1)),
  inputItems: (engine, caller, { response }) => engine.inputItems(caller, response),
  deleteResponse: (engine, caller, { response }) => engine.deleteResponse(caller, response),
  continuing: (engine, caller, { response }) =>
    ask(engine, { previous_response_id: response }, { caller }).then(({ done }) => done),
  'in a conversation': (engine, caller, { conversation }) =>
    ask(engine, { conversation }, { caller }).then(({ done }) => done),
  'referring to an item': (engine, caller, { item }) =>
    ask(engine, { input: [{ type: 'item_reference', id: item }] }, { caller }).then(({ done }) => done),
  'referring to an item, statelessly': (engine, caller, { item }) =>
    engine.stateless({
      caller,
      request: request({ store: false, input: [{ type: 'item_reference', id: item }] }),
      extra: {},
      labels: [],
      signal: new AbortController().signal,
    }),
  'conversations.read': (engine, caller, { conversation }) => engine.conversations.read(caller, conversation),
  'conversations.update': (engine, caller, { conversation }) => engine.conversations.update(caller, conversation, {}),
  'conversations.delete': (engine, caller, { conversation }) => engine.conversations.delete(caller, conversation),
  'conversations.addItems': (engine, caller, { conversation }) =>
    engine.conversations.addItems(caller, conversation, request().input),
  'conversations.listItems': (engine, caller, { conversation }) =>
    engine.conversations.listItems(caller, conversation, { order: 'asc', limit: 5 }),
  'conversations.readItem': (engine, caller, { conversation, item }) =>
    engine.conversations.readItem(caller, conversation, item),
  'conversations.deleteItem': (engine, caller, { conversation, item }) =>
    engine.conversations.deleteItem(caller, conversation, item),
  placement: (engine, caller, { placement }) => engine.placement(caller, placement),
  'placements after one': (engine, caller, { placement }) =>
    engine.placements(caller, { order: 'desc', limit: 5, after: placement }),
};

async function furnished(): Promise<{ world: World; engine: Engine; ids: Ids; absent: Ids }> {
  const world = new World();
  const { engine } = world.boot();
  const conversation = await engine.conversations.create(ACME, request({ input: 'An item' }).input, {});
  const { items } = await engine.conversations.listItems(ACME, conversation.id, { order: 'asc', limit: 1 });
  const response = await ask(engine);
  await response.done;
  const ids = {
    response: response.id,
    conversation: conversation.id,
    item: items[0]?.id ?? '',
    placement: response.placement ?? '',
  };
  // The same ids, but for their last character but the part: well formed, and nobody's.
  const other = (id: string, at: number): string => id.slice(0, at) + (id[at] === '0' ? '1' : '0') + id.slice(at + 1);
  const absent = {
    response: other(ids.response, 30),
    conversation: other(ids.conversation, 30),
    item: other(ids.item, 29),
    placement: other(ids.placement, 29),
  };
  return { world, engine, ids, absent };
}

async function failureOf(work: Promise<unknown>, ids: Ids): Promise<unknown> {
  try {
    return { value: await work };
  } catch (error) {
    const {
      code,
      status,
      message: text,
      param,
    } = error as { code: string; status: number; message: string; param: unknown };
    // The message repeats the id that was asked for.
    const told = Object.values(ids).reduce((message, id) => message.replaceAll(id, '<id>'), text);
    return { code, status, told, param };
  }
}

describe.each(Object.entries(CALLS))('L10: %s', (_, call) => {
  test('of what is foreign answers as of what does not exist, cached or not, and changes nothing', async () => {
    const { world, engine, ids, absent } = await furnished();
    const missing = await failureOf(call(engine, RIVAL, absent), absent);
    expect(missing).toHaveProperty('code');
    const before = JSON.stringify(
      [...(world.data.get('local')?.sessions ?? [])].filter(([, { row }]) => row.tenant === ACME.tenant),
    );
    expect(await failureOf(call(engine, RIVAL, ids), ids)).toEqual(missing);
    expect(await failureOf(call(world.boot().engine, RIVAL, ids), ids)).toEqual(missing);
    const after = JSON.stringify(
      [...(world.data.get('local')?.sessions ?? [])].filter(([, { row }]) => row.tenant === ACME.tenant),
    );
    expect(after).toBe(before);
  });
});

test('L10: a running response is foreign too', async () => {
  const world = new World();
  const { engine } = world.boot();
  world.provider.onCall = () => new Promise(resolve => setTimeout(resolve, 50));
  const response = await ask(engine, { stream: true });
  for (const name of ['response', 'stream', 'stream, read', 'inputItems', 'deleteResponse', 'continuing']) {
    const ids = { response: response.id, conversation: '', item: '', placement: response.placement ?? '' };
    expect([name, await codeOf(CALLS[name]?.(engine, RIVAL, ids) ?? Promise.resolve())]).toEqual([
      name,
      name === 'continuing' ? 'previous_response_not_found' : 'response_not_found',
    ]);
  }
  await response.done;
});

test('L10: lists hold what is the caller’s own', async () => {
  const { engine } = await furnished();
  await (await ask(engine, {}, { caller: RIVAL })).done;
  const { placements } = await engine.placements(RIVAL, { order: 'desc', limit: 100 });
  expect(placements.length).toBeGreaterThan(0);
  expect(placements.map(({ tenant }) => tenant)).toEqual(placements.map(() => RIVAL.tenant));
});

test('L10: a key of one tenant is not a key of another, whatever it is called', async () => {
  const world = new World();
  const { engine } = world.boot();
  const idempotency = { key: 'same', body: 'same' };
  const mine = await ask(engine, {}, { idempotency });
  const theirs = await ask(engine, {}, { idempotency, caller: RIVAL });
  expect(theirs.id).not.toBe(mine.id);
});

describe('L9', () => {
  test('the upstream’s key is in no event, no row, no error and no word to the operator', async () => {
    const world = new World();
    const { engine, reported } = world.boot();
    world.provider.inTurn(
      () => batches(message('fine')),
      () => thenFail([], failure('upstream_credentials', { status: 401 })),
      () => thenFail([], Object.assign(new Error(`401 for Bearer ${API_KEY}`), { cause: API_KEY })),
    );
    const errors: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const response = await ask(engine, { stream: i % 2 === 0 });
      await response.done.catch((error: unknown) => errors.push(error));
      errors.push(...(await read(await engine.stream(ACME, response.id, -1))));
    }
    await until(() => engine.busy === 0, 'the end');
    expect(world.provider.calls.every(({ upstream }) => upstream.apiKey === API_KEY)).toBe(true);
    const told = errors.map(error =>
      error instanceof Error ? `${error.message} ${JSON.stringify(error)}` : String(error),
    );
    const lines = reported.map(({ what, error }) => `${what} ${error.code} ${error.message}`);
    const kept = JSON.stringify(
      [...world.data.values()].map(data => [...data.sessions, ...data.responses, data.placements, data.outbox]),
    );
    expect(kept.length).toBeGreaterThan(1000);
    for (const text of [...told, ...lines, kept]) expect(text).not.toContain(API_KEY);
  });
});
