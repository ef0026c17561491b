/** Reads vaults and what they hold. Keys and secrets are in memory no longer than the call that asks for them. */
import { perdureError } from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import type { ResourceRow, Resources } from '../resources.ts';
import type { CredentialSecret } from './credential-auth.ts';
import { unsealJson } from './envelope.ts';
import type { MasterKey } from './ports.ts';
import { about, type CredentialBody, type Held, held, LISTED, type VaultBody } from './rows.ts';

export interface VaultReads {
  readonly store: Resources;
  readonly master: MasterKey;
}

/** Null if the tenant has made none of that id. */
export async function findVault(
  store: Pick<Resources, 'resource'>,
  tenant: TenantId,
  id: string,
): Promise<Held<VaultBody> | null> {
  const row = await store.resource('vault', tenant, id);
  return row === null || row.parent !== LISTED ? null : held<VaultBody>(row);
}

/** @throws vault_not_found */
export async function mustFindVault(
  store: Pick<Resources, 'resource'>,
  tenant: TenantId,
  id: string,
): Promise<Held<VaultBody>> {
  const found = await findVault(store, tenant, id);
  if (found === null) throw perdureError('vault_not_found', `There is no vault '${id.slice(0, 64)}'.`);
  return found;
}

/** @throws credential_not_found */
export async function mustFindCredential(
  store: Pick<Resources, 'resource'>,
  vault: ResourceRow,
  id: string,
): Promise<Held<CredentialBody>> {
  const row = await store.resource('credential', vault.tenant, id);
  if (row === null || row.parent !== vault.id)
    throw perdureError('credential_not_found', `The vault has no credential '${id.slice(0, 64)}'.`);
  return held<CredentialBody>(row);
}

export function vaultKey({ master }: VaultReads, { row, body }: Held<VaultBody>): Promise<Uint8Array> {
  return master.unwrap(body.key, about.key(row.tenant, row.id));
}

export function openCredential(key: Uint8Array, { row, body }: Held<CredentialBody>): CredentialSecret {
  return unsealJson<CredentialSecret>(key, body.sealed, about.credential(row.tenant, row.parent ?? '', row.id));
}
