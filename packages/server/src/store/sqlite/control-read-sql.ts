/** API keys as they are read back. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { KeyRow } from '../../engine/ports.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { Handlers, ReaderOps } from './messages.ts';

export function makeControlReads(db: DatabaseSync): Handlers<Pick<ReaderOps, 'keys' | 'keyByHash'>> {
  const all = db.prepare('SELECT * FROM keys ORDER BY created_at, id');
  const byHash = db.prepare('SELECT * FROM keys WHERE hash = ?');
  return {
    keys: () => all.all().map(keyRow),
    keyByHash(hash) {
      const row = byHash.get(hash);
      return row === undefined ? null : keyRow(row);
    },
  };
}

function keyRow(row: Record<string, SQLOutputValue>): KeyRow {
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
    revokedAt: row['revoked_at'] === null ? null : Number(row['revoked_at']),
  };
}
