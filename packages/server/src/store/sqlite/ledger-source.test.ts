import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LeafSource } from '../../engine/ledger/ports.ts';
import { leafKindOf } from '../../ledger/leaf.ts';
import { EVENT_CODES } from '../../log/codec.ts';
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

function audit(rows: readonly (readonly [position: number, action: string, digest: string])[]): void {
  const db = new DatabaseSync(join(dir, 'h.db'));
  const add = db.prepare(
    "INSERT INTO audit (a, at, actor, action, subject, tenant, body, digest) VALUES (?, 1, 'local', ?, 's', NULL, '{}', ?)",
  );
  for (const row of rows) add.run(...row);
  db.close();
}

const digest = (byte: number): Uint8Array => new Uint8Array(32).map((_, at) => (byte + at) % 256);

async function read(source: LeafSource, after: number, limit: number): Promise<unknown> {
  const { positions, kinds, digests } = await source.after(after, limit);
  expect([kinds.length, digests.length]).toEqual([positions.length, positions.length * 32]);
  return Array.from(positions, (position, row) => [
    position,
    kinds[row],
    [...digests.subarray(row * 32, row * 32 + 32)],
  ]);
}

test('events come in order, from after a position, with gaps, as many as are asked for', async () => {
  put([
    [7, 8, digest(1)],
    [2, 3, digest(0)],
    [9, 9, digest(250)],
  ]);
  const source = openLedgerSource(dir, 'h');
  const all = [
    [2, leafKindOf(3), [...digest(0)]],
    [7, leafKindOf(8), [...digest(1)]],
    [9, leafKindOf(9), [...digest(250)]],
  ];
  expect(all.map(([, kind]) => kind)).toContain(null);
  expect(all.map(([, kind]) => kind)).toContain('meter');
  expect(await read(source.events, 0, 10)).toEqual(all);
  expect(await read(source.events, 2, 1)).toEqual(all.slice(1, 2));
  expect(await read(source.events, 9, 10)).toEqual([]);
  expect((await source.events.at(9))?.kind).toBe(leafKindOf(9));
  expect(await source.events.at(8)).toBeNull();
  source.close();
});

test('any bytes of a digest come out as they are, with gaps and without', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.uint8Array({ minLength: 32, maxLength: 32 })), {
        minLength: 1,
        maxLength: 40,
      }),
      async rows => {
        let position = 0;
        const placed = rows.map(([step, bytes]) => [(position += step), EVENT_CODES['call.placed'], bytes] as const);
        put(placed);
        const source = openLedgerSource(dir, 'h');
        const found = await read(source.events, 0, 100);
        source.close();
        const db = new DatabaseSync(join(dir, 'h.db'));
        db.exec('DELETE FROM events');
        db.close();
        expect(found).toEqual(placed.map(([at, , bytes]) => [at, 'placement', [...bytes]]));
      },
    ),
    { numRuns: 30 },
  );
});

test('the audit comes in order, each entry with the kind of its action', async () => {
  const hex = (byte: number): string => Buffer.from(digest(byte)).toString('hex');
  audit([
    [4, 'waiver.granted', hex(3)],
    [1, 'key.created', hex(2)],
    [6, 'new_kind.of-row', hex(9)],
  ]);
  const source = openLedgerSource(dir, 'h');
  const all = [
    [1, 'api_key', [...digest(2)]],
    [4, 'waiver', [...digest(3)]],
    [6, 'new_kind', [...digest(9)]],
  ];
  expect(await read(source.audit, 0, 10)).toEqual(all);
  expect(await read(source.audit, 1, 1)).toEqual(all.slice(1, 2));
  expect(await source.audit.at(4)).toEqual({ kind: 'waiver', digest: Buffer.from(digest(3)) });
  expect(await source.audit.at(5)).toBeNull();
  source.close();
});

test('a file that no newer server has opened has no audit', async () => {
  const db = new DatabaseSync(join(dir, 'h.db'));
  db.exec('DROP TABLE audit');
  db.close();
  const source = openLedgerSource(dir, 'h');
  expect(await read(source.audit, 0, 10)).toEqual([]);
  source.close();
});

test('what is not a digest is not sealed', async () => {
  put([
    [1, 8, digest(1)],
    [2, 8, new Uint8Array(31)],
  ]);
  audit([[1, 'waiver.granted', 'abc']]);
  const source = openLedgerSource(dir, 'h');
  await expect(source.events.after(0, 10)).rejects.toThrow('not read whole');
  await expect(source.audit.after(0, 10)).rejects.toThrow('not read whole');
  source.close();
});
