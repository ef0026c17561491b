/** A data folder that no server holds, opened for a command: its lock and its homes. */
import { randomFillSync } from 'node:crypto';
import { type Clock, type Ids, isStoreError } from '../engine/ports.ts';
import { type HomeId, makeIds } from '../kernel/ids.ts';
import type { HomeStore } from '../store/home-store.ts';
import { acquireDataLock, type DataLock } from '../store/sqlite/data-lock.ts';
import { openSqliteHome } from '../store/sqlite/open-sqlite-home.ts';
import type { Config } from './config/config.ts';

export interface DataFolder {
  /** As configured; the first is the control home. */
  readonly stores: readonly HomeStore[];
  readonly control: HomeStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Closes the homes, then lets the folder go. */
  readonly close: () => Promise<void>;
}

/**
 * Null if another process holds the folder.
 * @throws StoreError if it cannot be written, or a home cannot be opened; the lock is let go then
 */
export async function openDataFolder(config: Pick<Config, 'data' | 'homes'>): Promise<DataFolder | null> {
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
      stores.push(await openSqliteHome({ dir: config.data, home: id as HomeId, clock, exclusive: true }));
    const [control] = stores;
    if (control === undefined) throw new Error('a deployment needs a home');
    return { stores, control, clock, ids: makeIds(clock, into => randomFillSync(into)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Null if another process holds it. */
function tryLock(data: string): DataLock | null {
  try {
    return acquireDataLock(data);
  } catch (error) {
    if (isStoreError(error) && error.storeError === 'store_locked') return null;
    throw error;
  }
}
