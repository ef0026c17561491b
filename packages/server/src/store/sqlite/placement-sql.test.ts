/** What the log of placements costs: events that are looked at, counted as SQLite looks at them. */
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlacementEntry } from '../../engine/ports.ts';
import { EVENT_CODES } from '../../log/codec.ts';
import type { EventType } from '../../log/events.ts';
import { ACME } from '../sample.ts';
import { makePlacementReads } from './placement-sql.ts';
import { MIGRATIONS } from './schema.ts';

const CALLS = 5000;
const PAGE = 500;
const PAGES = CALLS / PAGE + 1;
const db = new DatabaseSync(':memory:');
let looked = 0;
let events = 0;

beforeAll(() => {
  for (const { sql } of MIGRATIONS) db.exec(sql);
  db.exec("INSERT INTO names (k, name) VALUES (1, 'acme'), (2, 'key_a'), (3, 'engine')");
  const session = db.prepare(
    "INSERT INTO sessions (n, id, t, kind, seq, epoch, open, ended, created_at, updated_at, digest) VALUES (?, ?, 1, 0, 1, 1, 0, 0, 1, 1, x'')",
  );
  const event = db.prepare(
    "INSERT INTO events (e, n, seq, epoch, at, actor, code, version, digest, head) VALUES (?, ?, ?, 1, 1, ?, ?, 1, x'', ?)",
  );
  const place = db.prepare('INSERT INTO placements (t, e, at) VALUES (1, ?, 1)');
  const seqs = [0, 0, 0];
  const lay = (n: number, ...types: readonly EventType[]): void => {
    for (const type of types) {
      const seq = (seqs[n] = (seqs[n] ?? 0) + 1);
      event.run(++events, n, seq, type === 'turn.started' ? 2 : 3, EVENT_CODES[type], `{"n":${n},"seq":${seq}}`);
      if (type.endsWith('.placed')) place.run(events);
    }
  };
  session.run(1, 'sess_long');
  session.run(2, 'sess_short');
  // One turn of all the calls; beside it, now and then, a session of a turn a call.
  lay(1, 'session.created', 'state.placed', 'input.accepted', 'turn.started');
  lay(2, 'session.created');
  for (let call = 1; call <= CALLS; call++) {
    lay(1, 'call.placed', 'call.completed');
    if (call % PAGE === 0) lay(2, 'input.accepted', 'turn.started', 'call.placed', 'call.completed', 'turn.completed');
  }
  // From here on every event is counted whose code is asked for: each one that a query walks over.
  db.function('looked', value => {
    looked += 1;
    return value;
  });
  db.exec(
    'ALTER TABLE events RENAME TO kept; CREATE VIEW events AS SELECT e, n, seq, epoch, at, actor, looked(code) AS code, version, digest, head FROM kept',
  );
});

afterAll(() => db.close());

function whole(order: 'asc' | 'desc'): readonly PlacementEntry[] {
  const reads = makePlacementReads(db);
  const all: PlacementEntry[] = [];
  for (let after: number | null = null; ; ) {
    const page = reads.placementLog({ tenant: ACME, order, limit: PAGE, after });
    if (page.length === 0) return all;
    all.push(...page);
    after = page.at(-1)?.position ?? null;
  }
}

test.each(['asc', 'desc'] as const)('a long turn is read %s in a few events a placement and one walk a page', order => {
  looked = 0;
  const all = whole(order);
  expect(all).toHaveLength(CALLS + CALLS / PAGE + 1);
  // A walk over each placement's own stretch; and for the first of a page, one to where its turn began.
  expect(looked).toBeLessThan(12 * all.length + PAGES * events);
  // The counter counts: no placement is read without looking at it, its session's first event and its end.
  expect(looked).toBeGreaterThan(3 * CALLS);
});

test('each placement has the turn that it is in, whichever way and from wherever it is read', () => {
  const all = whole('asc');
  expect(whole('desc')).toEqual(all.toReversed());
  for (const one of all) {
    const began =
      one.session === 'sess_long' ? (one.placed.code === EVENT_CODES['state.placed'] ? null : 4) : one.seq - 1;
    expect(one.turn?.head ?? null).toBe(
      began === null ? null : `{"n":${one.session === 'sess_long' ? 1 : 2},"seq":${began}}`,
    );
    expect(one.by).toBe(began === null ? 'engine' : 'key_a');
  }
});
