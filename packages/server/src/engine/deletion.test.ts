/** L13: what is deleted is hidden at once, and erased with the last that needs it. */
import { describe, expect, test } from 'vitest';
import type { ResponseId, SessionId } from '../kernel/ids.ts';
import { GENESIS, verifyChain } from './chain.ts';
import { batches, message, thenHang } from './scripted-provider.test-support.ts';
import { ACME, ask, type Booted, codeOf, request, sha256, World } from './world.test-support.ts';

const tenant = ACME.tenant;

function speaking(): { world: World; booted: Booted } {
  const world = new World();
  world.provider.follow((_, n) => batches(message(`said ${n}`)));
  return { world, booted: world.boot() };
}

async function turn({ engine }: Booted, input: string, previous?: string): Promise<string> {
  const response = await ask(engine, { input, ...(previous !== undefined && { previous_response_id: previous }) });
  await response.done;
  return response.id;
}

/** Everything that the store holds of the tenant's content, as text. */
function content(world: World): string {
  const payloads: string[] = [];
  for (const { events, journal } of world.data.get('local')?.sessions.values() ?? []) {
    for (const { payload } of events) if (payload !== null) payloads.push(payload);
    payloads.push(...journal.map(({ steps }) => steps));
  }
  return payloads.join('\n');
}

/** Every chain still verifies, and no salt outlives its payload. */
async function verifies(world: World, { stores: [store] }: Booted): Promise<void> {
  for (const [session, { events, row }] of world.data.get('local')?.sessions ?? []) {
    const stored = await store?.events({ tenant, session, from: 1, limit: 1000 });
    expect(verifyChain({ tenant, session }, stored ?? [], GENESIS, sha256)).toEqual({ ok: true, digest: row.digest });
    for (const { payload, salt } of events) expect((payload === null) === (salt === null)).toBe(true);
  }
}

async function sessionOf({ stores: [store] }: Booted, id: string): Promise<SessionId> {
  const row = await store?.response(tenant, id as ResponseId, 'deleted-too');
  if (row == null) throw new Error('no such response');
  return row.session;
}

