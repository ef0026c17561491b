/** A server that is stopped while it still takes up what was left, and one whose store has died. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { storeError } from '../store/store-error.ts';
import { openSqliteHome } from '../store/sqlite/open-sqlite-home.ts';
import { composeServer, type ComposeOptions, systemClock } from './compose.ts';
import { parseConfig } from './config/load.ts';
import { makeReadiness } from './readiness.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perdure-ready-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const TEXT = `
listen: {port: 0}
data: data
contracts: [none]
targets:
  - {id: az, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "http://127.0.0.1:1/v1"}
homes:
  - {id: first, cloud: azure, region: eastus2}
  - {id: second, cloud: azure, region: eastus2}
`;
const composed = (options: ComposeOptions, text = TEXT) =>
  composeServer(parseConfig(text, { file: 'perdure.yaml', env: {}, base: dir }).config, options);

test('a stop right after the start waits for what recovery still reads, and says nothing', async () => {
  const order: string[] = [];
  const lines: string[] = [];
  const gate = Promise.withResolvers<void>();
  const reading = Promise.withResolvers<void>();
  const server = await composed({
    log: line => lines.push(line),
    openHome: async (home, folder) => {
      const store = await openSqliteHome({ dir: folder, home, clock: systemClock, exclusive: true });
      return {
        ...store,
        async open(after, limit) {
          reading.resolve();
          await gate.promise;
          const rows = await store.open(after, limit);
          order.push(`${home} read`);
          return rows;
        },
        async close() {
          order.push(`${home} closed`);
          await store.close();
        },
      };
    },
  });
  await reading.promise;
  const closing = server.close();
  // Long enough for a stop that waits for nothing to have closed the stores.
  await delay(300);
  gate.resolve();
  await closing;
  await server.recovered;
  expect(order).toEqual(['first read', 'first closed', 'second closed']);
  expect(lines).toEqual([]);
}, 30_000);

test('a thread of a store that died is told of, /readyz names its home with 503, and it comes back', async () => {
  const lines: string[] = [];
  const threads: Worker[] = [];
  const born = (thread: Worker): void => void threads.push(thread);
  process.on('worker', born);
  const server = await composed({
    log: line => lines.push(line),
    openHome: (home, folder, how) => openSqliteHome({ dir: folder, home, clock: systemClock, exclusive: true, ...how }),
  });
  process.off('worker', born);
  const ready = async () => {
    const answer = await fetch(`${server.url}/readyz`);
    return [answer.status, await answer.json()] as const;
  };
  const ask = () =>
    fetch(`${server.url}/v1/conversations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"metadata":{"a":"1"}}',
    });
  try {
    await server.recovered;
    const checks = (first: boolean) => [
      { name: 'recovery', ok: true },
      { name: 'store:first', ok: first },
      { name: 'store:second', ok: true },
    ];
    expect(await ready()).toEqual([200, { status: 'ready', checks: checks(true) }]);
    expect((await ask()).status).toBe(200);
    const writer = threads.filter(thread => thread.threadName?.includes('writer'))[0];
    await writer?.terminate();
    expect(await ready()).toEqual([503, { status: 'unavailable', checks: checks(false) }]);
    await vi.waitFor(async () => expect(await ready()).toEqual([200, { status: 'ready', checks: checks(true) }]), 5000);
    await vi.waitFor(async () => expect((await ask()).status).toBe(200), 5000);
    // What follows the log may have asked meanwhile, and says so.
    expect(lines.filter(line => line.startsWith('home first'))).toEqual([
      "home first: the store's writer ended (1): its requests fail with store_unavailable until it is back, which is being tried",
      'home first: its writer is back',
    ]);
  } finally {
    await server.close();
  }
}, 30_000);

test.each(['hangs', 'is full'])(
  'a store that %s is not ready, and is again once it is well',
  async how => {
    let ill = false;
    const server = await composed(
      {
        log: () => undefined,
        openHome: async (home, folder) => {
          const store = await openSqliteHome({ dir: folder, home, clock: systemClock, exclusive: true });
          if (home !== 'second') return store;
          const answer = (): Promise<never> =>
            how === 'hangs' ? new Promise(() => undefined) : Promise.reject(storeError('store_full', 'no space left'));
          return { ...store, renew: (...args) => (ill ? answer() : store.renew(...args)) };
        },
      },
      `${TEXT}limits: {store_ms: 100}\n`,
    );
    const ready = async () => {
      const answer = await fetch(`${server.url}/readyz`);
      const { status, checks } = (await answer.json()) as { status: string; checks: { name: string; ok: boolean }[] };
      return [answer.status, status, checks.filter(({ ok }) => !ok).map(({ name }) => name)];
    };
    try {
      await server.recovered;
      expect(await ready()).toEqual([200, 'ready', []]);
      ill = true;
      await vi.waitFor(async () => expect(await ready()).toEqual([503, 'unavailable', ['store:second']]), 15_000);
      ill = false;
      await vi.waitFor(async () => expect(await ready()).toEqual([200, 'ready', []]), 15_000);
    } finally {
      await server.close();
    }
  },
  60_000,
);

test('a stop outweighs all else, and what is not recovered is starting', () => {
  const readiness = makeReadiness(['a']);
  expect(readiness.now()).toEqual({
    status: 'starting',
    checks: [
      { name: 'recovery', ok: false },
      { name: 'store:a', ok: true },
    ],
  });
  readiness.recovered();
  expect(readiness.now().status).toBe('ready');
  readiness.threadDied('a', 'reader');
  expect(readiness.now().status).toBe('unavailable');
  readiness.drain();
  expect([readiness.now().status, readiness.draining]).toEqual(['draining', true]);
});
