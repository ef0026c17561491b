/** Vaults and credentials as rows of the control home. */
import type { CredentialAuth } from '@perdure/protocol';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { ResourceChange, ResourceRow } from '../resources.ts';
import type { WrappedKey } from './ports.ts';

/** The parent of those that tenants make: a session's own has the session. */
export const LISTED = 'vaults';

export interface VaultBody {
  readonly name: string | null;
  readonly metadata: { readonly [key: string]: string };
  readonly key: WrappedKey;
  /** How many it holds: whoever adds or removes one changes the vault in the same commit, and so meets whoever deletes it. */
  readonly credentials: number;
}

export interface SessionVaultBody {
  readonly key: WrappedKey;
  /** Of its `ToolSecrets`. */
  readonly sealed: string;
}

export interface CredentialBody {
  readonly name: string;
  readonly metadata: { readonly [key: string]: string };
  readonly auth: CredentialAuth;
  /** Of its `CredentialSecret`. */
  readonly sealed: string;
  /** What a sandbox is given in the place of the secret; null unless it is of a variable. */
  readonly placeholder: string | null;
  readonly updatedAt: number;
}

export interface Held<Body> {
  readonly row: ResourceRow;
  readonly body: Body;
}

export function held<Body>(row: ResourceRow): Held<Body> {
  return { row, body: JSON.parse(row.body) as Body };
}

/**
 * `wakeAt` is when the master key was made that wraps the vault's: by it those are found that a rotation has yet to come to, of all tenants.
 */
export function vaultRow(
  at: Pick<ResourceRow, 'tenant' | 'id' | 'parent' | 'version' | 'createdAt'>,
  body: VaultBody | SessionVaultBody,
): ResourceRow {
  return { ...at, kind: 'vault', wakeAt: body.key.by, body: JSON.stringify(body) };
}

export function credentialRow(
  at: Pick<ResourceRow, 'tenant' | 'id' | 'parent' | 'version' | 'createdAt'>,
  body: CredentialBody,
): ResourceRow {
  return { ...at, kind: 'credential', wakeAt: null, body: JSON.stringify(body) };
}

/** The row as it follows `row`, with another body. */
export function vaultAfter(row: ResourceRow, body: VaultBody | SessionVaultBody): ResourceChange {
  return { op: 'put', row: vaultRow({ ...row, version: row.version + 1 }, body) };
}

export function credentialAfter(row: ResourceRow, body: CredentialBody): ResourceChange {
  return { op: 'put', row: credentialRow({ ...row, version: row.version + 1 }, body) };
}

export function removal({ kind, tenant, id, version }: ResourceRow): ResourceChange {
  return { op: 'remove', kind, tenant, id, version };
}

/** Where things belong, authenticated with what is sealed. */
export const about = {
  key: (tenant: TenantId, vault: string): string => JSON.stringify(['perdure vault key', tenant, vault]),
  credential: (tenant: TenantId, vault: string, credential: string): string =>
    JSON.stringify(['perdure credential', tenant, vault, credential]),
  session: (tenant: TenantId, session: SessionId): string =>
    JSON.stringify(['perdure session secrets', tenant, session]),
};

export function sessionVaultId(session: SessionId): string {
  return `vault_${session.slice('sess_'.length)}`;
}
