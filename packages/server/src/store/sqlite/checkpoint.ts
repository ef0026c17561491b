/**
 * Folding the write-ahead log into the file. It is done between groups, after their answers have gone out: nobody waits for it but
 * who comes meanwhile.
 *
 *  - Idle, with more than `IDLE_PAGES` written: fold now, so that a later burst finds the log short.
 *  - Busy, with more than `BUSY_PAGES`: fold anyway. That bounds the log's file, and how long an opening after a crash takes.
 *  - The file of the log is not truncated by that: writing over it again is cheaper to fsync than making it longer.
 *  - After an erasure it is truncated, because old pages in it still hold what was erased (L13).
 */
import type { DatabaseSync } from 'node:sqlite';
import { point } from './kill-point.ts';
import { BUSY_MS, PAGE_BYTES } from './connection.ts';

/** Pages that are 4 MiB. */
export const IDLE_PAGES: number = (4 * 1024 * 1024) / PAGE_BYTES;
/** Pages that are 32 MiB. */
export const BUSY_PAGES: number = (32 * 1024 * 1024) / PAGE_BYTES;
/** Pages that a change dirties beside those that its texts fill: one of each table and index that the first commit of a turn touches. */
const PAGES_A_CHANGE = 10;

export interface Checkpointer {
  wrote(changes: number, chars: number): void;
  erased(): void;
  /** Does what is due; `idle`: nothing waits. False if an erasure is still to be scrubbed: call again soon. Never throws. */
  rest(idle: boolean): boolean;
  /** Folds everything and empties the log's file; false if a reader was in the way. */
  truncate(): boolean;
}

export function makeCheckpointer(db: DatabaseSync): Checkpointer {
  const passive = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  const truncate = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  /** Pages in the log: an estimate from above for appends, corrected by every checkpoint. */
  let pages = 0;
  let scrub = false;

  function emptied(): boolean {
    point('checkpoint.before');
    const row = truncate.get();
    point('checkpoint.after');
    if (row?.['busy'] !== 0) return false;
    pages = 0;
    scrub = false;
    return true;
  }

  function fold(): void {
    point('checkpoint.before');
    const row = passive.get();
    pages = Number(row?.['log'] ?? 0) - Number(row?.['checkpointed'] ?? 0);
    point('checkpoint.after');
  }

  /** Without waiting for readers: the next changes would wait too. */
  function scrubbed(): boolean {
    db.exec('PRAGMA busy_timeout = 0');
    try {
      return emptied();
    } finally {
      db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    }
  }

  return {
    wrote(changes, chars) {
      pages += changes * PAGES_A_CHANGE + Math.ceil(chars / PAGE_BYTES);
    },
    erased() {
      scrub = true;
    },
    rest(idle) {
      try {
        if (scrub && idle) return scrubbed();
        if (pages >= (idle ? IDLE_PAGES : BUSY_PAGES)) fold();
        return true;
      } catch {
        // The disk is full or fails. Nothing is lost: the log keeps what was committed, and the next rest tries again.
        return !scrub;
      }
    },
    truncate: emptied,
  };
}
