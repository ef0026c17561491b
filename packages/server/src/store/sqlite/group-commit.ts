/**
 * Group commit: what has come in while the last commit was under way is the next one.
 *
 * G1  Each change is a savepoint of its own. One that loses or fails is undone alone and says so; the others stay. A change that is alone in
 *     its group needs none: SQLite copies each page that is changed within a savepoint, and here the transaction itself can be undone.
 * G2  Nothing is answered before its commit has returned (L2).
 * G3  If the commit fails, every change of the group failed. What the writer remembered is forgotten and read again from the file.
 * G4  A full disk makes SQLite give up the whole transaction in the middle of a group. Then its changes are tried again one by
 *     one, so that each gets the answer that it would have had alone.
 */
import type { DatabaseSync } from 'node:sqlite';
import { point } from './kill-point.ts';
import type { ChangeOps, Handlers, Reply, Request } from './messages.ts';
import { rollBack } from './migrate.ts';
import { failureOf } from './sqlite-failure.ts';

export interface Undone {
  /** The last savepoint was rolled back. */
  undone(): void;
  /** The transaction is gone. */
  forgetAll(): void;
}

export interface GroupCommit {
  /** Carries the changes out, durably, and says what became of each, in order. */
  commit(group: readonly Request[]): readonly Reply[];
}

/** Thrown when SQLite has ended the transaction by itself. */
class TransactionLost extends Error {}

export function makeGroupCommit(db: DatabaseSync, handlers: Handlers<ChangeOps>, memory: Undone): GroupCommit {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const savepoint = db.prepare('SAVEPOINT change');
  const keep = db.prepare('RELEASE change');
  const undo = db.prepare('ROLLBACK TO change');

  function value([, op, args]: Request): unknown {
    // The names and their arguments were matched where the request was made (`worker-link.ts`).
    const handler = handlers[op as keyof ChangeOps] as (args: unknown) => unknown;
    return handler(args);
  }

  function among(request: Request): Reply {
    savepoint.run();
    try {
      const result = value(request);
      if (isLoss(result)) {
        undo.run();
        memory.undone();
      }
      keep.run();
      return [request[0], true, result];
    } catch (error) {
      memory.forgetAll();
      try {
        undo.run();
        keep.run();
      } catch {
        throw new TransactionLost('the transaction is gone', { cause: error });
      }
      return [request[0], false, failureOf(error)];
    }
  }

  /** @throws whatever made the commit fail; then nothing of the group was done */
  function together(group: readonly Request[]): readonly Reply[] {
    const releases = group.some(([, op]) => op === 'release');
    point('writer.before-begin');
    begin.run();
    const replies: Reply[] = [];
    for (const request of group) {
      if (replies.length > 0) point('writer.mid-batch');
      replies.push(among(request));
    }
    durable(releases);
    return replies;
  }

  /** @throws whatever made the change or its commit fail; then nothing was done */
  function alone(request: Request): Reply {
    point('writer.before-begin');
    begin.run();
    const result = value(request);
    if (isLoss(result)) {
      rollBack(db);
      memory.undone();
    } else {
      durable(request[1] === 'release');
    }
    return [request[0], true, result];
  }

  function durable(releases: boolean): void {
    point('writer.before-commit');
    if (releases) point('release.before-commit');
    commit.run();
    point('writer.after-commit');
    if (releases) point('release.after-commit');
  }

  function settle(group: readonly Request[]): readonly Reply[] {
    try {
      const [only, ...others] = group;
      return only === undefined || others.length > 0 ? together(group) : [alone(only)];
    } catch (error) {
      rollBack(db);
      memory.forgetAll();
      if (error instanceof TransactionLost && group.length > 1) return group.flatMap(request => settle([request]));
      const failure = failureOf(error instanceof TransactionLost ? error.cause : error);
      return group.map(([id]): Reply => [id, false, failure]);
    }
  }

  return { commit: settle };
}

function isLoss(value: unknown): boolean {
  return value === false || (typeof value === 'object' && value !== null && 'ok' in value && value.ok === false);
}
