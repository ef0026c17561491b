import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Checkpointer, makeCheckpointer, QUIET_BYTES, QUIET_MS, SCRUB_APART_MS } from './checkpoint.ts';
import { openForWriting, PAGE_BYTES } from './connection.ts';
import { scratch } from './scratch.ts';

const BOUND = 2 * QUIET_BYTES;
const CHANGE = 10 * PAGE_BYTES;

interface Home {
  readonly checkpointer: Checkpointer;
  unfolded(): number;
  logBytes(): number;
  fileBytes(): number;
  /** A change that makes both longer. */
  write(): void;
}

/** A log that holds something, and how much of it is not in the file yet. */
async function home(): Promise<Home & AsyncDisposable> {
  const place = await scratch();
  const db = openForWriting({ path: place.file, home: 'home', now: 0, synchronous: 'FULL', maxPages: null });
  db.exec('CREATE TABLE some (x)');
  const before = statSync(place.file).size;
  return {
    checkpointer: makeCheckpointer(db, BOUND),
    // A fold makes the file as long as the pages that it takes in.
    unfolded: () => (statSync(join(place.dir, 'home.db')).size === before ? 1 : 0),
    logBytes: () => statSync(join(place.dir, 'home.db-wal')).size,
    fileBytes: () => statSync(join(place.dir, 'home.db')).size,
    write: () => db.exec('INSERT INTO some VALUES (zeroblob(100000))'),
    async [Symbol.asyncDispose]() {
      db.close();
      await place[Symbol.asyncDispose]();
    },
  };
}

test('a home that is busy is folded in at its bound, and not before', async () => {
  await using one = await home();
  one.checkpointer.wrote(BOUND / CHANGE - 1, 0);
  expect(one.checkpointer.rest('busy')).toBeNull();
  expect(one.unfolded()).toBe(1);
  one.checkpointer.wrote(1, PAGE_BYTES * 10);
  expect(one.checkpointer.rest('busy')).toBeNull();
  expect(one.unfolded()).toBe(0);
});

test('a home with nothing to do waits whether it stays so before it folds', async () => {
  await using one = await home();
  one.checkpointer.wrote(0, QUIET_BYTES - PAGE_BYTES);
  expect(one.checkpointer.rest('idle')).toBeNull();
  expect(one.checkpointer.rest('quiet')).toBeNull();
  expect(one.unfolded()).toBe(1);
  one.checkpointer.wrote(0, PAGE_BYTES);
  expect(one.checkpointer.rest('busy')).toBeNull();
  expect(one.checkpointer.rest('idle')).toBe(QUIET_MS);
  expect(one.unfolded()).toBe(1);
  expect(one.checkpointer.rest('quiet')).toBeNull();
  expect(one.unfolded()).toBe(0);
  expect(one.checkpointer.rest('idle')).toBeNull();
});

test('what was erased leaves the log as soon as nothing waits', async () => {
  await using one = await home();
  one.checkpointer.erased();
  expect(one.checkpointer.rest('busy')).toBeNull();
  expect(one.unfolded()).toBe(1);
  expect(one.checkpointer.rest('idle')).toBeNull();
  expect(one.unfolded()).toBe(0);
});

test('erasures that follow one another leave it together, a while after the last', async () => {
  await using one = await home();
  one.checkpointer.erased();
  expect(one.checkpointer.rest('idle')).toBeNull();
  const scrubbed = one.logBytes();
  one.write();
  one.checkpointer.erased();
  const wait = one.checkpointer.rest('idle');
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(SCRUB_APART_MS);
  expect(one.logBytes()).toBeGreaterThan(scrubbed);
  await delay((wait ?? 0) + 1);
  expect(one.checkpointer.rest('idle')).toBeNull();
  expect(one.logBytes()).toBe(scrubbed);
});

test('a home that was quiet for as long, or is closed, waits no longer', async () => {
  await using one = await home();
  one.checkpointer.erased();
  expect(one.checkpointer.rest('idle')).toBeNull();
  one.write();
  one.checkpointer.erased();
  expect(one.checkpointer.rest('quiet')).toBeNull();
  expect(one.logBytes()).toBe(0);
});

test('what waits for its scrub is folded at the bound all the same', async () => {
  await using one = await home();
  one.checkpointer.erased();
  expect(one.checkpointer.rest('idle')).toBeNull();
  const before = one.fileBytes();
  one.write();
  one.checkpointer.erased();
  one.checkpointer.wrote(BOUND / CHANGE, 0);
  expect(one.checkpointer.rest('idle')).toBeGreaterThan(0);
  expect(one.fileBytes()).toBeGreaterThan(before);
});
