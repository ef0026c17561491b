import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import type { HomeId } from '../../kernel/ids.ts';
import { commit, snapshot } from '../conformance-case.ts';
import { ACME, entryOf, NOON, sampleSession } from '../sample.ts';
import { openForWriting } from './connection.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './schema.ts';
import { scratch } from './scratch.ts';

/** Opening a home starts two threads: on a busy machine that takes a while. */
vi.setConfig({ testTimeout: 30_000 });

const SETUP = { home: 'home', now: NOON, synchronous: 'FULL', maxPages: null } as const;

function version(path: string): unknown {
  // A file that was refused is let go a moment later, by the thread that looked at it.
  const db = new DatabaseSync(path, { timeout: 10_000 });
  try {
    return db.prepare('PRAGMA user_version').get()?.['user_version'];
  } finally {
    db.close();
  }
}

test('a file of version 1 is brought to the newest version and keeps what it holds', async () => {
  await using place = await scratch();
  const db = openForWriting({ ...SETUP, path: place.file });
  migrate(db, MIGRATIONS.slice(0, 1), { ...SETUP, path: place.file });
  db.prepare('INSERT INTO documents (digest, body) VALUES (?, ?)').run('d', 'from version 1');
  db.close();
  expect(version(place.file)).toBe(1);

  const store = await place.open();
  expect(await store.document('d')).toBe('from version 1');
  expect(await store.keys()).toEqual([]);
  await store.close();
  expect(version(place.file)).toBe(MIGRATIONS.at(-1)?.version);
});

test('a file that schema version 2 wrote opens, keeps what it holds, and takes what is new', async () => {
  await using place = await scratch();
  const packed = await readFile(new URL('version-2.test-support.db.gz', import.meta.url));
  await writeFile(place.file, gunzipSync(packed));
  expect(version(place.file)).toBe(2);

  const store = await place.open();
  const { tenant, session } = sampleSession('old');
  expect(tenant).toBe(ACME);
  expect(await store.events({ tenant, session, from: 1, limit: 10 })).toMatchObject([
    { seq: 1, payload: '{"content":"one"}' },
    { seq: 2, payload: '{"content":"two"}' },
  ]);
  expect(await store.keys()).toMatchObject([{ id: 'key_old', name: 'old', revokedAt: null }]);
  expect(await store.document('d')).toBe('of the old schema');
  expect(await store.records('activation')).toEqual([]);
  const record = { kind: 'activation', id: 'act_1', tenant: null, version: 1, body: '{}' } as const;
  expect(await store.putRecord(record, entryOf('act_1'))).toBe(true);
  expect(await store.check()).toEqual([]);
  await store.close();
  expect(version(place.file)).toBe(MIGRATIONS.at(-1)?.version);
});

test('a migration that fails leaves the file as it was', async () => {
  await using place = await scratch();
  const setup = { ...SETUP, path: place.file };
  const db = openForWriting(setup);
  migrate(db, MIGRATIONS.slice(0, 1), setup);
  const broken = [...MIGRATIONS.slice(0, 1), { version: 2, sql: 'CREATE TABLE half (x); CREATE TABLE meta (twice);' }];
  expect(() => migrate(db, broken, setup)).toThrow('meta');
  expect(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'half'").get()?.['n']).toBe(0);
  migrate(db, MIGRATIONS, setup);
  db.close();
  expect(version(place.file)).toBe(MIGRATIONS.at(-1)?.version);
});

test('a newer file is refused with both versions named, and not touched', async () => {
  await using place = await scratch();
  await (await place.open()).close();
  const db = new DatabaseSync(place.file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await expect(place.open()).rejects.toMatchObject({
    storeError: 'store_newer',
    message: expect.stringMatching(new RegExp(`99.*up to ${MIGRATIONS.length}`)),
  });
  expect(version(place.file)).toBe(99);
});

test('what is no database, another database, or another home is refused', async () => {
  await using place = await scratch();
  await copyFile(new URL(import.meta.url), place.file);
  await expect(place.open()).rejects.toMatchObject({ storeError: 'store_corrupt' });

  const foreign = new DatabaseSync(join(place.dir, 'foreign.db'));
  foreign.exec('CREATE TABLE theirs (x)');
  foreign.close();
  await expect(place.open({ home: 'foreign' as HomeId })).rejects.toMatchObject({ storeError: 'store_corrupt' });

  await (await place.open({ home: 'one' as HomeId })).close();
  await copyFile(join(place.dir, 'one.db'), join(place.dir, 'two.db'));
  await expect(place.open({ home: 'two' as HomeId })).rejects.toMatchObject({
    storeError: 'store_corrupt',
    message: expect.stringContaining('"one"'),
  });
  await expect(place.open({ home: '../up' as HomeId })).rejects.toMatchObject({ code: 'store_misuse' });
});

test('the log and its settings are what durability needs', async () => {
  await using place = await scratch();
  const store = await place.open();
  const session = sampleSession('a');
  await commit(store, session, ['one']);
  const db = new DatabaseSync(place.file, { readOnly: true });
  const pragma = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  expect([pragma('journal_mode'), pragma('page_size')]).toEqual(['wal', 4096]);
  db.close();
  const writer = openForWriting({ ...SETUP, path: place.file });
  const of = (name: string): unknown => Object.values(writer.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  expect([of('synchronous'), of('secure_delete'), of('wal_autocheckpoint')]).toEqual([2, 1, 0]);
  writer.close();
  expect(await snapshot(store, session)).toMatchObject({ row: { seq: 1 } });
});
