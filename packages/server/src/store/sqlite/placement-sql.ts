/** Placements with the events that tell of them: for reports and what-if. Read a page at a time; every page costs its own rows. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { PlacementEntry, StoredHead } from '../../engine/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import { EVENT_CODES } from '../../log/codec.ts';
import type { Handlers, PlacementTexts, ReaderOps } from './messages.ts';
import { makePlacedEvent } from './placed-event.ts';

export type PlacementReads = Handlers<
  Pick<ReaderOps, 'placed' | 'placementLog' | 'placementTexts' | 'placementSeek' | 'placementTenants'>
>;

const ENDS = [EVENT_CODES['call.completed'], EVENT_CODES['call.failed'], EVENT_CODES['call.cancelled']].join(', ');
const CALL = EVENT_CODES['call.placed'];
const TOOL = EVENT_CODES['tool.placed'];
const TURN = EVENT_CODES['turn.started'];

/** The call ends a few events after its placement: the subquery walks there. */
const ENTRY = `
  SELECT p.e, p.at, e.n, s.id AS session, e.seq, e.code, e.version, e.head,
    (SELECT name FROM names WHERE k = f.actor) AS first_by, f.code AS first_code, f.version AS first_version, f.head AS first_head,
    x.code AS end_code, x.version AS end_version, x.head AS end_head, x.at AS end_at
  FROM placements p JOIN events e ON e.e = p.e JOIN sessions s ON s.n = e.n JOIN events f ON f.n = e.n AND f.seq = 1
  LEFT JOIN events x ON e.code = ${CALL} AND x.e = (
    SELECT o.e FROM events o WHERE o.n = e.n AND o.seq > e.seq AND o.code IN (${ENDS}) ORDER BY o.seq LIMIT 1)
  WHERE p.t = (SELECT k FROM names WHERE name = ?) AND p.e`;
const entries = (sign: string, order: string): string => `${ENTRY} ${sign} ? ORDER BY p.e ${order} LIMIT ?`;

/** The last turn that began in a stretch of a session, its ends left out. */
const BEGAN = `
  SELECT code, version, head, (SELECT name FROM names WHERE k = actor) AS by FROM events
  WHERE n = ? AND seq > ? AND seq < ? AND code = ${TURN} ORDER BY seq DESC LIMIT 1`;

/** One row of the events for the placement, one for the end of its call. */
const TEXTS = `
  SELECT p.e, p.at, s.id AS session, e.code, e.version, e.head, CASE WHEN e.code = ${CALL} THEN (
    SELECT o.version || ' ' || o.head FROM events o WHERE o.n = e.n AND o.seq > e.seq AND o.code IN (${ENDS}) ORDER BY o.seq LIMIT 1) END AS ended
  FROM placements p JOIN events e ON e.e = p.e JOIN sessions s ON s.n = e.n
  WHERE p.t = (SELECT k FROM names WHERE name = ?) AND p.e > ? ORDER BY p.e LIMIT ?`;

