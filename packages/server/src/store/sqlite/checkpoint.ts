/**
 * Folding the write-ahead log into the file. It is done between groups, after their answers have gone out: nobody waits for it but
 * who comes meanwhile. It takes some ten times as long as a commit, so it is put off until few come.
 *
 *  - Quiet, nothing for `QUIET_MS`, with more than `QUIET_BYTES` written: fold now, so that a later burst finds the log short.
 *  - Busy, with more than the bound: fold anyway. That bounds the log's file, and how long an opening after a crash takes.
 *  - The file of the log is not truncated by that: writing over it again is cheaper to fsync than making it longer.
 *  - After an erasure it is truncated, as soon as nothing waits and after `SCRUB_LATEST_MS` whatever waits, because old pages in it still
 *    hold what was erased (L13). But not twice within `SCRUB_APART_MS`: each time takes several commits' time, and those that follow write to a file
 *    that grows, which takes longer to fsync.
 */
import type { DatabaseSync } from 'node:sqlite';
import { point } from './kill-point.ts';
import { BUSY_MS, pageBytesOf } from './connection.ts';

/** What a quiet home may leave in its log. */
export const QUIET_BYTES: number = 4 * 1024 * 1024;
/** What a busy one may have there, unless it is told otherwise. */
export const DEFAULT_LOG_BYTES: number = 32 * 1024 * 1024;
/** How long nothing may have come, ms, for a home to count as quiet: callers that take turns come more often. */
export const QUIET_MS = 50;
/** Erasures that a reader kept from being scrubbed are tried again after so many ms. */
const SCRUB_RETRY_MS = 250;
/** How long a busy home may put a scrub off. */
const SCRUB_LATEST_MS = 5000;
/** From one scrub to the next, unless it is late. */
export const SCRUB_APART_MS = 1000;
/** How long a scrub that is late waits for readers: none of ours reads for longer. If it was in vain, a stranger reads: not again soon. */
const SCRUB_WAIT_MS = 500;
const SCRUB_WAIT_AGAIN_MS = 10_000;
/** Pages that a change dirties beside those that its texts fill: one of each table and index that the first commit of a turn touches. */
const PAGES_A_CHANGE = 10;

/** `busy`: something waits. `idle`: nothing does. `quiet`: nothing has come for as long as the last rest asked for. */
export type Pace = 'busy' | 'idle' | 'quiet';

export interface Checkpointer {
  wrote(changes: number, chars: number): void;
  erased(): void;
  /** Does what is due. @returns after how many ms without work it is to be called again, as `quiet`; null: not before more was written. Never throws. */
  rest(pace: Pace): number | null;
  /** Folds everything and empties the log's file; false if a reader was in the way. */
  truncate(): boolean;
}

/**
 * @param logBytes what the log may hold while the home is busy
 * @param tidy done before a scrub; false if it must come again
 */
export function makeCheckpointer(db: DatabaseSync, logBytes: number, tidy: () => boolean = () => true): Checkpointer {
  const pageBytes = pageBytesOf(db);
  const most = Math.floor(logBytes / pageBytes);
  const quiet = Math.min(most, QUIET_BYTES / pageBytes);
  const passive = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  const truncate = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  /** Pages in the log: an estimate from above for appends, corrected by every checkpoint. */
  let pages = 0;
  let scrub = false;
  let erasedAt = 0;
  let scrubbedAt = Number.NEGATIVE_INFINITY;
  let lateAgainAt = 0;

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

  /** Without waiting for readers, unless it is late: the next changes would wait too. */
  function scrubbed(late: boolean): boolean {
    db.exec(`PRAGMA busy_timeout = ${late ? SCRUB_WAIT_MS : 0}`);
    try {
      const tidied = tidy();
      const done = emptied() && tidied;
      if (late && !done) lateAgainAt = performance.now() + SCRUB_WAIT_AGAIN_MS;
      scrub = !done;
      if (done) scrubbedAt = performance.now();
      return done;
    } finally {
      db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    }
  }

  return {
    wrote(changes, chars) {
      pages += changes * PAGES_A_CHANGE + Math.ceil(chars / pageBytes);
    },
    erased() {
      if (!scrub) erasedAt = performance.now();
      scrub = true;
    },
    rest(pace) {
      try {
        const late = scrub && performance.now() > Math.max(erasedAt + SCRUB_LATEST_MS, lateAgainAt);
        const rests = scrub && pace === 'idle' ? scrubbedAt + SCRUB_APART_MS - performance.now() : 0;
        if (scrub && (late || (pace !== 'busy' && rests <= 0))) return scrubbed(late) ? null : SCRUB_RETRY_MS;
        if (pages >= (pace === 'quiet' ? quiet : most)) fold();
        if (rests > 0) return rests;
      } catch {
        // The disk is full or fails. Nothing is lost: the log keeps what was committed, and the next rest tries again.
        return scrub ? SCRUB_RETRY_MS : null;
      }
      return pace === 'idle' && pages >= quiet ? QUIET_MS : null;
    },
    truncate: emptied,
  };
}
