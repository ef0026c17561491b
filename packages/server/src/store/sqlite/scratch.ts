/** For tests: a folder of its own that goes when the test ends, a home in it, and a look at the raw file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HomeId } from '../../kernel/ids.ts';
import { caseClock } from '../fixtures.ts';
import type { HomeStore } from '../home-store.ts';
import { openSqliteHome, type SqliteHomeOptions } from './open-sqlite-home.ts';

export interface Scratch extends AsyncDisposable {
  readonly dir: string;
  /** The path of the home's file. */
  readonly file: string;
  open(options?: Partial<SqliteHomeOptions>): Promise<HomeStore>;
}

export async function scratch(): Promise<Scratch> {
  const dir = await mkdtemp(join(tmpdir(), 'perdure-sqlite-'));
  const { clock } = caseClock();
  const opened: HomeStore[] = [];
  return {
    dir,
    file: join(dir, 'home.db'),
    async open(options) {
      const store = await openSqliteHome({ dir, home: 'home' as HomeId, clock, ...options });
      opened.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