export function makePlacementReads(db: DatabaseSync): PlacementReads {
  const asc = db.prepare(entries('>', 'ASC'));
  const desc = db.prepare(entries('<', 'DESC'));
  const one = db.prepare(`${ENTRY} = ?`);
  const session = db.prepare('SELECT n FROM sessions WHERE id = ? AND t = (SELECT k FROM names WHERE name = ?)');
  const find = makePlacedEvent(db);
  const texts = db.prepare(TEXTS);
  const began = db.prepare(BEGAN);
  const turnIn: TurnIn = (n, after, before) => {
    const row = began.get(n, after, before);
    return row === undefined ? null : { head: headOf(row, ''), by: String(row['by']) };
  };
  const ends = db.prepare(
    'SELECT min(e) AS first, max(e) AS last FROM placements WHERE t = (SELECT k FROM names WHERE name = ?)',
  );
  const from = db.prepare(
    'SELECT e, at FROM placements WHERE t = (SELECT k FROM names WHERE name = ?) AND e >= ? ORDER BY e LIMIT 1',
  );
  const tenants = db.prepare(`
    SELECT name, (SELECT count(*) FROM placements WHERE t = k) AS placements FROM names
    WHERE EXISTS (SELECT 1 FROM placements WHERE t = k) ORDER BY name`);

  return {
    placed(query) {
      const n = session.get(query.session, query.tenant)?.['n'];
      const event = n === undefined ? null : find(Number(n), query);
      const row = event === null ? undefined : one.get(query.tenant, event.e);
      return row === undefined ? null : entryOf(row, turnsOf([row], turnIn)[0] ?? null);
    },
    placementLog({ tenant, order, limit, after }) {
      const page =
        order === 'asc'
          ? asc.all(tenant, after ?? 0, limit)
          : desc.all(tenant, after ?? Number.MAX_SAFE_INTEGER, limit).toReversed();
      const turns = turnsOf(page, turnIn);
      const entries = page.map((row, i) => entryOf(row, turns[i] ?? null));
      return order === 'asc' ? entries : entries.toReversed();
    },
    placementTexts: ({ tenant, limit, after }) => columns(texts.all(tenant, after, limit)),
    placementSeek({ tenant, at }) {
      const { first, last } = ends.get(tenant) ?? {};
      if (first === null || first === undefined) return 0;
      let low = Number(first);
      let high = Number(last) + 1;
      while (low < high) {
        const row = from.get(tenant, Math.floor((low + high) / 2));
        if (row === undefined || Number(row['at']) >= at) high = Math.floor((low + high) / 2);
        else low = Number(row['e']) + 1;
      }
      return low === Number(first) ? 0 : low - 1;
    },
    placementTenants: () =>
      tenants.all().map(row => ({ tenant: String(row['name']) as TenantId, placements: Number(row['placements']) })),
  };
}

function columns(rows: readonly Record<string, SQLOutputValue>[]): PlacementTexts {
  return {
    positions: rows.map(row => Number(row['e'])),
    ats: rows.map(row => Number(row['at'])),
    sessions: rows.map(row => String(row['session']) as SessionId),
    codes: rows.map(row => Number(row['code'])),
    versions: rows.map(row => Number(row['version'])),
    heads: rows.map(row => String(row['head'])),
    ends: rows.map(row => (row['ended'] === null ? null : String(row['ended']))),
  };
}

type EntryRow = Readonly<Record<string, SQLOutputValue>>;

interface Began {
  readonly head: StoredHead;
  readonly by: string;
}
type TurnIn = (n: number, after: number, before: number) => Began | null;

/**
 * The turn of each row, null for what is in none. A turn can be of tens of thousands of events: only the first placement of a session is looked
 * for back to the beginning of its turn, and each one after it back to the one before.
 * @param rows in the order of their commits
 */
function turnsOf(rows: readonly EntryRow[], turnIn: TurnIn): readonly (Began | null)[] {
  const last = new Map<number, { readonly seq: number; readonly turn: Began | null }>();
  return rows.map(row => {
    if (row['code'] !== CALL && row['code'] !== TOOL) return null;
    const [n, seq] = [Number(row['n']), Number(row['seq'])];
    const before = last.get(n);
    const turn = turnIn(n, before?.seq ?? 0, seq) ?? before?.turn ?? null;
    last.set(n, { seq, turn });
    return turn;
  });
}

function headOf(row: EntryRow, prefix: string): StoredHead {
  return {
    code: Number(row[`${prefix}code`]),
    version: Number(row[`${prefix}version`]),
    head: String(row[`${prefix}head`]),
  };
}

function entryOf(row: EntryRow, turn: Began | null): PlacementEntry {
  return {
    position: Number(row['e']),
    session: String(row['session']) as SessionId,
    seq: Number(row['seq']),
    at: Number(row['at']),
    placed: headOf(row, ''),
    first: headOf(row, 'first_'),
    turn: turn?.head ?? null,
    end: row['end_head'] === null ? null : { ...headOf(row, 'end_'), at: Number(row['end_at']) },
    by: turn?.by ?? String(row['first_by']),
  };
}
