/** Resources of the control home: both sides of them. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  BARE_KINDS,
  RESOURCE_KINDS,
  type ResourceChange,
  type ResourceKind,
  type ResourceRow,
} from '../../engine/resources.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { numberOrNull, one, type Row, textOrNull } from './columns.ts';
import { auditWriter } from './control-sql.ts';
import type { ChangeOps, Handlers, ReaderOps } from './messages.ts';

export type ResourceHandlers = Handlers<Pick<ChangeOps, 'changeResources'>>;
export type ResourceReads = Handlers<Pick<ReaderOps, 'resource' | 'resources' | 'countResources' | 'dueResources'>>;

/** @param onErased what was removed is to leave the file */
export function makeResourceHandlers(db: DatabaseSync, onErased: () => void): ResourceHandlers {
  const find = db.prepare('SELECT kind, tenant, parent, version, created_at FROM resources WHERE id = ?');
  const make = db.prepare(
    'INSERT INTO resources (id, kind, tenant, parent, version, created_at, wake_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const change = db.prepare('UPDATE resources SET version = ?, wake_at = ?, body = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM resources WHERE id = ?');
  const audited = auditWriter(db);

  return {
    changeResources({ changes, entry }) {
      if (!changes.every(one => follows(one, find.get(idOf(one))))) return false;
      for (const one of changes) {
        if (one.op === 'remove') {
          remove.run(one.id);
          onErased();
          continue;
        }
        const { id, kind, tenant, parent, version, createdAt, wakeAt, body } = one.row;
        if (version === 1) make.run(id, RESOURCE_KINDS.indexOf(kind), tenant, parent, version, createdAt, wakeAt, body);
        else {
          change.run(version, wakeAt, body, id);
          if (!BARE_KINDS.has(kind)) onErased();
        }
      }
      if (entry !== null) audited(entry);
      return true;
    },
  };
}

function idOf(change: ResourceChange): string {
  return change.op === 'put' ? change.row.id : change.id;
}

function follows(change: ResourceChange, held: Row | undefined): boolean {
  if (change.op === 'put' && change.row.version === 1) return held === undefined;
  if (held === undefined) return false;
  const { kind, tenant } = change.op === 'put' ? change.row : change;
  if (held['kind'] !== RESOURCE_KINDS.indexOf(kind) || held['tenant'] !== tenant) return false;
  if (change.op === 'remove') return held['version'] === change.version;
  const { version, parent, createdAt } = change.row;
  return held['version'] === version - 1 && held['parent'] === parent && held['created_at'] === createdAt;
}

export function makeResourceReads(db: DatabaseSync): ResourceReads {
  const get = db.prepare('SELECT * FROM resources WHERE id = ? AND kind = ? AND tenant = ?');
  const listed = (sign: string, order: string, parent: string): StatementSync =>
    db.prepare(
      `SELECT * FROM resources WHERE kind = ? AND tenant = ? ${parent} AND id ${sign} ? ORDER BY id ${order} LIMIT ?`,
    );
  const OF = 'AND parent = ?';
  const all = { asc: listed('>', 'ASC', ''), desc: listed('<', 'DESC', '') };
  const of = { asc: listed('>', 'ASC', OF), desc: listed('<', 'DESC', OF) };
  const count = db.prepare('SELECT count(*) AS n FROM resources WHERE kind = ? AND tenant = ?');
  const countOf = db.prepare(`SELECT count(*) AS n FROM resources WHERE kind = ? AND tenant = ? ${OF}`);
  const due = db.prepare(
    'SELECT * FROM resources WHERE kind = ? AND wake_at IS NOT NULL AND wake_at <= ? ORDER BY wake_at, id LIMIT ?',
  );
  const code = (kind: ResourceKind): number => RESOURCE_KINDS.indexOf(kind);

  return {
    resource: ({ kind, tenant, id }) => one(get.get(id, code(kind), tenant), resourceRow),
    resources({ kind, tenant, parent, order, limit, after }) {
      // No id begins with a character as high as that.
      const from = after ?? (order === 'asc' ? '' : '\u{10ffff}');
      const rows =
        parent === undefined
          ? all[order].all(code(kind), tenant, from, limit)
          : of[order].all(code(kind), tenant, parent, from, limit);
      return rows.map(resourceRow);
    },
    countResources({ kind, tenant, parent }) {
      const row = parent === undefined ? count.get(code(kind), tenant) : countOf.get(code(kind), tenant, parent);
      return Number(row?.['n']);
    },
    dueResources: ({ kind, now, limit }) => due.all(code(kind), now, limit).map(resourceRow),
  };
}

function resourceRow(row: Row): ResourceRow {
  return {
    kind: RESOURCE_KINDS[Number(row['kind'])] ?? 'agent',
    tenant: String(row['tenant']) as TenantId,
    id: String(row['id']),
    parent: textOrNull(row['parent']),
    version: Number(row['version']),
    createdAt: Number(row['created_at']),
    wakeAt: numberOrNull(row['wake_at']),
    body: String(row['body']),
  };
}
