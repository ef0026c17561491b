/**
 * What the writer remembers between groups, so that the hot path reads nothing. All of it can be forgotten at any time and is found again in
 * the file: after a rollback it must be.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Sessions whose place is remembered; the one used least recently goes first. */
export const MAX_REMEMBERED_SESSIONS = 10_000;
export const MAX_REMEMBERED_NAMES = 10_000;

export interface KnownSession {
  readonly n: number;
  readonly t: number;
  readonly seq: number;
  readonly epoch: number;
  readonly open: boolean;
  readonly ended: boolean;
  readonly wakeAt: number | null;
}

export class WriterMemory {
  readonly #findName: StatementSync;
  readonly #addName: StatementSync;
  readonly #findSession: StatementSync;
  readonly #allSteps: StatementSync;
  readonly #names = new Map<string, number>();
  readonly #sessions = new Map<string, KnownSession>();
  /** Journal rows by session; null until the journal was read once. It holds unfinished turns only. */
  #steps: Map<number, number[]> | null = null;

  constructor(db: DatabaseSync) {
    this.#findName = db.prepare('SELECT k FROM names WHERE name = ?');
    this.#addName = db.prepare('INSERT INTO names (name) VALUES (?)');
    this.#findSession = db.prepare('SELECT n, t, seq, epoch, open, ended, wake_at FROM sessions WHERE id = ?');
    this.#allSteps = db.prepare('SELECT j, n FROM journal ORDER BY j');
  }

  /** The number of a name, given to it now if it has none. */
  name(name: string): number {
    const known = this.#names.get(name) ?? this.#findName.get(name)?.['k'];
    const k = Number(known ?? this.#addName.run(name).lastInsertRowid);
    remember(this.#names, name, k, MAX_REMEMBERED_NAMES);
    return k;
  }

  /** The number of a name, if it has one. */
  knownName(name: string): number | null {
    const known = this.#names.get(name) ?? this.#findName.get(name)?.['k'];
    return known === undefined ? null : Number(known);
  }

  session(id: string): KnownSession | null {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const row = this.#findSession.get(id);
    if (row === undefined) return null;
    const found: KnownSession = {
      n: Number(row['n']),
      t: Number(row['t']),
      seq: Number(row['seq']),
      epoch: Number(row['epoch']),
      open: row['open'] === 1,
      ended: row['ended'] === 1,
      wakeAt: row['wake_at'] === null ? null : Number(row['wake_at']),
    };
    remember(this.#sessions, id, found, MAX_REMEMBERED_SESSIONS);
    return found;
  }

  moved(id: string, to: KnownSession): void {
    remember(this.#sessions, id, to, MAX_REMEMBERED_SESSIONS);
  }

  /** Journal rows of a session, oldest first. */
  steps(n: number): readonly number[] {
    return this.#journal().get(n) ?? [];
  }

  stepAdded(n: number, j: number): void {
    const journal = this.#journal();
    const rows = journal.get(n);
    // Read for the first time just now, the journal may already show the row.
    if (rows === undefined) journal.set(n, [j]);
    else if (rows.at(-1) !== j) rows.push(j);
  }

  stepsGone(n: number): void {
    this.#steps?.delete(n);
  }

  #journal(): Map<number, number[]> {
    if (this.#steps !== null) return this.#steps;
    const steps = new Map<number, number[]>();
    for (const row of this.#allSteps.iterate()) {
      const n = Number(row['n']);
      const rows = steps.get(n);
      if (rows === undefined) steps.set(n, [Number(row['j'])]);
      else rows.push(Number(row['j']));
    }
    this.#steps = steps;
    return steps;
  }

  /** What was written since the last savepoint is undone: names and places may not be there any more. */
  undone(): void {
    this.#names.clear();
    this.#sessions.clear();
  }

  forgetAll(): void {
    this.undone();
    this.#steps = null;
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
