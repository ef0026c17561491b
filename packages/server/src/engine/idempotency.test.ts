/** Idempotency keys: what a retry may and may not do. */
import { errorBody, toPerdureError } from '@perdure/protocol';
import { describe, expect, test } from 'vitest';
import type { Step } from '../log/steps.ts';
import type { HomeStore } from '../store/home-store.ts';
import { storeError } from '../store/store-error.ts';
import { DyingStore } from './crash.test-support.ts';
import type { Engine } from './engine.ts';
import type { StatelessCall } from './stateless.ts';
import { batches, failure, message, thenFail } from './scripted-provider.test-support.ts';
import { ACME, ask, codeOf, gate, read, request, until, World } from './world.test-support.ts';

const idempotency = { key: 'k1', body: 'the body' };
const { signal } = new AbortController();

function call(engine: Engine, key = idempotency): Promise<StatelessCall> {
  const fields = { caller: ACME, request: request({ store: false }), extra: {}, labels: [] };
  return engine.stateless({ ...fields, signal, idempotency: key });
}

async function all({ steps }: StatelessCall): Promise<readonly Step[]> {
  const read: Step[] = [];
  for await (const batch of steps) read.push(...batch);
  return read;
}

describe('the key of a stored response', () => {
  test('finds the same response again: while it runs, once it is done, and in another process', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.onCall = () => new Promise(resolve => setTimeout(resolve, 20));
    const [one, two] = await Promise.all([ask(engine, {}, { idempotency }), ask(engine, {}, { idempotency })]);
    expect(two.id).toBe(one.id);
    const done = await one.done;
    expect(await two.done).toEqual(done);
    const again = await ask(engine, {}, { idempotency });
    expect(await again.done).toEqual(done);
    const other = await ask(world.boot().engine, {}, { idempotency });
    expect([other.id, await other.done]).toEqual([one.id, done]);
    expect(world.provider.calls).toHaveLength(1);
  });

  test('is not a key for another body', async () => {
    const { engine } = new World().boot();
    await (await ask(engine, {}, { idempotency })).done;
    expect(await codeOf(ask(engine, {}, { idempotency: { ...idempotency, body: 'another' } }))).toBe(
      'idempotency_key_reused',
    );
  });

  test('holds for its time, to the last moment and no longer', async () => {
    const world = new World({ limits: { idempotencyMs: 10_000 } });
    const { engine } = world.boot();
    const first = await ask(engine, {}, { idempotency });
    await first.done;
    world.pass(10_000);
    expect((await ask(engine, {}, { idempotency })).id).toBe(first.id);
    world.pass(1);
    expect((await ask(engine, {}, { idempotency })).id).not.toBe(first.id);
  });

  test('is given back by a request that was refused, so that a better one may use it', async () => {
    const { engine } = new World().boot();
    expect(await codeOf(ask(engine, { model: 'nothing' }, { idempotency }))).toBe('model_not_found');
    await (await ask(engine, {}, { idempotency: { ...idempotency, body: 'a better body' } })).done;
  });

  test('replays a failure with all that its first answer had, also in another process', async () => {
    const prices = { bound: () => 60n, cost: () => 60n };
    const whole = { product: null, channel: null, cloud: null, key: null, period: 'total' as const };
    const world = new World({ spend: { caps: [{ ...whole, id: 'cap', tenant: 'acme', amount: 100n }], prices } });
    world.provider.follow(() => thenFail([], failure('upstream_error', { retryable: true })));
    const { engine } = world.boot();
    await engine.recover();
    const failed = async (of: Engine): Promise<unknown> =>
      (await ask(of, {}, { idempotency })).done.catch((error: unknown) => error);
    const told = (error: unknown): unknown => errorBody(toPerdureError(error));
    // The first call counts at its bound, and the one in its place would pass the cap.
    const first = await failed(engine);
    expect(first).toMatchObject({ code: 'spend_cap_reached', details: { cap: 'cap', amount_micro_usd: '100' } });
    expect(told(await failed(engine))).toEqual(told(first));
    const next = world.boot().engine;
    await next.recover();
    expect(told(await failed(next))).toEqual(told(first));
    expect(world.provider.calls).toHaveLength(1);
  });

  test('whose process died after it was reserved makes the response under the same id', async () => {
    const world = new World();
    const dying = new DyingStore({ at: 1, when: 'before' });
    const dead = world.boot({ wrap: dying.wrap });
    expect(await codeOf(ask(dead.engine, {}, { idempotency }))).toBe('store_unavailable');
    await dead.engine.drain(0);
    const [reserved] = [...(world.data.get('local')?.slots.values() ?? [])];
    const response = await ask(world.boot().engine, {}, { idempotency });
    expect(response.id).toBe(reserved?.id);
    expect((await response.done).status).toBe('completed');
  });

  test('lets one who only reads the stream find the response again, whatever becomes of it', async () => {
    const world = new World();
    await (await ask(world.boot().engine, {}, { idempotency })).done;
    let reads = 0;
    const failing = (store: HomeStore): HomeStore => ({
      ...store,
      response: (...args) =>
        reads++ === 0 ? store.response(...args) : Promise.reject(storeError('store_unavailable', 'gone')),
    });
    const again = await ask(world.boot({ wrap: failing }).engine, {}, { idempotency });
    expect(reads).toBe(1);
    // Were `done` on its way, its failure would be nobody's: vitest fails the run for that, and a server would end.
    expect(await codeOf(read(again.events()))).toBe('store_unavailable');
    expect(await codeOf(again.done)).toBe('store_unavailable');
  });
});

