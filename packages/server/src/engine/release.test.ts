/** L2: nothing is shown before it is durable; L3: a turn keeps its lease as long as it runs, and one that lost it does nothing more. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HomeId } from '../kernel/ids.ts';
import type { Step } from '../log/steps.ts';
import type { HomeStore } from '../store/home-store.ts';
import { openSqliteHome } from '../store/sqlite/open-sqlite-home.ts';
import { DyingStore } from './crash.test-support.ts';
import { batches, message, thenHang } from './scripted-provider.test-support.ts';
import { ACME, ask, codeOf, gate, LIMITS, read, until, World } from './world.test-support.ts';

/** Shows what a reader was shown so far. */
function reading(stream: AsyncIterable<readonly { readonly json: string }[]>): {
  readonly shown: string[];
  readonly end: Promise<string | null>;
} {
  const shown: string[] = [];
  const end = codeOf(
    (async () => {
      for await (const batch of stream) shown.push(...batch.map(({ json }) => json));
    })(),
  );
  return { shown, end };
}

const rest = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve));
};

describe('L2: a reader', () => {
  test('is shown a delta once it is durable, and not before', async () => {
    const world = new World();
    const held = gate();
    const released: string[] = [];
    const { engine } = world.boot({
      wrap: store => ({
        ...store,
        release: async one => {
          released.push(one.steps);
          await held.opened;
          return store.release(one);
        },
      }),
    });
    world.provider.follow(() => batches(message('Hello')));
    const response = await ask(engine, { stream: true });
    const { shown, end } = reading(response.events());
    await until(() => released.length === 1, 'the first release');
    await rest();
    // The beginning was durable before it was acknowledged; nothing of the answer is.
    expect(shown.map(json => (JSON.parse(json) as { type: string }).type)).toEqual([
      'response.created',
      'response.in_progress',
    ]);
    held.open();
    expect(await end).toBeNull();
    expect(shown.at(-1)).toContain('response.completed');
  });

  test('is shown the end once the end is durable, and not before', async () => {
    const world = new World();
    const held = gate();
    const { engine } = world.boot({
      wrap: store => ({
        ...store,
        append: async one => {
          if (one.expectedSeq > 0) await held.opened;
          return store.append(one);
        },
      }),
    });
    const response = await ask(engine, { stream: true });
    const { shown, end } = reading(response.events());
    let done = false;
    void response.done.then(() => (done = true));
    await until(() => world.provider.calls.length === 1, 'the call');
    await rest();
    expect(shown.join('')).not.toMatch(/response.completed|response.output_item.done.*completed.*response.completed/);
    expect(done).toBe(false);
    held.open();
    expect(await end).toBeNull();
    expect(done).toBe(true);
  });

  test('of which there is none costs no journal: nothing could be retracted', async () => {
    const world = new World();
    let releases = 0;
    const { engine } = world.boot({
      wrap: store => ({ ...store, release: one => ((releases += 1), store.release(one)) }),
    });
    world.provider.follow(() => batches(message('Hel', 'lo')));
    await (await ask(engine)).done;
    expect(releases).toBe(0);
    await (await ask(engine, { stream: true })).done;
    expect(releases).toBeGreaterThan(0);
  });

  test('steps that come while a group is on its way go together with the next', async () => {
    const world = new World();
    const held = gate();
    const groups: number[] = [];
    const { engine } = world.boot({
      wrap: store => ({
        ...store,
        release: async one => {
          groups.push((JSON.parse(one.steps) as Step[]).length);
          if (groups.length === 1) await held.opened;
          return store.release(one);
        },
      }),
    });
    const deltas = Array.from({ length: 50 }, (_, i) => `${i} `);
    world.provider.follow(async function* (call) {
      yield* thenHang(message(...deltas).slice(0, 52), call);
    });
    const response = await ask(engine, { stream: true });
    const { shown } = reading(response.events());
    await until(() => groups.length === 1, 'the first group');
    await rest();
    held.open();
    await until(() => shown.length === 54, 'all that was released');
    expect(groups.reduce((sum, n) => sum + n, 0)).toBe(52);
    expect(groups.length).toBeLessThan(5);
    response.done.catch(() => undefined);
    await engine.drain(0);
  });
});

