/** Lifetimes, holds and the sweep, case by case. What any order of them comes to: `retention.property.test.ts`. */
import { describe, expect, test } from 'vitest';
import type { ResponseId } from '../kernel/ids.ts';
import type { HomeStore } from '../store/home-store.ts';
import { content, TestRetention } from './retention.test-support.ts';
import { batches, failure, message, thenFail } from './scripted-provider.test-support.ts';
import { ACME, ask, type Booted, codeOf, request, RIVAL, World } from './world.test-support.ts';

const DAY_MS = 86_400_000;

function speaking(): { world: World; retention: TestRetention; booted: Booted } {
  const world = new World();
  const retention = new TestRetention();
  world.provider.follow((_, n) => batches(message(`said ${n}`)));
  return { world, retention, booted: world.boot({ retention }) };
}

async function turn(
  { engine }: Booted,
  input: string,
  more: { readonly [name: string]: unknown } = {},
): Promise<string> {
  const response = await ask(engine, { input, ...more });
  await response.done;
  return response.id;
}

const NOTHING = { responses: 0, conversations: 0, erased: 0, held: 0, failed: 0 };

describe('a lifetime', () => {
  test('ends to the millisecond, on every read at once, before any sweep', async () => {
    const { world, retention, booted } = speaking();
    const { engine } = booted;
    retention.responses = 30 * DAY_MS;
    const id = await turn(booted, 'secret one');
    world.pass(30 * DAY_MS - 1);
    expect((await engine.response(ACME, id)).status).toBe('completed');
    const [item] = await engine.inputItems(ACME, id);
    const reference = { input: [{ type: 'item_reference', id: item?.id }] };
    const copied = await turn(booted, 'unused', reference);
    world.pass(1);
    for (const work of [
      engine.response(ACME, id),
      engine.inputItems(ACME, id),
      engine.stream(ACME, id, -1),
      engine.deleteResponse(ACME, id),
    ])
      expect(await codeOf(work)).toBe('response_not_found');
    expect(await codeOf(ask(engine, { previous_response_id: id }))).toBe('previous_response_not_found');
    expect(await codeOf(ask(engine, reference))).toBe('item_not_found');
    expect((await engine.response(ACME, copied)).status).toBe('completed');
    expect(await engine.sweep()).toEqual({ ...NOTHING, responses: 1 });
    await engine.deleteResponse(ACME, copied);
    expect(content(world)).not.toMatch(/secret one/);
    expect(await engine.sweep()).toEqual(NOTHING);
  });

  test('does not end what runs', async () => {
    const { world, retention, booted } = speaking();
    retention.responses = 1000;
    world.provider.onCall = async () => world.pass(5000);
    const response = await ask(booted.engine);
    expect((await response.now()).status).toBe('in_progress');
    await response.done;
    expect(await codeOf(booted.engine.response(ACME, response.id))).toBe('response_not_found');
  });

  test('of a conversation is not begun anew by what is done about it', async () => {
    const { world, retention, booted } = speaking();
    retention.responses = DAY_MS;
    retention.conversations = 2 * DAY_MS;
    const { conversations } = booted.engine;
    const { id } = await conversations.create(ACME, request({ input: 'secret item' }).input, {});
    await turn(booted, 'secret turn', { conversation: id });
    world.pass(DAY_MS);
    expect(await booted.engine.sweep()).toMatchObject({ responses: 1, conversations: 0 });
    expect(content(world)).toMatch(/secret turn/);
    world.pass(DAY_MS);
    expect(await codeOf(conversations.read(ACME, id))).toBe('conversation_not_found');
    expect(await booted.engine.sweep()).toMatchObject({ conversations: 1 });
    expect(content(world)).not.toMatch(/secret/);
  });
});

test('an idempotency key whose response was deleted does not bring it back, and says so', async () => {
  const { world, booted } = speaking();
  const again = () => ask(booted.engine, {}, { idempotency: { key: 'k', body: 'the same' } });
  const response = await again();
  await response.done;
  expect((await again()).id).toBe(response.id);
  await booted.engine.deleteResponse(ACME, response.id);
  expect(await codeOf(again())).toBe('idempotency_completed');
  expect(world.provider.calls).toHaveLength(1);
});

describe('the sweep', () => {
  test('pages through more than it reads at once, a session at a time', async () => {
    const { world, retention, booted } = speaking();
    retention.responses = DAY_MS;
    for (let i = 0; i < 205; i++) await turn(booted, `secret ${i}`);
    world.pass(DAY_MS);
    expect(await booted.engine.sweep()).toEqual({ ...NOTHING, responses: 205 });
    expect(content(world)).not.toMatch(/secret/);
  }, 60_000);

  test('finishes what a process left that died between hiding and erasing', async () => {
    const { world, retention } = speaking();
    const dying = world.boot({
      retention,
      wrap: (store): HomeStore => ({
        ...store,
        append: append =>
          append.changes.some(change => change.type === 'payloads_erased')
            ? Promise.reject(Object.assign(new Error('dead'), { storeError: 'store_unavailable' }))
            : store.append(append),
      }),
    });
    const id = await turn(dying, 'secret one');
    // It is deleted, and says so; the operator is told that it is not erased.
    await dying.engine.deleteResponse(ACME, id);
    expect(dying.reported).toMatchObject([{ what: 'erasure', error: { code: 'store_unavailable' } }]);
    expect(content(world)).toMatch(/secret one/);
    world.pass(60_000);
    const next = world.boot({ retention });
    expect(await codeOf(next.engine.response(ACME, id))).toBe('response_not_found');
    expect(await next.engine.sweep()).toEqual({ ...NOTHING, erased: 1 });
    expect(content(world)).not.toMatch(/secret one/);
  });

  test('goes on past what fails, and says so', async () => {
    const { world, retention } = speaking();
    let broken = '';
    const booted = world.boot({
      retention,
      wrap: (store): HomeStore => ({
        ...store,
        append: append =>
          append.session === broken && append.changes.some(change => change.type === 'response_deleted')
            ? Promise.reject(Object.assign(new Error('bad'), { storeError: 'store_unavailable' }))
            : store.append(append),
      }),
    });
    retention.responses = DAY_MS;
    const one = await turn(booted, 'secret one');
    const two = await turn(booted, 'secret two');
    broken = (await booted.stores[0]?.response(ACME.tenant, one as ResponseId))?.session ?? '';
    world.pass(DAY_MS);
    expect(await booted.engine.sweep()).toMatchObject({ responses: 1, failed: 1 });
    expect(booted.reported.map(({ what }) => what)).toEqual(['retention']);
    expect(content(world)).toMatch(/secret one/);
    expect(content(world)).not.toMatch(/secret two/);
    expect(await codeOf(booted.engine.response(ACME, two))).toBe('response_not_found');
    broken = '';
    expect(await booted.engine.sweep()).toMatchObject({ responses: 1, failed: 0 });
    expect(content(world)).not.toMatch(/secret/);
  });
});

