/** How a home's file is opened. */
import { DatabaseSync } from 'node:sqlite';
import type { WorkerSetup } from './messages.ts';

/** ms to wait for another process that holds the file (a backup, a person with a shell) before giving up. */
export const BUSY_MS = 2000;
/**
 * Of a new file. A commit of one turn touches a dozen pages, each of which is copied, summed and written: with pages of 8 KiB a stored turn took 7% longer.
 * A file keeps the size that it was made with.
 */
export const PAGE_BYTES = 4096;

/** KiB of pages that the writer and the reader keep; taken as they are used. */
const WRITER_CACHE_KIB = 8192;
const READER_CACHE_KIB = 4096;

const SHARED = `
PRAGMA busy_timeout = ${BUSY_MS};
PRAGMA temp_store = MEMORY;
PRAGMA trusted_schema = OFF;
`;

/**
 * `secure_delete`: what is erased is overwritten in the file. `wal_autocheckpoint = 0`: a checkpoint inside a commit would be waited for by
 * those whose events it holds; the writer folds between groups instead. `fullfsync`: on macOS fsync alone does not reach the disk.
 */
export function openForWriting(setup: WorkerSetup): DatabaseSync {
  const db = new DatabaseSync(setup.path);
  db.exec(SHARED);
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA secure_delete = ON;`);
  db.exec('PRAGMA journal_mode = WAL');
  db.exec(`
    PRAGMA synchronous = ${setup.synchronous};
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA cache_size = -${WRITER_CACHE_KIB};
  `);
  if (setup.maxPages !== null) db.exec(`PRAGMA max_page_count = ${setup.maxPages}`);
  return db;
}

/** Bytes of a page of this file. */
export function pageBytesOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA page_size').get()?.['page_size']);
}

export function openForReading(setup: WorkerSetup): DatabaseSync {
  const db = new DatabaseSync(setup.path, { readOnly: true });
  db.exec(SHARED);
  db.exec(`PRAGMA cache_size = -${READER_CACHE_KIB}`);
  return db;
}
