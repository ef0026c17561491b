import { expect, test } from 'vitest';
import type { HomeStore } from '../store/home-store.ts';
import { home, target } from '../placement/fixture.test-support.ts';
import { batches, failure, message, type CallScript, thenFail } from './scripted-provider.test-support.ts';
import { FIRST_PAUSE_MS, pauseOf, STATELESS_PAUSE_MS } from './try-again.ts';
import type { EngineLimits } from './engine-context.ts';
import { ACME, ask, codeOf, request, until, World, type WorldOptions } from './world.test-support.ts';

/** A world with one target. */
const alone = (limits: Partial<EngineLimits> = {}, more: WorldOptions = {}): World =>
  new World({ places: [target('up-1', 'local'), home('local', 'local')], limits, ...more });
const fails =
  (...how: Parameters<typeof failure>): CallScript =>
  () =>
    thenFail([], failure(...how));
const BROKEN = fails('upstream_error', { retryable: true, status: 500 });
const WELL: CallScript = () => batches(message('Well again'));

test('the pause doubles, half of it is chance, and what the target asks for is kept to, up to the bound', () => {
  const pause = (over: Partial<Parameters<typeof pauseOf>[0]>) =>
    pauseOf({ failures: 1, asked: null, most: 5000, chance: 1, ...over });
  expect([1, 2, 3].map(failures => pause({ failures }))).toEqual([1, 2, 4].map(n => n * FIRST_PAUSE_MS));
  expect(pause({ chance: 0 })).toBe(FIRST_PAUSE_MS / 2);
  expect([pause({ asked: 5000 }), pause({ asked: 5001 }), pause({ asked: 0 })]).toEqual([5000, null, FIRST_PAUSE_MS]);
  expect([pause({ most: FIRST_PAUSE_MS }), pause({ most: FIRST_PAUSE_MS - 1 }), pause({ most: 0, chance: 0 })]).toEqual(
    [FIRST_PAUSE_MS, null, null],
  );
});

test('a turn whose only target fails asks it again, each time by a call of its own, up to its attempts', async () => {
  const world = alone();
  const { engine } = world.boot();
  world.provider.inTurn(BROKEN, BROKEN, WELL);
  const { status, output } = await (await ask(engine)).done;
  expect([status, output.length, world.provider.calls.length]).toEqual(['completed', 1, 3]);
  const placements = await engine.placements(ACME, { limit: 10, order: 'asc' });
  expect(placements.placements.filter(({ id }) => !id.endsWith('00'))).toHaveLength(3);
  world.provider.follow(BROKEN);
  expect(await codeOf((await ask(alone().boot().engine)).done)).toBe(null);
  const bad = alone();
  bad.provider.follow(BROKEN);
  expect(await codeOf((await ask(bad.boot().engine)).done)).toBe('upstream_error');
  expect(bad.provider.calls).toHaveLength(3);
});

test('a call that no target can make does not make them count as down: they are asked again by others', async () => {
  const world = alone({ retryWaitMs: 600 });
  const { engine } = world.boot();
  world.provider.follow(BROKEN);
  for (let n = 1; n <= 2; n++) {
    expect(await codeOf((await ask(engine)).done)).toBe('upstream_error');
    expect(world.provider.calls).toHaveLength(3 * n);
  }
  // The third that fails takes it down: then nobody waits for its tries.
  expect(await codeOf((await ask(engine)).done)).toBe('upstream_error');
  expect(await codeOf(ask(engine))).toBe('no_target_available');
});

test('the others come first, and those that failed again after them', async () => {
  const world = new World({ places: [target('up-1', 'local'), target('up-2', 'local'), home('local', 'local')] });
  const { engine } = world.boot();
  world.provider.inTurn(BROKEN, BROKEN, WELL);
  expect((await (await ask(engine)).done).status).toBe('completed');
  const [one, two, three] = world.provider.calls.map(call => call.upstream.target);
  expect([one !== two, [one, two].includes(three)]).toEqual([true, true]);
});

test.each([
  ['one that would fail again is not asked again', fails('upstream_credentials', { retryable: true, status: 401 })],
  ['nor one that knows no such model', fails('upstream_rejected', { retryable: true, status: 404 })],
  ['nor for what is refused', fails('upstream_rejected', { status: 400 })],
  [
    'nor one that asks for more time than may be waited',
    fails('upstream_rate_limited', { retryable: true, status: 429, retryAfterMs: 5001 }),
  ],
])('%s', async (_, script) => {
  const world = alone();
  world.provider.inTurn(script, WELL);
  expect(await codeOf((await ask(world.boot().engine)).done)).not.toBe(null);
  expect(world.provider.calls).toHaveLength(1);
});

