/** Empty stores for the conformance cases: one factory an implementation. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import type { HomeId } from '../kernel/ids.ts';
import type { CaseClock, StoreFactory, StoreFixture } from './conformance-case.ts';
import type { HomeStore } from './home-store.ts';
import { emptyMemoryData } from './memory/memory-data.ts';
import { openMemoryHome } from './memory/open-memory-home.ts';
import { NOON } from './sample.ts';
import { openSqliteHome } from './sqlite/open-sqlite-home.ts';

const HOME = 'test' as HomeId;

export function caseClock(): { readonly set: CaseClock; readonly clock: Clock } {
  const set = { wall: NOON, monotonic: 1000 };
  return { set, clock: { now: () => set.wall, monotonic: () => set.monotonic } };
}

async function fixtureOf(
  open: (clock: Clock) => Promise<HomeStore>,
  dispose: () => Promise<void>,
): Promise<StoreFixture> {
  const { set, clock } = caseClock();
  const store = await open(clock);
  const handles = [store];
  return {
    store,
    clock: set,
    async reopen(how) {
      if (how === 'orderly') await handles.at(-1)?.close();
      const next = await open(clock);
      handles.push(next);
      return next;
    },
    async dispose() {
      for (const handle of handles) await handle.close();
      await dispose();
    },
  };
}

export const MEMORY: StoreFactory = {
  name: 'memory',
  create() {
    const data = emptyMemoryData();
    return fixtureOf(
      async clock => openMemoryHome({ home: HOME, clock, data }),
      async () => {},
    );
  },
};

export const SQLITE: StoreFactory = {
  name: 'sqlite',
  async create() {
    const dir = await mkdtemp(join(tmpdir(), 'perdure-store-'));
    return fixtureOf(
      clock => openSqliteHome({ dir, home: HOME, clock }),
      () => rm(dir, { recursive: true, force: true, maxRetries: 5 }),
    );
  },
};
