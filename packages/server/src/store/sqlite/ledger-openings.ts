/** What shows that a leaf is of an event, or of an entry of the audit: for the operator, so no tenant is asked for. Reads while a server writes. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { envelopeText, EVENT_CODES } from '../../log/codec.ts';
import { parsePlacementId, parseToolPlacementId, type SessionId, type TenantId } from '../../kernel/ids.ts';
import type { SourceName } from '../../engine/ledger/ports.ts';
import { auditLeafKind, leafKindOf } from '../../ledger/leaf.ts';
import { hasAudit, openHomeForReading } from './ledger-source.ts';

/** Which leaf it is: its position in its source, its kind and its digest. */
export interface LeafOf {
  readonly source: SourceName;
  readonly position: number;
  readonly kind: string;
  readonly digest: Uint8Array;
}

/** `SHA-256(previous, envelope)` is the digest. */
export interface Opening extends LeafOf {
  readonly previous: Uint8Array;
  readonly envelope: string;
}

export interface LedgerOpenings {
  /** The leaf of a placement: `part` is the number of the call in its turn, 0 the state. Null if there is none. */
  placed(body: string, part: number): LeafOf | null;
  /** The leaf of the placement of a tool's run: that event of its session. Null if there is none. */
  ran(body: string, seq: number): LeafOf | null;
  /** What a placement's leaf is of. */
  opening(leaf: LeafOf): Opening | null;
  /** The changes of what the audit knows under an id, oldest first. */
  changes(subject: string): readonly Opening[];
  close(): void;
}

const NOTHING: Uint8Array = new Uint8Array(0);
const GENESIS: Uint8Array = new Uint8Array(32);
/** Events after the beginning of a turn among which its calls are looked for: a turn makes few. */
const TURN_EVENTS = 1000;

/** @throws if the file cannot be read */
export function openLedgerOpenings(dir: string, home: string): LedgerOpenings {
  const db = openHomeForReading(dir, home);
  const place = makePlaces(db);
  const run = db.prepare(
    'SELECT e, digest FROM events WHERE n = (SELECT n FROM sessions WHERE id = ?) AND seq = ? AND code = ?',
  );
  const find = db.prepare(`
    SELECT e.*, s.id AS session, a.name AS who, t.name AS tenant, p.digest AS payload_digest,
      (SELECT digest FROM events b WHERE b.n = e.n AND b.seq = e.seq - 1) AS previous
    FROM events e JOIN names a ON a.k = e.actor JOIN sessions s ON s.n = e.n JOIN names t ON t.k = s.t LEFT JOIN payloads p ON p.e = e.e
    WHERE e.e = ?`);
  const audit = hasAudit(db) ? db.prepare('SELECT * FROM audit WHERE subject = ? ORDER BY a') : null;
  return {
    placed: place,
    ran(body, seq) {
      const row = run.get(`sess_${body}`, seq, EVENT_CODES['tool.placed']);
      return row === undefined ? null : leafOfEvent(row, EVENT_CODES['tool.placed']);
    },
    opening(leaf) {
      const row = find.get(leaf.position);
      return row === undefined ? null : { ...leaf, ...openedEvent(row) };
    },
    changes: subject => (audit?.all(subject) ?? []).map(openedEntry),
    close: () => db.close(),
  };
}

/** The leaf of a placement by its id; null if there is none, or the id is none of a placement. */
export function leafOfPlacement(openings: LedgerOpenings, id: string): LeafOf | null {
  const place = parsePlacementId(id);
  if (place !== null) return openings.placed(place.body, place.part);
  const run = parseToolPlacementId(id);
  return run === null ? null : openings.ran(run.body, run.seq);
}

/** The id body that the id of a placement holds; null of any other id. */
export function bodyOfPlacement(id: string): string | null {
  return (parsePlacementId(id) ?? parseToolPlacementId(id))?.body ?? null;
}

type Row = Record<string, SQLOutputValue>;

function makePlaces(db: DatabaseSync): LedgerOpenings['placed'] {
  const response = db.prepare('SELECT n, from_seq FROM responses WHERE id = ?');
  const session = db.prepare('SELECT n, 1 AS from_seq FROM sessions WHERE id = ?');
  const events = db.prepare(
    'SELECT e, code, digest, head FROM events WHERE n = ? AND seq >= ? AND seq < ? AND code = ? ORDER BY seq',
  );
  return (body, part) => {
    const begin = response.get(`resp_${body}`) ?? session.get(`sess_${body}`);
    if (begin === undefined) return null;
    const from = Number(begin['from_seq']);
    const code = EVENT_CODES[part === 0 ? 'state.placed' : 'call.placed'];
    for (const row of events.iterate(Number(begin['n']), from, from + TURN_EVENTS, code))
      if (part === 0 || callOf(row) === part) return leafOfEvent(row, code);
    return null;
  };
}

/** What a head says usually is left out of it: the first call. */
function callOf(row: Row): number {
  return (JSON.parse(String(row['head'])) as { readonly call?: number }).call ?? 1;
}

function leafOfEvent(row: Row, code: number): LeafOf | null {
  const kind = leafKindOf(code);
  const digest = bytesOf(row['digest']);
  return kind === null || digest === null ? null : { source: 'events', position: Number(row['e']), kind, digest };
}

function openedEvent(row: Row): Pick<Opening, 'previous' | 'envelope'> {
  const place = {
    tenant: String(row['tenant']) as TenantId,
    session: String(row['session']) as SessionId,
    seq: Number(row['seq']),
    epoch: Number(row['epoch']),
    at: Number(row['at']),
    actor: String(row['who']),
  };
  const stored = { version: Number(row['version']), code: Number(row['code']), head: String(row['head']) };
  const payload = bytesOf(row['payload_digest']);
  const payloadHex = payload === null ? '' : Buffer.from(payload).toString('hex');
  return { previous: bytesOf(row['previous']) ?? GENESIS, envelope: envelopeText(place, stored, payloadHex) };
}

/** An entry's digest is of the JSON array of its fields, and of nothing before it. */
function openedEntry(row: Row): Opening {
  const tenant = row['tenant'] === null ? null : String(row['tenant']);
  const fields = [
    Number(row['at']),
    ...['actor', 'action', 'subject'].map(name => String(row[name])),
    tenant,
    String(row['body']),
  ];
  return {
    source: 'audit',
    position: Number(row['a']),
    kind: auditLeafKind(String(row['action'])),
    digest: Buffer.from(String(row['digest']), 'hex'),
    previous: NOTHING,
    envelope: JSON.stringify(fields),
  };
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array | null {
  return value instanceof Uint8Array ? value : null;
}
