/** What shows that a leaf is of an event, or of an entry of the audit: for the operator, so no tenant is asked for. Reads while a server writes. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { callOfHead, envelopeText, EVENT_CODES } from '../../log/codec.ts';
import { parsePlacementId, parseToolPlacementId, type SessionId, type TenantId } from '../../kernel/ids.ts';
import type { SourceName } from '../../engine/ledger/ports.ts';
import { auditLeafKind, type EventLeafKind, LEAF_KINDS, leafKindOf } from '../../ledger/leaf.ts';
import { parseApprovalId } from '../../engine/tools/approval-id.ts';
import type { PlacedQuery } from '../../engine/placement-rows.ts';
import { hasAudit, openHomeForReading } from './ledger-source.ts';
import { type EventFound, makePlacedEvent } from './placed-event.ts';
import { SESSION_KINDS } from './schema.ts';

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
  /** The leaf of the meter of a call, by what its placement is found by. Null if there is none: it was refused, or has not ended. */
  metered(body: string, part: number): LeafOf | null;
  /** The leaf of how an approval ended, by its id. Null if there is no such approval, or it has not ended. */
  approved(approval: string): LeafOf | null;
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

/** @throws if the file cannot be read */
export function openLedgerOpenings(dir: string, home: string): LedgerOpenings {
  const db = openHomeForReading(dir, home);
  const find = db.prepare(`
    SELECT e.*, s.id AS session, a.name AS who, t.name AS tenant, p.digest AS payload_digest,
      (SELECT digest FROM events b WHERE b.n = e.n AND b.seq = e.seq - 1) AS previous
    FROM events e JOIN names a ON a.k = e.actor JOIN sessions s ON s.n = e.n JOIN names t ON t.k = s.t LEFT JOIN payloads p ON p.e = e.e
    WHERE e.e = ?`);
  const audit = hasAudit(db) ? db.prepare('SELECT * FROM audit WHERE subject = ? ORDER BY a') : null;
  return {
    ...makePlaces(db),
    approved: makeApproved(db),
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

/** The leaf of the meter of the call that a placement is of; null if there is none, or the id is none of a call's placement. */
export function leafOfMeter(openings: LedgerOpenings, id: string): LeafOf | null {
  const place = parsePlacementId(id);
  return place === null || place.part === 0 ? null : openings.metered(place.body, place.part);
}

/** The id body that the id of a placement holds; null of any other id. */
export function bodyOfPlacement(id: string): string | null {
  return (parsePlacementId(id) ?? parseToolPlacementId(id))?.body ?? null;
}

type Row = Record<string, SQLOutputValue>;

function makePlaces(db: DatabaseSync): Pick<LedgerOpenings, 'placed' | 'metered' | 'ran'> {
  // Where a deleted response ended is kept below zero.
  const response = db.prepare('SELECT n, from_seq, abs(to_seq) AS to_seq FROM responses WHERE id = ?');
  const session = db.prepare('SELECT n, 1 AS from_seq, seq AS to_seq FROM sessions WHERE id = ?');
  const alone = db.prepare(
    `SELECT n, 1 AS from_seq, seq AS to_seq FROM sessions WHERE id = ? AND kind = ${SESSION_KINDS.indexOf('stateless')}`,
  );
  const find = makePlacedEvent(db);
  const end = db.prepare(
    `SELECT e, seq, digest, code, head FROM events WHERE n = ? AND seq > ? AND seq <= ? AND code IN (${METERS}) ORDER BY seq LIMIT 1`,
  );
  const stretchOf = (begin: Row | undefined): Stretch | null =>
    begin === undefined
      ? null
      : {
          n: Number(begin['n']),
          from: Number(begin['from_seq']),
          to: Number(begin['to_seq']) || Number.MAX_SAFE_INTEGER,
        };
  const callsOf = (body: string) => stretchOf(response.get(`resp_${body}`) ?? alone.get(`sess_${body}`));
  const leafIn = (stretch: Stretch | null, placed: PlacedQuery['placed']): LeafOf | null => {
    const event = stretch === null ? null : find(stretch.n, { ...stretch, placed });
    return event === null ? null : leafOfEvent(event, EVENT_CODES[placed.type]);
  };
  return {
    placed: (body, part) =>
      part === 0
        ? leafIn(stretchOf(session.get(`sess_${body}`)), { type: 'state.placed' })
        : leafIn(callsOf(body), { type: 'call.placed', call: part }),
    metered(body, part) {
      const stretch = callsOf(body);
      const placed =
        stretch === null ? null : find(stretch.n, { ...stretch, placed: { type: 'call.placed', call: part } });
      // Calls of a turn end in the order in which they were placed.
      const row = stretch === null || placed === null ? undefined : end.get(stretch.n, placed.seq, stretch.to);
      return row === undefined || callOfHead(String(row['head'])) !== part ? null : leafOfRow(row);
    },
    ran(body, seq) {
      const stretch = stretchOf(session.get(`sess_${body}`));
      return leafIn(stretch === null ? null : { ...stretch, from: seq, to: seq }, { type: 'tool.placed' });
    },
  };
}

interface Stretch {
  readonly n: number;
  readonly from: number;
  readonly to: number;
}

const codesOf = (kind: EventLeafKind): string => LEAF_KINDS[kind].map(type => EVENT_CODES[type]).join(', ');
const METERS = codesOf('meter');

/** An approval's id says where it was asked for; what became of it comes later in that session. */
function makeApproved(db: DatabaseSync): LedgerOpenings['approved'] {
  const find = db.prepare(
    `SELECT e, seq, digest, code FROM events WHERE n = (SELECT n FROM sessions WHERE id = ?) AND seq > ?
      AND code IN (${codesOf('approval')}) AND json_extract(head, '$.approval') = ? ORDER BY seq LIMIT 1`,
  );
  return approval => {
    const asked = parseApprovalId(approval);
    const row = asked === null ? undefined : find.get(asked.session, asked.seq, approval);
    return row === undefined ? null : leafOfRow(row);
  };
}

function leafOfRow(row: Row): LeafOf | null {
  const digest = bytesOf(row['digest']);
  return digest === null
    ? null
    : leafOfEvent({ e: Number(row['e']), seq: Number(row['seq']), digest }, Number(row['code']));
}

function leafOfEvent({ e, digest }: EventFound, code: number): LeafOf | null {
  const kind = leafKindOf(code);
  return kind === null ? null : { source: 'events', position: e, kind, digest };
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
