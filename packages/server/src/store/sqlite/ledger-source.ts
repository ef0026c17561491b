/** The events of a home's file and its audit, for its ledger: a connection of its own that only reads, in whatever thread seals. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { join } from 'node:path';
import type { LeafBatch, LeafSource, LeafSources } from '../../engine/ledger/ports.ts';
import { auditLeafKind, leafKindOf } from '../../ledger/leaf.ts';
import { openForReading } from './connection.ts';

export interface SqliteLedgerSource extends LeafSources {
  close(): void;
}

/** @throws if the file cannot be read */
export function openLedgerSource(dir: string, home: string): SqliteLedgerSource {
  const db = openHomeForReading(dir, home);
  return { events: eventSource(db), audit: hasAudit(db) ? auditSource(db) : NO_AUDIT, close: () => db.close() };
}

export function openHomeForReading(dir: string, home: string): DatabaseSync {
  return openForReading({ path: join(dir, `${home}.db`), home, now: 0, synchronous: 'FULL', maxPages: null });
}

/** A file that no server of this version has opened yet has none. */
export function hasAudit(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'audit'").get() !== undefined;
}

const DIGEST_BYTES = 32;
const NONE: LeafBatch = { positions: new Float64Array(0), kinds: [], digests: new Uint8Array(0) };
const NO_AUDIT: LeafSource = { after: async () => NONE, at: async () => null };

function eventSource(db: DatabaseSync): LeafSource {
  // One row for a whole batch: a row each, with a blob in it, takes four times as long.
  const rows = 'FROM (SELECT e, code, digest FROM events WHERE e > ? ORDER BY e LIMIT ?)';
  const after = db.prepare(
    `SELECT count(*) AS n, min(e) AS first, max(e) AS last, group_concat(code) AS codes, CAST(group_concat(digest, '') AS BLOB) AS digests ${rows}`,
  );
  const gaps = db.prepare(`SELECT group_concat(e) AS positions ${rows}`);
  const at = db.prepare('SELECT code, digest FROM events WHERE e = ?');
  return {
    async after(position, limit) {
      const row = after.get(position, limit);
      const count = Number(row?.['n'] ?? 0);
      const [first, last] = [Number(row?.['first']), Number(row?.['last'])];
      const digests = row?.['digests'];
      if (count === 0) return NONE;
      const kinds = String(row?.['codes']).split(',').map(kindOfText);
      if (kinds.length !== count || !(digests instanceof Uint8Array) || digests.length !== count * DIGEST_BYTES)
        throw notWhole();
      if (last - first + 1 === count)
        return { positions: Float64Array.from({ length: count }, (_, row_) => first + row_), kinds, digests };
      // Between the two reads nothing can come in between: events are only added behind the last.
      const positions = Float64Array.from(String(gaps.get(position, count)?.['positions']).split(','), Number);
      if (positions.length !== count || !positions.every((one, row_) => one > (positions[row_ - 1] ?? position)))
        throw notWhole();
      return { positions, kinds, digests };
    },
    async at(position) {
      const row = at.get(position);
      const kind = row === undefined ? null : leafKindOf(Number(row['code']));
      const digest = row?.['digest'];
      return kind === null || !(digest instanceof Uint8Array) ? null : { kind, digest };
    },
  };
}

/** By the code as it is read: the same few texts come again and again. */
const kinds = new Map<string, string | null>();

function kindOfText(code: string): string | null {
  let kind = kinds.get(code);
  if (kind === undefined) kinds.set(code, (kind = leafKindOf(Number(code))));
  return kind;
}

function auditSource(db: DatabaseSync): LeafSource {
  const after = db.prepare('SELECT a, action, digest FROM audit WHERE a > ? ORDER BY a LIMIT ?');
  const at = db.prepare('SELECT a, action, digest FROM audit WHERE a = ?');
  return {
    async after(position, limit) {
      const rows = after.all(position, limit);
      const digests = new Uint8Array(rows.length * DIGEST_BYTES);
      for (const [row, one] of rows.entries()) digests.set(auditDigestOf(one), row * DIGEST_BYTES);
      return {
        positions: Float64Array.from(rows, row => Number(row['a'])),
        kinds: rows.map(row => auditLeafKind(String(row['action']))),
        digests,
      };
    },
    async at(position) {
      const row = at.get(position);
      return row === undefined ? null : { kind: auditLeafKind(String(row['action'])), digest: auditDigestOf(row) };
    },
  };
}

function auditDigestOf(row: Record<string, SQLOutputValue>): Uint8Array {
  const digest = Buffer.from(String(row['digest']), 'hex');
  if (digest.length !== DIGEST_BYTES) throw notWhole();
  return digest;
}

/** Nothing is sealed that was not read whole and in order. */
function notWhole(): Error {
  return new Error('what is to be sealed was not read whole and in order');
}