describe('a hold', () => {
  test('is asked again right before the erasure: one that is placed meanwhile keeps what is there', async () => {
    const { world, retention } = speaking();
    let placing = false;
    const booted = world.boot({
      retention,
      wrap: (store): HomeStore => ({
        ...store,
        retained: async (...where) => {
          if (placing) retention.tenants.add(ACME.tenant);
          return store.retained(...where);
        },
      }),
    });
    const id = await turn(booted, 'secret one');
    placing = true;
    await booted.engine.deleteResponse(ACME, id);
    expect(await codeOf(booted.engine.response(ACME, id))).toBe('response_not_found');
    expect(content(world)).toMatch(/secret one/);
    placing = false;
    expect(await booted.engine.sweep()).toEqual({ ...NOTHING, held: 1 });
    retention.tenants.clear();
    expect(await booted.engine.sweep()).toEqual({ ...NOTHING, erased: 1 });
    expect(content(world)).not.toMatch(/secret one/);
  });

  test('is of one tenant', async () => {
    const { world, retention, booted } = speaking();
    retention.tenants.add(RIVAL.tenant);
    await booted.engine.deleteResponse(ACME, await turn(booted, 'secret one'));
    expect(content(world)).not.toMatch(/secret one/);
  });

  test('keeps the metadata that a conversation had', async () => {
    const { world, retention, booted } = speaking();
    const { conversations } = booted.engine;
    const { id } = await conversations.create(ACME, [], { note: 'old secret' });
    retention.tenants.add(ACME.tenant);
    await conversations.update(ACME, id, { note: 'new' });
    expect(content(world)).toMatch(/old secret/);
    retention.tenants.clear();
    await conversations.delete(ACME, id);
    expect(content(world)).not.toMatch(/old secret|new/);
  });
});

describe('what is dead inside what lives', () => {
  test('a failed turn goes when it is deleted, though the chain goes on past it', async () => {
    const { world, booted } = speaking();
    const one = await turn(booted, 'first');
    world.provider.inTurn(
      () => thenFail([], failure('upstream_rejected')),
      () => batches(message('fine')),
    );
    const failed = await ask(booted.engine, { input: 'secret failed', previous_response_id: one });
    await failed.done.catch(() => undefined);
    const three = await turn(booted, 'third', { previous_response_id: one });
    expect(content(world)).toMatch(/secret failed/);
    await booted.engine.deleteResponse(ACME, failed.id);
    expect(content(world)).not.toMatch(/secret failed/);
    expect((await booted.engine.response(ACME, three)).status).toBe('completed');
  });

  test('while a turn runs in a conversation, what it does not need goes at once', async () => {
    const { world, booted } = speaking();
    const { id } = await booted.engine.conversations.create(ACME, [], {});
    const one = await turn(booted, 'first', { conversation: id, metadata: { note: 'secret note' } });
    const { promise, resolve } = Promise.withResolvers<void>();
    world.provider.onCall = () => promise;
    const running = await ask(booted.engine, { conversation: id, input: 'second', metadata: { note: 'running' } });
    await booted.engine.deleteResponse(ACME, one);
    await booted.engine.conversations.update(ACME, id, { changed: 'meanwhile' });
    await booted.engine.conversations.update(ACME, id, { changed: 'again' });
    expect(content(world)).not.toMatch(/secret note|meanwhile/);
    expect(content(world)).toMatch(/running/);
    resolve();
    expect((await running.done).metadata).toEqual({ note: 'running' });
    expect(await booted.engine.sweep()).toMatchObject({ failed: 0 });
    expect((await booted.engine.conversations.read(ACME, id)).metadata).toEqual({ changed: 'again' });
  });

  test('texts that were erased are written anew by the next turn that uses them', async () => {
    const { world, booted } = speaking();
    const { id } = await booted.engine.conversations.create(ACME, [], {});
    const instructions = 'Be brief, secret agent.';
    const one = await turn(booted, 'first', { conversation: id, instructions });
    await booted.engine.deleteResponse(ACME, one);
    expect(content(world)).not.toContain(instructions);
    const two = await turn(booted, 'second', { conversation: id, instructions });
    expect((await booted.engine.response(ACME, two)).instructions).toBe(instructions);
    expect(world.provider.calls.at(-1)?.settings.instructions).toBe(instructions);
  });
});
