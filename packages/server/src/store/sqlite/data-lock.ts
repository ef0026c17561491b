/** One process per data folder (L3). The lock is the operating system's: it ends with the process, however that ends. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { storeError } from '../store-error.ts';
import { codeOf } from './sqlite-failure.ts';

export interface DataLock {
  /** Lets go. Calling it again does nothing. */
  release(): void;
}

/**
 * Takes the folder, or says at once that it is taken. SQLite's file lock is used because it is the one that Node offers on every system.
 * @throws StoreError `store_locked`; `store_unavailable` if the folder cannot be written
 */
export function acquireDataLock(dir: string): DataLock {
  let db: DatabaseSync | null = null;
  try {
    mkdirSync(dir, { recursive: true });
    db = new DatabaseSync(join(dir, 'perdure.lock'));
    db.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    const locked =
      error instanceof Error &&
      'errcode' in error &&
      typeof error.errcode === 'number' &&
      codeOf(error.errcode) === 'store_locked';
    if (locked)
      throw storeError(
        'store_locked',
        `another Perdure process is using ${dir}; stop it, or give this one another --data folder`,
        { cause: error },
      );
    throw storeError('store_unavailable', `the data folder ${dir} cannot be used: ${String(error)}`, { cause: error });
  }
  const held = db;
  let released = false;
  return {
    release() {
      if (released) return;
      released = true;
      held.close();
    },
  };
}
