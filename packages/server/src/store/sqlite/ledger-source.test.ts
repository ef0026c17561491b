import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HomeId } from '../../kernel/ids.ts';
import { openLedgerSource } from './ledger-source.ts';
import { openSqliteHome } from './open-sqlite-home.ts';

let dir = '';
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-source-'));
  const clock = { now: () => 1, monotonic: () => 1 };
  await (await openSqliteHome({ dir, home: 'h' as HomeId, clock })).close();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(rows: readonly (readonly [position: number, code: number, digest: Uint8Array])[]): void {
  const db = new DatabaseSync(join(dir, 'h.db'));
  const add = db.prepare(
    "INSERT INTO events (e, n, seq, epoch, at, actor, code, version, digest, head) VALUES (?, ?, 1, 1, 0, 1, ?, 1, ?, '{}')",
  );
  for (const [position, code, digest] of rows) add.run(position, position, code, digest);
  db.close();
}

const digest = (byte: number): Uint8Array => new Uint8Array(32).map((_, at) => (byte + at) % 256);

test('events come in order, from after a position, with gaps, as many as are asked for', async () => {
  put([
    [7, 8, digest(1)],
    [2, 3, digest(0)],
    [9, 9, digest(250)],
  ]);
  const source = openLedgerSource(dir, 'h');
  const read = async (after: number, limit: number): Promise<unknown> =>
    (await source.after(after, limit)).map(event => [event.position, event.code, [...event.digest]]);
  const all = [
    [2, 3, [...digest(0)]],
    [7, 8, [...digest(1)]],
    [9, 9, [...digest(250)]],
  ];
  expect(await read(0, 10)).toEqual(all);
  expect(await read(2, 1)).toEqual(all.slice(1, 2));
  expect(await read(9, 10)).toEqual([]);
  expect((await source.at(7))?.code).toBe(8);
  expect(await source.at(8)).toBeNull();
  expect(source.count(7, [3, 8, 9])).toBe(2);
  source.close();
});

test('what is not a digest is not sealed', async () => {
  put([
    [1, 8, digest(1)],
    [2, 8, new Uint8Array(31)],
  ]);
  const source = openLedgerSource(dir, 'h');
  await expect(source.after(0, 10)).rejects.toThrow('not read whole');
  source.close();
});
