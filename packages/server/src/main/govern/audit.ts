/** Audit entries and their digests: what the ledger makes leaves of. */
import { createHash } from 'node:crypto';
import type { AuditEntry } from '../../engine/control-records.ts';
import type { KeyRow } from '../../engine/ports.ts';

export interface Audited {
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly tenant: string | null;
  /** What it is after the change. No credential. */
  readonly body: object;
}

export function auditEntry({ at, actor, action, subject, tenant, body }: Audited): AuditEntry {
  const text = JSON.stringify(body);
  return {
    at,
    actor,
    action,
    subject,
    tenant,
    body: text,
    digest: auditDigest(at, actor, action, subject, tenant, text),
  };
}

/** Of an entry's fields in their order, so that anybody can compute it again from the row. */
export function auditDigest(...fields: readonly (string | number | null)[]): string {
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/** A key without its hash and its sealed secret: the entry is evidence, and shown to auditors. */
export function keyEntry(action: 'key.created' | 'key.revoked', key: KeyRow, actor: string, at: number): AuditEntry {
  const { hash: _hash, signing, ...shown } = key;
  const body = signing === undefined ? shown : { ...shown, accessKeyId: signing.accessKeyId };
  return auditEntry({ at, actor, action, subject: key.id, tenant: key.tenant, body });
}

/** `config` and `local` are nobody's key. */
export function actorOf(who: string): string {
  return who === 'config' || who === 'local' ? who : `key:${who}`;
}