describe('the key of a stateless call', () => {
  test('is spent by its answer, and given back by its failure', async () => {
    const world = new World();
    const { engine } = world.boot();
    world.provider.inTurn(
      () => thenFail(message('a').slice(0, 3), failure('upstream_interrupted')),
      () => batches(message('b')),
    );
    expect(await codeOf(all(await call(engine)))).toBe('upstream_interrupted');
    const running = await call(engine);
    expect(await codeOf(call(engine))).toBe('idempotency_in_progress');
    await all(running);
    expect(await codeOf(call(engine))).toBe('idempotency_completed');
  });

  test('whose process died is neither free nor in progress: the call may have been made', async () => {
    const world = new World({ limits: { idempotencyMs: 10_000 } });
    // The first call never comes to an end: nobody is there to hear it.
    world.provider.onCall = async () => (world.provider.calls.length === 1 ? gate().opened : undefined);
    world.provider.follow(() => batches(message('b')));
    void all(await call(world.boot().engine));
    await until(() => world.provider.calls.length === 1, 'the call');
    const { engine } = world.boot();
    await engine.recover();
    // Once and again, and for two that come at once.
    const twice = [call(engine), call(engine)];
    for (const one of twice) expect(await codeOf(one)).toBe('idempotency_outcome_unknown');
    expect(await codeOf(call(engine))).toBe('idempotency_outcome_unknown');
    expect(await codeOf(call(engine, { key: 'k1', body: 'another' }))).toBe('idempotency_key_reused');
    expect(world.provider.calls).toHaveLength(1);
    await all(await call(engine, { ...idempotency, key: 'k2' }));
    expect(world.provider.calls).toHaveLength(2);
    world.pass(10_000);
    expect(await codeOf(call(engine))).toBe('idempotency_outcome_unknown');
    world.pass(1);
    await all(await call(engine));
  });

  test('that could not be given back is neither', async () => {
    const world = new World();
    const stuck = (store: HomeStore): HomeStore => ({
      ...store,
      settle: () => Promise.reject(storeError('store_unavailable', 'gone')),
    });
    const { engine } = world.boot({ wrap: stuck });
    world.provider.follow(() => thenFail(message('a').slice(0, 3), failure('upstream_interrupted')));
    expect(await codeOf(all(await call(engine)))).not.toBeNull();
    expect(await codeOf(call(engine))).toBe('idempotency_outcome_unknown');
    expect(world.provider.calls).toHaveLength(1);
  });

  test('of two at once is begun once, and the other is told that it runs', async () => {
    const world = new World();
    const { engine } = world.boot();
    const [one, two] = await Promise.allSettled([call(engine), call(engine)]);
    expect(one.status).toBe('fulfilled');
    expect(two).toMatchObject({ reason: { code: 'idempotency_in_progress' } });
    if (one.status === 'fulfilled') await all(one.value);
  });
});
