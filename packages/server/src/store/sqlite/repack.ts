/**
 * Writes the journal anew. Rows that go make SQLite move their neighbours between pages, and what it moved can stay behind in the unused
 * middle of a page, where `secure_delete` does not reach: a released delta that was erased long since. Emptying the whole table overwrites all of
 * its pages. Payloads are never deleted row by row, so their table has nothing of the kind.
 */
import type { DatabaseSync } from 'node:sqlite';

/** With so few rows it is done at once; with more not more often than every `APART_MS`. */
const FEW_ROWS = 256;
const APART_MS = 10_000;

export interface Repacker {
  /** Rows were deleted. */
  stirred(): void;
  /** False if it must wait: it was done just now, and there is much of it. */
  repack(): boolean;
}

export function makeRepacker(db: DatabaseSync): Repacker {
  const count = db.prepare('SELECT count(*) AS n FROM (SELECT 1 FROM journal LIMIT ?)');
  const all = db.prepare('SELECT j, n, epoch, call, steps FROM journal ORDER BY j');
  const clear = db.prepare('DELETE FROM journal');
  const add = db.prepare('INSERT INTO journal (j, n, epoch, call, steps) VALUES (?, ?, ?, ?, ?)');
  let dirty = true;
  let last = Number.NEGATIVE_INFINITY;
  return {
    stirred() {
      dirty = true;
    },
    repack() {
      if (!dirty) return true;
      const few = Number(count.get(FEW_ROWS + 1)?.['n']) <= FEW_ROWS;
      if (!few && performance.now() - last < APART_MS) return false;
      db.exec('BEGIN IMMEDIATE');
      try {
        const rows = all.all();
        clear.run();
        for (const { j, n, epoch, call, steps } of rows)
          add.run(Number(j), Number(n), Number(epoch), Number(call), String(steps));
        db.exec('COMMIT');
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
      dirty = false;
      last = performance.now();
      return true;
    },
  };
}
