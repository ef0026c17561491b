/** A data folder that no server holds, opened for a command: its lock and its homes. */
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, type Ids, isStoreError } from '../engine/ports.ts';
import { type HomeId, makeIds } from '../kernel/ids.ts';
import type { HomeStore } from '../store/home-store.ts';
import type { DataLock } from '../store/sqlite/data-lock.ts';
import { openSqliteHome } from '../store/sqlite/open-sqlite-home.ts';
import type { Config } from './config/config.ts';
import { holdDataFolder } from './server-file.ts';

export interface DataFolder {
  /** As configured, those that are there; the first is the control home. */
  readonly stores: readonly HomeStore[];
  readonly control: HomeStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Closes the homes, then lets the folder go. */
  readonly close: () => Promise<void>;
}

/**
 * Null if another process holds the folder.
 * @param how `look` opens the homes that have a file, `make` all of them
 * @throws StoreError if it cannot be written, or a home cannot be opened; the lock is let go then
 */
export async function openDataFolder(
  config: Pick<Config, 'data' | 'homes'>,
  how: 'look' | 'make',
): Promise<DataFolder | null> {
  const lock = tryLock(config.data);
  if (lock === null) return null;
  const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const stores: HomeStore[] = [];
  const close = async (): Promise<void> => {
    try {
      await Promise.all(stores.map(store => store.close()));
    } finally {
      lock.release();
    }
  };
  try {
    for (const { id } of config.homes)
      if (how === 'make' || existsSync(join(config.data, `${id}.db`)))
        stores.push(await openSqliteHome({ dir: config.data, home: id as HomeId, clock, exclusive: true }));
    const [control] = stores;
    if (control === undefined) throw new Error('a deployment needs a home');
    return { stores, control, clock, ids: makeIds(clock, into => randomFillSync(into)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Whether another process holds the folder. Makes nothing. @throws StoreError if it cannot be used */
export function folderInUse(data: string): boolean {
  if (!existsSync(join(data, 'perdure.lock'))) return false;
  const lock = tryLock(data);
  lock?.release();
  return lock === null;
}

/** Null if another process holds it. */
function tryLock(data: string): DataLock | null {
  try {
    return holdDataFolder(data);
  } catch (error) {
    if (isStoreError(error) && error.storeError === 'store_locked') return null;
    throw error;
  }
}
