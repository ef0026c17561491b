/** The events of a home's file, for its ledger: a connection of its own that only reads, in whatever thread seals. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { type StoredEvent, envelopeText } from '../../log/codec.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { LedgerSource, SourceEvent } from '../../engine/ledger/ports.ts';
import { join } from 'node:path';
import { openForReading } from './connection.ts';

/** What shows that an event is the one that a leaf is of: `SHA-256(previous, envelope)` is the digest in the leaf. */
export interface Opening {
  readonly position: number;
  readonly code: number;
  readonly digest: Uint8Array;
  readonly previous: Uint8Array;
  readonly envelope: string;
}

export interface SqliteLedgerSource extends LedgerSource {
  /** Null if there is no such event. For the operator: it asks for no tenant. */
  opening(session: string, seq: number): Opening | null;
  /** The events of a session from `seq` on, at most `limit`: their place, code and head. */
  events(session: string, seq: number, limit: number): readonly Pick<StoredEvent, 'seq' | 'code' | 'head'>[];
  /** The session of a stored response, and where it begins. */
  response(id: string): { readonly session: string; readonly fromSeq: number } | null;
  /** How many events at or before `position` are of these types. */
  count(position: number, codes: readonly number[]): number;
  close(): void;
}

const GENESIS: Uint8Array = new Uint8Array(32);

/** @throws if the file cannot be read */
export function openLedgerSource(dir: string, home: string): SqliteLedgerSource {
  const db = openForReading({ path: join(dir, `${home}.db`), home, now: 0, synchronous: 'FULL', maxPages: null });
  return { ...makeLedgerSource(db), close: () => db.close() };
}

type Row = Record<string, SQLOutputValue>;

function makeLedgerSource(db: DatabaseSync): Omit<SqliteLedgerSource, 'close'> {
  // One row for a whole batch: a row each, with a blob in it, takes five times as long.
  const after = db.prepare(`
    SELECT group_concat(e) AS positions, group_concat(code) AS codes, group_concat(hex(digest), '') AS digests
    FROM (SELECT e, code, digest FROM events WHERE e > ? ORDER BY e LIMIT ?)`);
  const at = db.prepare('SELECT e, code, digest FROM events WHERE e = ?');
  const find = db.prepare(`
    SELECT e.*, a.name AS who, t.name AS tenant, p.digest AS payload_digest,
      (SELECT digest FROM events b WHERE b.n = e.n AND b.seq = e.seq - 1) AS previous
    FROM events e JOIN names a ON a.k = e.actor JOIN sessions s ON s.n = e.n JOIN names t ON t.k = s.t LEFT JOIN payloads p ON p.e = e.e
    WHERE e.n = (SELECT n FROM sessions WHERE id = ?) AND e.seq = ?`);
  const events = db.prepare(
    'SELECT seq, code, head FROM events WHERE n = (SELECT n FROM sessions WHERE id = ?) AND seq >= ? ORDER BY seq LIMIT ?',
  );
  const response = db.prepare(
    'SELECT s.id AS session, r.from_seq FROM responses r JOIN sessions s ON s.n = r.n WHERE r.id = ?',
  );
  return {
    after: async (position, limit) => batchOf(after.get(position, limit)),
    at: async position => {
      const row = at.get(position);
      return row === undefined ? null : sourceEvent(row);
    },
    opening(session, seq) {
      const row = find.get(session, seq);
      return row === undefined ? null : openingOf(row, session);
    },
    events: (session, seq, limit) =>
      events
        .all(session, seq, limit)
        .map(row => ({ seq: Number(row['seq']), code: Number(row['code']), head: String(row['head']) })),
    response(id) {
      const row = response.get(id);
      return row === undefined ? null : { session: String(row['session']), fromSeq: Number(row['from_seq']) };
    },
    count(position, codes) {
      // Codes are our own small numbers: no text of anybody's is in the statement.
      const counting = db.prepare(
        `SELECT count(*) AS many FROM events WHERE e <= ? AND code IN (${codes.map(Number).join(',')})`,
      );
      return Number(counting.get(position)?.['many'] ?? 0);
    },
  };
}

const DIGEST_BYTES = 32;

/** @throws if the columns do not fit one another: nothing is to be sealed that was not read whole and in order */
function batchOf(row: Row | undefined): readonly SourceEvent[] {
  if (typeof row?.['positions'] !== 'string') return [];
  const codes = String(row['codes']).split(',');
  const digests = Buffer.from(String(row['digests']), 'hex');
  let last = 0;
  const events = row['positions'].split(',').map((text, at): SourceEvent => {
    const position = Number(text);
    if (position <= last) throw new Error('the events were not read in their order');
    last = position;
    const digest = digests.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES);
    return { position, code: Number(codes[at]), digest };
  });
  if (codes.length !== events.length || digests.length !== events.length * DIGEST_BYTES)
    throw new Error('the events were not read whole');
  return events;
}

function sourceEvent(row: Row): SourceEvent {
  return { position: Number(row['e']), code: Number(row['code']), digest: bytesOf(row['digest']) ?? GENESIS };
}

function openingOf(row: Row, session: string): Opening {
  const place = {
    tenant: String(row['tenant']) as TenantId,
    session: session as SessionId,
    seq: Number(row['seq']),
    epoch: Number(row['epoch']),
    at: Number(row['at']),
    actor: String(row['who']),
  };
  const stored = { version: Number(row['version']), code: Number(row['code']), head: String(row['head']) };
  const payload = bytesOf(row['payload_digest']);
  const payloadHex = payload === null ? '' : Buffer.from(payload).toString('hex');
  return {
    ...sourceEvent(row),
    previous: bytesOf(row['previous']) ?? GENESIS,
    envelope: envelopeText(place, stored, payloadHex),
  };
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array | null {
  return value instanceof Uint8Array ? value : null;
}
