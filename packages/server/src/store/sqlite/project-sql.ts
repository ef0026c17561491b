/** Carries projection changes out. What they mean is decided in `session/project.ts`. */
import type { DatabaseSync } from 'node:sqlite';
import type { ProjectionChange } from '../../log/rows.ts';
import { DOOM } from './file-sql.ts';
import { DELETED, RESPONSE_STATUSES } from './schema.ts';

export interface ProjectedSession {
  readonly n: number;
  readonly t: number;
  readonly id: string;
}

/** Where the first event of the commit under way lies; the others follow it. */
export interface FirstEvent {
  readonly seq: number;
  readonly e: number;
}

export interface Projector {
  /**
   * False if a response of that id is there already; the caller rolls back.
   * @param first saves looking for the events that were laid down just now
   */
  apply(session: ProjectedSession, change: ProjectionChange, first?: FirstEvent): boolean;
  /** Removes all projections of a session. */
  drop(session: ProjectedSession): void;
}

const IN_PROGRESS = RESPONSE_STATUSES.indexOf('in_progress');

export function makeProjector(db: DatabaseSync): Projector {
  const open = db.prepare(
    'INSERT OR IGNORE INTO responses (id, n, status, from_seq, to_seq, position, t, at) VALUES (?, ?, ?, ?, 0, 0, ?, ?)',
  );
  const close = db.prepare('UPDATE responses SET status = ?, to_seq = ?, position = ? WHERE id = ? AND n = ?');
  // Where a deleted response ended is kept below zero: what is retained for living ones is a maximum and does not see it.
  const remove = db.prepare(
    'UPDATE responses SET status = ?, to_seq = -abs(to_seq), position = -abs(position) WHERE id = ? AND n = ?',
  );
  const addRun = db.prepare('INSERT INTO runs (n, position, count, seq, base) VALUES (?, ?, ?, ?, ?)');
  const dropRuns = db.prepare('DELETE FROM runs WHERE n = ? AND position > ?');
  const findRun = db.prepare(
    'SELECT position, count, deleted FROM runs WHERE n = ? AND position <= ? ORDER BY position DESC LIMIT 1',
  );
  const markRun = db.prepare('UPDATE runs SET deleted = ? WHERE n = ? AND position = ?');
  const findEvent = db.prepare('SELECT e FROM events WHERE n = ? AND seq = ?');
  const place = db.prepare('INSERT INTO placements (t, e, at) VALUES (?, ?, ?)');
  const fork = db.prepare('INSERT OR REPLACE INTO forks (n, child, upto) VALUES (?, ?, ?)');
  const erase = db.prepare(
    'UPDATE payloads SET payload = NULL, salt = NULL WHERE e IN (SELECT e FROM events WHERE n = ? AND seq > ? AND seq < ?) AND payload IS NOT NULL',
  );
  const doomOwned = db.prepare(`${DOOM} WHERE owner = ? AND owner_seq > ? AND owner_seq < ? AND status <> 2`);
  const due = db.prepare('INSERT OR IGNORE INTO erasures (n) VALUES (?)');
  const done = db.prepare('DELETE FROM erasures WHERE n = ?');
  const drops = [
    done,
    db.prepare('DELETE FROM responses WHERE n = ?'),
    db.prepare('DELETE FROM runs WHERE n = ?'),
    db.prepare('DELETE FROM forks WHERE n = ?'),
  ];
  const unplace = db.prepare('DELETE FROM placements WHERE t = ? AND e IN (SELECT e FROM events WHERE n = ?)');

  function deleteItem(n: number, position: number): void {
    const run = findRun.get(n, position);
    const start = Number(run?.['position'] ?? 0);
    const index = position - start;
    if (run === undefined || index >= Number(run['count'])) return;
    const deleted = parseDeleted(run['deleted']);
    if (deleted.includes(index)) return;
    markRun.run(JSON.stringify([...deleted, index].sort((a, b) => a - b)), n, start);
  }

  function eventAt(n: number, seq: number, first: FirstEvent | undefined): number | null {
    if (first !== undefined && seq >= first.seq) return first.e + seq - first.seq;
    const e = findEvent.get(n, seq)?.['e'];
    return e === undefined ? null : Number(e);
  }

  return {
    apply({ n, t, id }, change, first): boolean {
      switch (change.type) {
        case 'response_opened':
          return open.run(change.id, n, IN_PROGRESS, change.fromSeq, t, change.at).changes === 1;
        case 'response_closed':
          close.run(RESPONSE_STATUSES.indexOf(change.status), change.toSeq, change.position, change.id, n);
          break;
        case 'response_deleted':
          remove.run(DELETED, change.id, n);
          break;
        case 'run_added':
          addRun.run(n, change.position, change.count, change.seq, change.base);
          break;
        case 'runs_dropped':
          dropRuns.run(n, change.position);
          break;
        case 'item_deleted':
          deleteItem(n, change.position);
          break;
        case 'placed': {
          const e = eventAt(n, change.seq, first);
          if (e !== null) place.run(t, e, change.at);
          break;
        }
        case 'forked':
          fork.run(n, change.child, change.to);
          break;
        case 'payloads_erased':
          erase.run(n, change.after, change.before);
          doomOwned.run(id, change.after, change.before);
          break;
        case 'erasure_due':
          due.run(n);
          break;
        case 'erasure_done':
          done.run(n);
          break;
      }
      return true;
    },
    drop({ n, t }) {
      for (const statement of drops) statement.run(n);
      unplace.run(t, n);
    },
  };
}

/** The indices kept in `runs.deleted`. */
export function parseDeleted(text: unknown): readonly number[] {
  return typeof text === 'string' ? (JSON.parse(text) as number[]) : [];
}