describe('L3', () => {
  test('a turn that runs longer than its lease is renewed, so that nobody takes it over', async () => {
    const leaseMs = 2500;
    const world = new World({ limits: { leaseMs } });
    world.provider.follow(one => thenHang(message('a').slice(0, 3), one));
    const { engine } = world.boot();
    const response = await ask(engine, { stream: true });
    response.done.catch(() => undefined);
    const other = world.boot();
    for (let i = 0; i < 3; i++) {
      world.pass(leaseMs * 0.6);
      await new Promise(resolve => setTimeout(resolve, leaseMs / 5 + 100));
      expect(await other.engine.recover()).toMatchObject({ turns: 0, failed: 1 });
    }
    await Promise.all([engine.drain(0), other.engine.drain(0)]);
  });

  test('a release under an epoch that is past shows nothing, and the turn is left to its new holder', async () => {
    const world = new World();
    const held = gate();
    world.provider.inTurn(
      async function* () {
        yield message('Half').slice(0, 3);
        await held.opened;
        yield [{ type: 'delta', index: 0, part: 0, text: ' and more' }];
      },
      () => batches(message('Answer')),
    );
    const old = world.boot({ limits: { firstByteMs: 20_000, idleMs: 20_000 } });
    const response = await ask(old.engine, { stream: true });
    const { shown, end } = reading(response.events());
    await until(() => shown.length === 5, 'the first half');
    await old.engine.drain(0);
    world.pass(LIMITS.leaseMs + 1);
    const other = world.boot();
    expect(await other.engine.recover()).toMatchObject({ turns: 1 });
    await until(() => other.engine.busy === 0, 'the takeover');
    held.open();
    // Its reader goes on with what the new holder left in the log.
    expect(await end).toBeNull();
    expect(shown.join('')).not.toContain('and more');
    const whole = await read(await other.engine.stream(ACME, response.id, -1));
    expect(shown).toEqual(whole);
    expect(whole.join('')).toContain('Answer');
  });
});

describe('L2: on a real disk', () => {
  test('what was acknowledged and shown is there for the next process, whatever write the last one died at', async () => {
    const cuts = [
      { at: 3, when: 'before' },
      { at: 4, when: 'after' },
    ] as const;
    for (const cut of cuts) {
      const dir = await mkdtemp(join(tmpdir(), 'perdure-engine-'));
      const world = new World();
      const open = (): Promise<HomeStore> => openSqliteHome({ dir, home: 'local' as HomeId, clock: world.clock });
      try {
        world.provider.inTurn(
          () => batches(message('Hel', 'lo', '!')),
          () => batches(message('Answer')),
        );
        const first = await open();
        const dying = new DyingStore(cut);
        const dead = world.bootOn([dying.wrap(first)]);
        const response = await ask(dead.engine, { stream: true }).catch(() => null);
        const { shown, end } =
          response === null ? { shown: [], end: Promise.resolve(null) } : reading(response.events());
        await end;
        await dead.engine.drain(0);
        await first.close();
        world.pass(LIMITS.leaseMs + 1);
        const second = await open();
        const { engine } = world.bootOn([second]);
        await engine.recover();
        await expect.poll(() => engine.busy, { timeout: 5000, interval: 10 }).toBe(0);
        if (response !== null) {
          expect((await engine.response(ACME, response.id)).status).toBe('completed');
          const whole = await read(await engine.stream(ACME, response.id, -1));
          expect(whole.slice(0, shown.length)).toEqual(shown);
        }
        expect(await second.check()).toEqual([]);
        await second.close();
      } finally {
        await rm(dir, { recursive: true, force: true, maxRetries: 5 });
      }
    }
  }, 30_000);
});
