/** The keys of a data folder that no server holds. */
import { randomFillSync } from 'node:crypto';
import { isStoreError } from '../engine/ports.ts';
import { type HomeId, makeIds } from '../kernel/ids.ts';
import { acquireDataLock, type DataLock } from '../store/sqlite/data-lock.ts';
import { openSqliteHome } from '../store/sqlite/open-sqlite-home.ts';
import type { Config } from './config/config.ts';
import { openGoverned } from './govern/open.ts';
import type { KeyResource, KeySpec } from './keys/key-row.ts';
import { saleCheck } from './keys/sale.ts';
import { type CreatedKey, KeyRing, LOCAL_CALLER } from './keys.ts';

/** Where keys are made, listed and revoked. */
export interface KeyDesk {
  create(spec: KeySpec): Promise<CreatedKey>;
  list(): Promise<readonly KeyResource[]>;
  /** False if there is no such key. */
  revoke(id: string): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Null if a server holds the folder.
 * @throws StoreError
 */
export async function keysInFolder(config: Config): Promise<KeyDesk | null> {
  const [control] = config.homes;
  if (control === undefined) throw new Error('a deployment needs a home');
  const lock = tryLock(config.data);
  if (lock === null) return null;
  try {
    const clock = { now: () => Date.now(), monotonic: () => performance.now() };
    const store = await openSqliteHome({ dir: config.data, home: control.id as HomeId, clock, exclusive: true });
    const close = async (): Promise<void> => {
      await store.close();
      lock.release();
    };
    try {
      const ids = makeIds(clock, into => randomFillSync(into));
      const { active } = await openGoverned(config, { control: store, stores: [store], clock, ids, how: 'look' });
      const sale = saleCheck(
        () => active.at(clock.now()).loaded.snapshot,
        config,
        () => config.asOf?.ms ?? clock.now(),
      );
      const deps = { clock, random: (into: Uint8Array) => randomFillSync(into), home: control.id, sale };
      const ring = await KeyRing.open(store, config, deps);
      return {
        create: spec => ring.create(spec, LOCAL_CALLER.principal),
        list: () => Promise.resolve(ring.list()),
        revoke: async id => (await ring.revoke(id, LOCAL_CALLER.principal)) !== null,
        close,
      };
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Null if another process holds it. */
export function tryLock(data: string): DataLock | null {
  try {
    return acquireDataLock(data);
  } catch (error) {
    if (isStoreError(error) && error.storeError === 'store_locked') return null;
    throw error;
  }
}
