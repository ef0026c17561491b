import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Checkpointer, makeCheckpointer, QUIET_BYTES, QUIET_MS } from './checkpoint.ts';
import { openForWriting, PAGE_BYTES } from './connection.ts';
import { scratch } from './scratch.ts';

const BOUND = 2 * QUIET_BYTES;
const CHANGE = 10 * PAGE_BYTES;

/** A log that holds something, and how much of it is not in the file yet. */
async function home(): Promise<{ checkpointer: Checkpointer; unfolded(): number } & AsyncDisposable> {
  const place = await scratch();
  const db = openForWriting({ path: place.file, home: 'home', now: 0, synchronous: 'FULL', maxPages: null });
  db.exec('CREATE TABLE some (x)');
  const before = statSync(place.file).size;
  return {
    checkpointer: makeCheckpointer(db, BOUND),
    // A fold makes the file as long as the pages that it takes in.
    unfolded: () => (statSync(join(place.dir, 'home.db')).size === before ? 1 : 0),
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
