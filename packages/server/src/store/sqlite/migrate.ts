/** Brings a file to the newest schema, each step in its own transaction, and refuses what it does not understand. */
import type { DatabaseSync } from 'node:sqlite';
import { APPLICATION_ID, type Migration } from './schema.ts';
import type { WorkerSetup } from './messages.ts';
import { StoreFailure } from './sqlite-failure.ts';

function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);
}

/** @throws StoreFailure `store_newer` or `store_corrupt`, having changed nothing */
export function migrate(
  db: DatabaseSync,
  migrations: readonly Migration[],
  { path, home, now }: Pick<WorkerSetup, 'path' | 'home' | 'now'>,
): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const version = pragma(db, 'user_version');
  const blank = version === 0 && pragma(db, 'schema_version') === 0;
  if (!blank && pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new StoreFailure('store_corrupt', `${path} is a database, but not one of Perdure's`);
  }
  if (version > newest) {
    throw new StoreFailure(
      'store_newer',
      `${path} has schema version ${version}; this version of Perdure knows up to ${newest}. Use the newer Perdure that wrote it.`,
    );
  }
  for (const migration of migrations) {
    if (migration.version <= version) continue;
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(migration.sql);
      if (migration.version === 1) {
        db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
        const put = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
        put.run('home', home);
        put.run('created_at', now);
      }
      db.exec(`PRAGMA user_version = ${migration.version}`);
      db.exec('COMMIT');
    } catch (error) {
      rollBack(db);
      throw error;
    }
  }
  const owner = db.prepare("SELECT value FROM meta WHERE key = 'home'").get()?.['value'];
  if (owner !== home) {
    throw new StoreFailure(
      'store_corrupt',
      `${path} belongs to the home ${JSON.stringify(owner)}, not to ${JSON.stringify(home)}`,
    );
  }
}

/** Ends a transaction that may already be gone: SQLite itself rolls back when the disk is full or fails. */
export function rollBack(db: DatabaseSync): void {
  try {
    db.exec('ROLLBACK');
  } catch {
    // There was none left: as wanted.
  }
}
