/** Several calls for one request: one key, one place each, all or none. */
import { expect, test } from 'vitest';
import { batches, failure, message, thenFail } from './scripted-provider.test-support.ts';
import type { Engine } from './engine.ts';
import type { StatelessCall } from './stateless.ts';
import { ACME, codeOf, request, World } from './world.test-support.ts';

const { signal } = new AbortController();
const idempotency = { key: 'k1', body: 'the body' };

function choices(engine: Engine, count: number, keyed = false): Promise<readonly StatelessCall[]> {
  const fields = { caller: ACME, request: request({ store: false }), extra: {}, labels: [], signal };
  return engine.choices({ ...fields, ...(keyed && { idempotency }) }, count);
}
const made = (calls: readonly StatelessCall[]) => Promise.all(calls.map(call => codeOf(call.answer())));

test('a key is spent once all of them are answered, and given back by one that failed', async () => {
  const world = new World();
  const { engine } = world.boot();
  world.provider.inTurn(
    () => batches(message('a')),
    () => thenFail(message('b').slice(0, 3), failure('upstream_interrupted')),
  );
  const [one, two] = await choices(engine, 2, true);
  await one?.answer();
  // One is answered, the other is not made yet.
  expect(await codeOf(choices(engine, 2, true))).toBe('idempotency_in_progress');
  expect(await codeOf(two?.answer() ?? Promise.resolve())).toBe('upstream_interrupted');
  world.provider.follow(() => batches(message('c')));
  const again = await choices(engine, 2, true);
  await again[0]?.answer();
  expect(await codeOf(choices(engine, 2, true))).toBe('idempotency_in_progress');
  await again[1]?.answer();
  expect(await codeOf(choices(engine, 2, true))).toBe('idempotency_completed');
});

test('each takes a place of those that the server has, all or none', async () => {
  const world = new World({ limits: { concurrent: 3 } });
  world.provider.follow(() => batches(message('a')));
  const { engine } = world.boot();
  const never = await choices(engine, 4).catch((error: unknown) => error);
  expect(never).toMatchObject({ code: 'rate_limit_exceeded', retryAfterMs: Number.POSITIVE_INFINITY });
  const two = await choices(engine, 2);
  const steps = two.map(({ steps: source }) => source[Symbol.asyncIterator]());
  for (const one of steps) await one.next();
  const full = await choices(engine, 2).catch((error: unknown) => error);
  expect(full).toMatchObject({ code: 'rate_limit_exceeded', retryAfterMs: 1000 });
  expect(await made(await choices(engine, 1))).toEqual([null]);
  for (const one of steps) await one.return?.();
  expect(await made(await choices(engine, 3))).toEqual([null, null, null]);
});
