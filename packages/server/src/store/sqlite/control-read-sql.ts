/** API keys, records and their audit, as they are read back. */
import type { DatabaseSync } from 'node:sqlite';
import type { AuditRow, ControlKind, ControlRecord } from '../../engine/control-records.ts';
import type { KeyRow, SigningKeyRow } from '../../engine/ports.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { numberOrNull, one, type Row, textOrNull } from './columns.ts';
import type { Handlers, ReaderOps } from './messages.ts';

export function makeControlReads(
  db: DatabaseSync,
): Handlers<Pick<ReaderOps, 'keys' | 'keyByHash' | 'records' | 'audit' | 'auditPosition'>> {
  const all = db.prepare('SELECT * FROM keys ORDER BY created_at, id');
  const byHash = db.prepare('SELECT * FROM keys WHERE hash = ?');
  const records = db.prepare('SELECT * FROM control_records WHERE kind = ? ORDER BY r');
  const audit = db.prepare('SELECT * FROM audit WHERE a > ? ORDER BY a LIMIT ?');
  const last = db.prepare('SELECT max(a) AS a FROM audit');
  return {
    records: kind => records.all(kind).map(recordRow),
    audit: ({ after, limit }) => audit.all(after, limit).map(auditRow),
    auditPosition: () => Number(last.get()?.['a'] ?? 0),
    keys: () => all.all().map(keyRow),
    keyByHash: hash => one(byHash.get(hash), keyRow),
  };
}

function keyRow(row: Row): KeyRow {
  return {
    id: String(row['id']),
    name: String(row['name']),
    hash: String(row['hash']),
    prefix: String(row['prefix']),
    tenant: String(row['tenant']) as TenantId,
    channel: String(row['channel']),
    segment: String(row['segment']),
    product: String(row['product']),
    scopes: JSON.parse(String(row['scopes'])) as string[],
    createdAt: Number(row['created_at']),
    revokedAt: numberOrNull(row['revoked_at']),
    ...(typeof row['signing'] === 'string' && { signing: JSON.parse(row['signing']) as SigningKeyRow }),
  };
}

function recordRow(row: Row): ControlRecord {
  return {
    kind: String(row['kind']) as ControlKind,
    id: String(row['id']),
    tenant: textOrNull(row['tenant']),
    version: Number(row['version']),
    body: String(row['body']),
  };
}

function auditRow(row: Row): AuditRow {
  return {
    position: Number(row['a']),
    at: Number(row['at']),
    actor: String(row['actor']),
    action: String(row['action']),
    subject: String(row['subject']),
    tenant: textOrNull(row['tenant']),
    body: String(row['body']),
    digest: String(row['digest']),
  };
}