test('one that failed for good is left out where the others are asked again', async () => {
  const world = new World({ places: [target('up-1', 'local'), target('up-2', 'local'), home('local', 'local')] });
  world.provider.inTurn(BROKEN, fails('upstream_credentials', { retryable: true, status: 401 }), WELL);
  expect((await (await ask(world.boot().engine)).done).status).toBe('completed');
  const [one, , three] = world.provider.calls.map(call => call.upstream.target);
  expect(three).toBe(one);
});

test('with no time to wait it fails as it did, with the reason of the target', async () => {
  for (const limits of [{ retryWaitMs: 0 }, { turnMs: 60 }]) {
    const world = alone(limits);
    world.provider.inTurn(BROKEN, WELL);
    expect([limits, await codeOf((await ask(world.boot().engine)).done)]).toEqual([limits, 'upstream_error']);
    expect(world.provider.calls).toHaveLength(1);
  }
});

test('A1: a process that dies in the pause has what failed on its log, and the next one goes on', async () => {
  const world = alone({ retryWaitMs: 60_000 });
  const first = world.boot();
  // It asks for so long a time that the pause lasts until the process is gone.
  world.provider.inTurn(fails('upstream_error', { retryable: true, status: 503, retryAfterMs: 15_000 }), WELL);
  const response = await ask(first.engine, { background: true });
  const [store] = first.stores as [HomeStore];
  const events = async () => {
    const row = await store.response(ACME.tenant, response.id);
    return row === null ? [] : store.events({ tenant: ACME.tenant, session: row.session, from: 1, limit: 100 });
  };
  await until(() => world.provider.calls.length === 1, 'the call');
  await new Promise(resolve => setImmediate(resolve));
  const before = (await events()).length;
  world.pass(60_000);
  const second = world.boot();
  await second.engine.recover();
  const { engine } = second;
  for (let i = 0; i < 200 && (await engine.response(ACME, response.id)).status !== 'completed'; i++)
    await new Promise(resolve => setTimeout(resolve, 10));
  expect(await engine.response(ACME, response.id)).toMatchObject({ status: 'completed' });
  expect(world.provider.calls).toHaveLength(2);
  expect((await events()).length).toBeGreaterThan(before);
});

test('a turn that is cancelled in the pause ends at once, without another call', async () => {
  const world = alone({ retryWaitMs: 60_000, turnMs: 600_000 });
  const { engine } = world.boot();
  world.provider.inTurn(fails('upstream_error', { retryable: true, status: 503, retryAfterMs: 60_000 }), WELL);
  const { id } = await ask(engine, { background: true });
  await until(() => world.provider.calls.length === 1, 'the call');
  await new Promise(resolve => setTimeout(resolve, 20));
  expect((await engine.cancelResponse(ACME, id)).status).toBe('cancelled');
  expect(world.provider.calls).toHaveLength(1);
});

test.each<readonly [name: string, script: CallScript, calls: number]>([
  ['was not reached', fails('upstream_error', { retryable: true }), 2],
  ['is back soon', fails('upstream_error', { retryable: true, status: 503, retryAfterMs: STATELESS_PAUSE_MS }), 2],
  ['is full, and soon not', fails('upstream_rate_limited', { retryable: true, status: 429, retryAfterMs: 10 }), 2],
  ['is back later', fails('upstream_error', { retryable: true, status: 503, retryAfterMs: STATELESS_PAUSE_MS + 1 }), 1],
  ['does not say when', fails('upstream_error', { retryable: true, status: 503 }), 1],
  ['broke', BROKEN, 1],
  ['hung', fails('upstream_timeout', { retryable: true }), 1],
])('a stateless call whose only target %s', async (_, script, calls) => {
  const wait = async (world: World, outcome: string | null): Promise<void> => {
    const { engine } = world.boot();
    const { signal } = new AbortController();
    // The clock of the target's health stands still: it is let go on with the pause.
    const moved = setInterval(() => world.pass(50), 5);
    const made = await engine.stateless({
      caller: ACME,
      request: request({ store: false }),
      extra: {},
      labels: [],
      signal,
    });
    expect((await codeOf(made.answer())) === null ? null : 'failed').toBe(outcome);
    clearInterval(moved);
  };
  const passing = alone();
  passing.provider.inTurn(script, WELL);
  await wait(passing, calls === 2 ? null : 'failed');
  expect(passing.provider.calls).toHaveLength(calls);
  // Once more, and no more.
  const lasting = alone();
  lasting.provider.follow(script);
  await wait(lasting, 'failed');
  expect(lasting.provider.calls).toHaveLength(calls);
});
