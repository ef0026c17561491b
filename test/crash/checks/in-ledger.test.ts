import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HomeId } from '../../../packages/server/src/kernel/ids.ts';
import { EVENT_CODES } from '../../../packages/server/src/log/codec.ts';
import { sha256 } from '../../../packages/server/src/main/digest.ts';
import { openSqliteHome } from '../../../packages/server/src/store/sqlite/open-sqlite-home.ts';
import { Violations } from '../violations.ts';
import { checkAllSealed, checkLedger } from './in-ledger.ts';

const EVENTS = 300;
let data = '';
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'perdure-in-ledger-'));
  const clock = { now: () => 1, monotonic: () => 1 };
  await (await openSqliteHome({ dir: data, home: 'h' as HomeId, clock })).close();
  change(db => {
    const event = db.prepare(
      "INSERT INTO events (e, n, seq, epoch, at, actor, code, version, digest, head) VALUES (?, ?, 1, 1, 0, 1, ?, 1, ?, '{}')",
    );
    for (let n = 1; n <= EVENTS; n++) event.run(n * 2, n, EVENT_CODES['call.placed'], sha256(`event ${n}`));
    db.prepare(
      "INSERT INTO audit (at, actor, action, subject, body, digest) VALUES (1, 'local', 'waiver.granted', 's', '{}', ?)",
    ).run('ab'.repeat(32));
  });
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function change(work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(join(data, 'h.db'));
  work(db);
  db.close();
}

test('a ledger that holds all is said to', async () => {
  const violations = new Violations();
  expect(await checkAllSealed(data, violations)).toBe(EVENTS + 1);
  expect(await checkLedger(data, violations)).toBe(EVENTS + 1);
  expect(violations.kept).toEqual([]);
});

test.each([
  ['an event that was sealed is another', 'UPDATE events SET digest = zeroblob(32) WHERE e = 400', /event 199 of 300/],
  ['an event that was sealed is gone', 'DELETE FROM events WHERE e = 14', /event 6 of 299/],
  [
    'an event was passed over',
    'INSERT INTO events SELECT 15, -1, 1, epoch, at, actor, code, version, digest, head FROM events WHERE e = 10',
    /event 7 of 301/,
  ],
  [
    'an entry of the audit is another',
    "UPDATE audit SET digest = replace(digest, 'a', 'c')",
    /entry of the audit 0 of 1/,
  ],
])('%s', async (_, sql, detail) => {
  await checkAllSealed(data, new Violations());
  change(db => db.exec(sql));
  const violations = new Violations();
  await checkAllSealed(data, violations);
  expect(violations.kept.map(one => one.detail)).toContainEqual(expect.stringMatching(detail));
});

test('a byte of a tile that was changed', async () => {
  await checkAllSealed(data, new Violations());
  const tile = join(data, 'ledger/h/tile/0/000');
  writeFileSync(tile, readFileSync(tile).fill(1, 40, 41));
  const violations = new Violations();
  await checkLedger(data, violations);
  expect([...violations.laws()]).toEqual(['ledger']);
  expect(violations.kept[0]?.detail).toContain('leaf 1');
});
