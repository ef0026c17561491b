/** Keys, records with their audit, and idempotency slots: the writer's side of the control home. */
import type { DatabaseSync } from 'node:sqlite';
import type { AuditEntry } from '../../engine/control-records.ts';
import type { IdempotencySlot } from '../../engine/ports.ts';
import type { ChangeOps, Handlers } from './messages.ts';

export type ControlHandlers = Handlers<Pick<ChangeOps, 'putKey' | 'revokeKey' | 'putRecord' | 'reserve' | 'settle'>>;

/** Expired slots swept by each reservation: more than it adds, so that the table shrinks to what is alive. */
const SWEPT = 8;

export function makeControlHandlers(db: DatabaseSync): ControlHandlers {
  const putKey = db.prepare(
    'INSERT OR REPLACE INTO keys (id, hash, tenant, created_at, revoked_at, name, prefix, channel, segment, product, scopes, signing) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const revoke = db.prepare('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const make = db.prepare(
    'INSERT INTO control_records (kind, id, tenant, version, body) VALUES (?, ?, ?, 1, ?) ON CONFLICT (id) DO NOTHING',
  );
  const change = db.prepare(
    'UPDATE control_records SET version = ?, body = ? WHERE id = ? AND kind = ? AND version = ? AND tenant IS ?',
  );
  const audited = auditWriter(db);
  const held = db.prepare('SELECT i, body_digest, id, created_at, done FROM idempotency WHERE slot = ?');
  const take = db.prepare('INSERT INTO idempotency (slot, body_digest, id, created_at, done) VALUES (?, ?, ?, ?, ?)');
  const drop = db.prepare('DELETE FROM idempotency WHERE i = ?');
  const oldest = db.prepare(`SELECT i, created_at FROM idempotency ORDER BY i LIMIT ${SWEPT}`);
  const done = db.prepare('UPDATE idempotency SET done = 1 WHERE slot = ? AND id = ?');
  const release = db.prepare('DELETE FROM idempotency WHERE slot = ? AND id = ?');

  return {
    putKey({ key, entry }) {
      const { id, hash, tenant, createdAt, revokedAt, name, prefix, channel, segment, product, scopes, signing } = key;
      putKey.run(
        id,
        hash,
        tenant,
        createdAt,
        revokedAt,
        name,
        prefix,
        channel,
        segment,
        product,
        JSON.stringify(scopes),
        signing === undefined ? null : JSON.stringify(signing),
      );
      audited(entry);
      return null;
    },
    revokeKey({ id, at, entry }) {
      if (revoke.run(at, id).changes !== 1) return false;
      audited(entry);
      return true;
    },
    putRecord({ record, entry }) {
      const { kind, id, tenant, version, body } = record;
      const done =
        version === 1 ? make.run(kind, id, tenant, body) : change.run(version, body, id, kind, version - 1, tenant);
      if (done.changes !== 1) return false;
      audited(entry);
      return true;
    },
    reserve({ slot, row, expireBefore }) {
      const text = slotText(slot);
      const other = held.get(text);
      if (other !== undefined && Number(other['created_at']) >= expireBefore) {
        return {
          bodyDigest: String(other['body_digest']),
          id: String(other['id']),
          createdAt: Number(other['created_at']),
          done: other['done'] === 1,
        };
      }
      if (other !== undefined) drop.run(Number(other['i']));
      for (const old of oldest.all()) if (Number(old['created_at']) < expireBefore) drop.run(Number(old['i']));
      take.run(text, row.bodyDigest, row.id, row.createdAt, Number(row.done));
      return 'reserved';
    },
    settle({ slot, id, outcome }) {
      (outcome === 'done' ? done : release).run(slotText(slot), id);
      return null;
    },
  };
}

/** What lays entries on the audit. */
export function auditWriter(db: DatabaseSync): (entry: AuditEntry) => void {
  const note = db.prepare(
    'INSERT INTO audit (at, actor, action, subject, tenant, body, digest) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  return ({ at, actor, action, subject, tenant, body, digest }) =>
    void note.run(at, actor, action, subject, tenant, body, digest);
}

/** One text that no two slots share. */
function slotText({ tenant, principal, route, key }: IdempotencySlot): string {
  return JSON.stringify([tenant, principal, route, key]);
}