describe('a deleted response', () => {
  test('is gone from every read at once, and cannot be continued', async () => {
    const { booted } = speaking();
    const { engine } = booted;
    const id = await turn(booted, 'one');
    await engine.deleteResponse(ACME, id);
    expect(await codeOf(engine.response(ACME, id))).toBe('response_not_found');
    expect(await codeOf(engine.inputItems(ACME, id))).toBe('response_not_found');
    expect(await codeOf(engine.stream(ACME, id, -1))).toBe('response_not_found');
    expect(await codeOf(engine.deleteResponse(ACME, id))).toBe('response_not_found');
    expect(await codeOf(ask(engine, { previous_response_id: id }))).toBe('previous_response_not_found');
  });

  test('that is continued at the same moment is either continued or gone, never an error of ours', async () => {
    const { booted } = speaking();
    const { engine } = booted;
    const outcomes = new Set<string | null>();
    for (let round = 0; round < 40; round += 1) {
      const id = await turn(booted, 'one');
      // Each takes some steps before the session's own queue decides; the order of asking shifts who comes first.
      const remove = async (): Promise<void> => {
        for (let step = 0; step < round; step += 1) await Promise.resolve();
        await engine.deleteResponse(ACME, id);
      };
      const [, continued] = await Promise.allSettled([
        remove(),
        ask(engine, { previous_response_id: id }).then(response => response.done),
      ]);
      outcomes.add(
        continued.status === 'fulfilled' ? 'continued' : await codeOf(Promise.reject(continued.reason as Error)),
      );
    }
    expect([...outcomes].filter(one => one !== 'continued' && one !== 'previous_response_not_found')).toEqual([]);
    expect(outcomes.size).toBe(2);
  });

  test('that nothing needs leaves no content, and the chain still verifies', async () => {
    const { world, booted } = speaking();
    const id = await turn(booted, 'secret one');
    await booted.engine.deleteResponse(ACME, id);
    expect(content(world)).not.toMatch(/secret one|said 1/);
    await verifies(world, booted);
  });

  test('in the middle of a chain is kept for those after it; the tail goes with the last of them', async () => {
    const { world, booted } = speaking();
    const one = await turn(booted, 'secret one');
    const two = await turn(booted, 'secret two', one);
    const three = await turn(booted, 'secret three', two);
    await booted.engine.deleteResponse(ACME, two);
    expect(content(world)).toMatch(/secret two/);
    await booted.engine.deleteResponse(ACME, three);
    // The first still lives: what comes after it goes, itself stays.
    expect(content(world)).toMatch(/secret one/);
    expect(content(world)).not.toMatch(/secret two|secret three/);
    expect((await booted.engine.response(ACME, one)).status).toBe('completed');
    await verifies(world, booted);
    await booted.engine.deleteResponse(ACME, one);
    expect(content(world)).not.toMatch(/secret/);
    await verifies(world, booted);
  });

  test('whose end was erased can be continued from what is left', async () => {
    const { world, booted } = speaking();
    const one = await turn(booted, 'first');
    const two = await turn(booted, 'second', one);
    await booted.engine.deleteResponse(ACME, two);
    await turn(booted, 'third', one);
    const sent = JSON.stringify(world.provider.calls.at(-1)?.context);
    expect([sent.includes('first'), sent.includes('second'), sent.includes('third')]).toEqual([true, false, true]);
  });

  test('is kept for a fork that shares it, and goes with the fork', async () => {
    const { world, booted } = speaking();
    const one = await turn(booted, 'secret one');
    const two = await turn(booted, 'secret two', one);
    const fork = await turn(booted, 'forked', one);
    expect(await sessionOf(booted, fork)).not.toBe(await sessionOf(booted, two));
    await booted.engine.deleteResponse(ACME, one);
    await booted.engine.deleteResponse(ACME, two);
    // The fork shares the first, not the second.
    expect(content(world)).toMatch(/secret one/);
    expect(content(world)).not.toMatch(/secret two/);
    await turn(booted, 'more', fork);
    expect(JSON.stringify(world.provider.calls.at(-1)?.context)).toMatch(/secret one/);
    for (const id of [fork, [...(world.data.get('local')?.responses.keys() ?? [])].at(-1) ?? ''])
      await booted.engine.deleteResponse(ACME, id);
    expect(content(world)).not.toMatch(/secret/);
    await verifies(world, booted);
  });

  test('of forks of forks goes with the last of them, all the way up', async () => {
    const { world, booted } = speaking();
    const root = await turn(booted, 'secret root');
    await turn(booted, 'next', root);
    const child = await turn(booted, 'secret child', root);
    await turn(booted, 'next', child);
    const grandchild = await turn(booted, 'grandchild', child);
    const all = [...(world.data.get('local')?.responses.keys() ?? [])];
    for (const id of all) if (id !== grandchild) await booted.engine.deleteResponse(ACME, id);
    expect(content(world)).toMatch(/secret root[^]*secret child/);
    await booted.engine.deleteResponse(ACME, grandchild);
    expect(content(world)).not.toMatch(/secret/);
    await verifies(world, booted);
  });

  test('is not held by a fork that was refused: nothing was made, so nothing needs it', async () => {
    const { world, booted } = speaking();
    const one = await turn(booted, 'secret one');
    const two = await turn(booted, 'secret two', one);
    const orphan = [{ type: 'function_call_output', call_id: 'nobody', output: 'x' }];
    expect(await codeOf(ask(booted.engine, { previous_response_id: one, input: orphan }))).toBe('tool_call_not_found');
    for (const id of [one, two]) await booted.engine.deleteResponse(ACME, id);
    expect(content(world)).not.toMatch(/secret/);
  });

  test('is not shared by a fork that was about to be made: it finds nothing to continue', async () => {
    const world = new World();
    let erase: (() => Promise<void>) | null = null;
    const booted = world.boot({
      wrap: store => ({
        ...store,
        // The fork reads its context: between its plan and its commit.
        runs: async range => {
          const now = erase;
          erase = null;
          await now?.();
          return store.runs(range);
        },
      }),
    });
    const one = await turn(booted, 'secret one');
    const two = await turn(booted, 'secret two', one);
    erase = async () => {
      for (const id of [one, two]) await booted.engine.deleteResponse(ACME, id);
    };
    expect(await codeOf(ask(booted.engine, { previous_response_id: one }))).toBe('previous_response_not_found');
    expect(erase).toBeNull();
    expect(content(world)).not.toMatch(/secret/);
  });

  test('that still runs is not deleted', async () => {
    const { world, booted } = speaking();
    world.provider.onCall = () => new Promise(resolve => setTimeout(resolve, 30));
    const response = await ask(booted.engine);
    const refused = expect(booted.engine.deleteResponse(ACME, response.id)).rejects;
    // It cannot be cancelled, and so is not told to be.
    await refused.toMatchObject({
      code: 'response_in_progress',
      message: expect.stringContaining('once it has ended'),
    });
    await response.done;
    await booted.engine.deleteResponse(ACME, response.id);
  });

  test.each([false, true])(
    'that ran in the background of a conversation leaves nothing behind, cascade %j',
    async cascade => {
      const { world, booted } = speaking();
      const { engine } = booted;
      const conversation = await engine.conversations.create(ACME, [], {});
      world.provider.follow(call => thenHang(message('half an answer').slice(0, 3), call));
      const lost = await ask(engine, { background: true, conversation: conversation.id, input: 'lost' });
      await engine.deleteResponse(ACME, lost.id, { cascade });
      expect(await codeOf(engine.response(ACME, lost.id))).toBe('response_not_found');
      expect(content(world)).not.toContain('lost');
      expect(content(world)).not.toContain('half');
      await verifies(world, booted);
    },
  );

  test('leaves its evidence: the placement can still be read', async () => {
    const { booted } = speaking();
    const response = await ask(booted.engine);
    await response.done;
    await booted.engine.deleteResponse(ACME, response.id);
    expect((await booted.engine.placement(ACME, response.placement ?? '')).chosen).toMatch(/^up-/);
  });
});

