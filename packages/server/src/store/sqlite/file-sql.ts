/** Rows of files: both sides of them. */
import type { DatabaseSync } from 'node:sqlite';
import type { FileRow } from '../../engine/files/rows.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import { numberOrNull, one, type Row, textOrNull } from './columns.ts';
import type { ChangeOps, Handlers, ReaderOps } from './messages.ts';
import { FILE_STATUSES } from './schema.ts';
import type { WriterMemory } from './writer-memory.ts';

export type FileHandlers = Handlers<Pick<ChangeOps, 'putFile' | 'finishFile' | 'doomFile' | 'hideFile' | 'forgetFile'>>;
export type FileReads = Handlers<Pick<ReaderOps, 'file' | 'files' | 'hiddenFiles' | 'unsettledFiles'>>;

/** What is left of a row once its file is to go: where its blobs are, and how many. */
export const DOOM =
  "UPDATE files SET status = 2, purpose = '', filename = '', type = '', labels = '[]', digest = '', bytes = 0, expires_at = NULL";

export function makeFileHandlers(db: DatabaseSync, memory: WriterMemory, onErased: () => void): FileHandlers {
  const put = db.prepare(
    'INSERT OR IGNORE INTO files (id, t, owner, owner_seq, purpose, filename, type, labels, created_at, expires_at, bytes, chunks, digest, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const find = db.prepare('SELECT status FROM files WHERE id = ? AND t = ?');
  const sum = db.prepare(
    'SELECT count(*) AS files, ifnull(sum(bytes), 0) AS bytes FROM files WHERE t = ? AND status = 1',
  );
  const finish = db.prepare(
    'UPDATE files SET bytes = ?, chunks = ?, digest = ?, type = ?, purpose = ?, filename = ?, expires_at = ?, status = 1 WHERE id = ? AND t = ?',
  );
  const doom = db.prepare(`${DOOM} WHERE id = ? AND t = ? AND status <> 2`);
  const hide = db.prepare('UPDATE files SET status = 3 WHERE id = ? AND t = ? AND status = 1');
  const forget = db.prepare('DELETE FROM files WHERE id = ? AND t = ? AND status = 2');

  return {
    putFile(row) {
      const { id, tenant, owner, purpose, filename, type, labels, createdAt, expiresAt, bytes, chunks, digest } = row;
      const status = FILE_STATUSES.indexOf(row.status);
      const place = [owner?.session ?? null, owner?.seq ?? null] as const;
      const said = [purpose, filename, type, JSON.stringify(labels)] as const;
      const t = memory.name(tenant);
      return put.run(id, t, ...place, ...said, createdAt, expiresAt, bytes, chunks, digest, status).changes === 1;
    },
    finishFile({ tenant, id, content, quota }) {
      const t = memory.knownName(tenant);
      const found = t === null ? undefined : find.get(id, t);
      if (t === null || found?.['status'] !== 0) return 'absent';
      const held = sum.get(t);
      if (Number(held?.['files']) + 1 > quota.files) return 'too_many';
      if (Number(held?.['bytes']) + content.bytes > quota.bytes) return 'too_much';
      const { bytes, chunks, digest, type, purpose, filename, expiresAt } = content;
      finish.run(bytes, chunks, digest, type, purpose, filename, expiresAt, id, t);
      return 'done';
    },
    doomFile({ tenant, id }) {
      const t = memory.knownName(tenant);
      if (t === null || doom.run(id, t).changes !== 1) return false;
      onErased();
      return true;
    },
    hideFile({ tenant, id }) {
      const t = memory.knownName(tenant);
      return t !== null && hide.run(id, t).changes === 1;
    },
    forgetFile({ tenant, id }) {
      const t = memory.knownName(tenant);
      if (t !== null) forget.run(id, t);
      return null;
    },
  };
}

export function makeFileReads(db: DatabaseSync): FileReads {
  const all = 'SELECT f.*, (SELECT name FROM names WHERE k = f.t) AS tenant FROM files f';
  const ofTenant = 'f.t = (SELECT k FROM names WHERE name = ?)';
  const file = db.prepare(`${all} WHERE f.id = ? AND ${ofTenant} AND f.status < 2`);
  const listed = (sign: string, order: string): string => `${all}
    WHERE ${ofTenant} AND f.status = 1 AND f.owner IS NULL AND f.id ${sign} ? AND (? IS NULL OR f.purpose = ?)
      AND (f.expires_at IS NULL OR f.expires_at > ?) ORDER BY f.id ${order} LIMIT ?`;
  const asc = db.prepare(listed('>', 'ASC'));
  const desc = db.prepare(listed('<', 'DESC'));
  // Two searches, each by its index.
  const unsettled = db.prepare(
    `${all} WHERE f.status <> 1 AND (f.status = 2 OR f.status = 0 AND f.created_at < ?) ORDER BY f.created_at LIMIT ?`,
  );
  // The first says nothing more, and names the index.
  const hidden = db.prepare(
    `${all} WHERE f.status <> 1 AND f.status = 3 AND (f.created_at, f.id) > (?, ?) ORDER BY f.created_at, f.id LIMIT ?`,
  );
  const expired = db.prepare(
    `${all} WHERE f.expires_at IS NOT NULL AND f.expires_at <= ? AND f.status = 1 ORDER BY f.expires_at LIMIT ?`,
  );

  return {
    file: ({ tenant, id }) => one(file.get(id, tenant), fileRow),
    files({ tenant, purpose, order, limit, after, now }) {
      // No id begins with a character as high as that.
      const [statement, from] = order === 'asc' ? [asc, after ?? ''] : [desc, after ?? '\u{10ffff}'];
      return statement.all(tenant, from, purpose, purpose, now, limit).map(fileRow);
    },
    hiddenFiles: ({ after, limit }) => hidden.all(after?.createdAt ?? -1, after?.id ?? '', limit).map(fileRow),
    unsettledFiles({ now, begunBefore, limit }) {
      const rows = [...unsettled.all(begunBefore, limit), ...expired.all(now, limit)];
      return rows.slice(0, limit).map(fileRow);
    },
  };
}

function fileRow(row: Row): FileRow {
  const owner = textOrNull(row['owner']);
  return {
    id: String(row['id']),
    tenant: String(row['tenant']) as TenantId,
    owner: owner === null ? null : { session: owner as SessionId, seq: Number(row['owner_seq']) },
    purpose: String(row['purpose']),
    filename: String(row['filename']),
    type: String(row['type']),
    labels: JSON.parse(String(row['labels'])) as readonly string[],
    createdAt: Number(row['created_at']),
    expiresAt: numberOrNull(row['expires_at']),
    bytes: Number(row['bytes']),
    chunks: Number(row['chunks']),
    digest: String(row['digest']),
    status: FILE_STATUSES[Number(row['status'])] ?? 'doomed',
  };
}