describe('a conversation', () => {
  async function talk(): Promise<{ world: World; booted: Booted; id: string; response: string; item: string }> {
    const { world, booted } = speaking();
    const { id } = await booted.engine.conversations.create(ACME, request({ input: 'secret item' }).input, {});
    const response = await ask(booted.engine, { conversation: id, input: 'secret input' });
    await response.done;
    const { items } = await booted.engine.conversations.listItems(ACME, id, { order: 'desc', limit: 10 });
    return { world, booted, id, response: response.id, item: items[0]?.id ?? '' };
  }

  test('keeps its items when a response of it is deleted', async () => {
    const { world, booted, id, response, item } = await talk();
    const before = await booted.engine.conversations.listItems(ACME, id, { order: 'asc', limit: 10 });
    await booted.engine.deleteResponse(ACME, response);
    expect(await booted.engine.conversations.listItems(ACME, id, { order: 'asc', limit: 10 })).toEqual(before);
    expect((await booted.engine.conversations.readItem(ACME, id, item)).id).toBe(item);
    expect(content(world)).toMatch(/secret input/);
  });

  test('that is deleted keeps what its responses need, and no more; they take the rest with them', async () => {
    const { world, booted, id, response } = await talk();
    await booted.engine.conversations.addItems(ACME, id, request({ input: 'secret end' }).input);
    await booted.engine.conversations.delete(ACME, id);
    expect(await codeOf(booted.engine.conversations.read(ACME, id))).toBe('conversation_not_found');
    expect(await codeOf(booted.engine.conversations.addItems(ACME, id, []))).toBe('conversation_not_found');
    expect(await codeOf(ask(booted.engine, { conversation: id }))).toBe('conversation_not_found');
    expect(content(world)).not.toMatch(/secret end/);
    expect((await booted.engine.response(ACME, response)).status).toBe('completed');
    await booted.engine.deleteResponse(ACME, response);
    expect(content(world)).not.toMatch(/secret/);
    await verifies(world, booted);
  });

  test('an item that was deleted is in no read and in no later call, and is deleted once', async () => {
    const { world, booted, id, item } = await talk();
    const { conversations } = booted.engine;
    await conversations.deleteItem(ACME, id, item);
    expect(await codeOf(conversations.readItem(ACME, id, item))).toBe('item_not_found');
    expect(await codeOf(conversations.deleteItem(ACME, id, item))).toBe('item_not_found');
    const { items } = await conversations.listItems(ACME, id, { order: 'asc', limit: 10 });
    expect(items.map(one => one.id)).not.toContain(item);
    const reference = [{ type: 'item_reference', id: item }];
    expect(await codeOf(ask(booted.engine, { input: reference }))).toBe('item_not_found');
    await (await ask(booted.engine, { conversation: id, input: 'go on' })).done;
    expect(JSON.stringify(world.provider.calls.at(-1)?.context)).not.toContain(item);
  });
});
