/**
 * Vaults and the credentials in them.
 *
 * V1  A secret is in the store sealed only, and goes out through `ports.ts` only: no answer, error, log or audit entry holds one (L9).
 * V2  A vault has a key of its own, wrapped with the master key. With the vault the wrapped key is destroyed: what was sealed with it is lost.
 * V3  A credential is in a vault that is there: who adds one and who deletes the vault meet in the vault's row.
 */
import {
  type CreateCredential,
  perdureError,
  type UpdateCredential,
  type VaultBody as VaultInput,
  type VaultListQuery,
} from '@perdure/protocol';
import { homeTag } from '../../kernel/ids.ts';
import { hex } from '../agents/version.ts';
import type { Page } from '../agents/agents.ts';
import { makeInTurn } from '../in-turn.ts';
import { type Asking, CHANGE_ATTEMPTS, type RegistryDeps } from '../registry-deps.ts';
import { MAX_RESOURCE_CHANGES, type ResourceChange, type ResourceRow } from '../resources.ts';
import { rotateAuth, splitAuth } from './credential-auth.ts';
import { newVaultKey, sealJson } from './envelope.ts';
import { listMatching } from './list-matching.ts';
import { mustFindCredential, mustFindVault, openCredential, vaultKey } from './open-vault.ts';
import type { MasterKey } from './ports.ts';
import {
  about,
  type CredentialBody,
  credentialAfter,
  credentialRow,
  type Held,
  held,
  LISTED,
  removal,
  type VaultBody,
  vaultAfter,
  vaultRow,
} from './rows.ts';

export interface VaultBounds {
  /** Of one tenant. */
  readonly vaults: number;
  /** Of one vault: fewer than one commit takes. */
  readonly credentials: number;
}
export const VAULT_BOUNDS: VaultBounds = { vaults: 1_000, credentials: 100 };

const PLACEHOLDER_BYTES = 24;

export interface Vault extends Pick<VaultBody, 'name' | 'metadata' | 'credentials'> {
  readonly id: string;
  /** ms since 1970. */
  readonly createdAt: number;
}

export interface Credential extends Pick<CredentialBody, 'name' | 'metadata' | 'auth' | 'updatedAt'> {
  readonly id: string;
  readonly vault: string;
  readonly createdAt: number;
}

export interface Vaults {
  create(who: Asking, body: VaultInput): Promise<Vault>;
  read(who: Asking, id: string): Promise<Vault>;
  update(who: Asking, id: string, body: VaultInput): Promise<Vault>;
  list(who: Asking, query: VaultListQuery): Promise<Page<Vault>>;
  /** With all its credentials. */
  delete(who: Asking, id: string): Promise<void>;
  readonly credentials: {
    create(who: Asking, vault: string, body: CreateCredential): Promise<Credential>;
    read(who: Asking, vault: string, id: string): Promise<Credential>;
    update(who: Asking, vault: string, id: string, body: UpdateCredential): Promise<Credential>;
    list(who: Asking, vault: string, query: VaultListQuery): Promise<Page<Credential>>;
    delete(who: Asking, vault: string, id: string): Promise<void>;
  };
}

export interface VaultsDeps extends RegistryDeps {
  readonly master: MasterKey;
  readonly bounds?: VaultBounds;
}

export function makeVaults(deps: VaultsDeps): Vaults {
  const { store, now, ids, random, audit, bounds = VAULT_BOUNDS } = deps;
  const inTurn = makeInTurn();
  const tag = homeTag(store.home);

  /** Tries until nobody else has changed what the attempt was made on. `attempt` answers null if somebody had. */
  async function retried<T>(key: string, attempt: () => Promise<T | null>): Promise<T> {
    return inTurn(key, async () => {
      for (let tries = 0; tries < CHANGE_ATTEMPTS; tries++) {
        const done = await attempt();
        if (done !== null) return done;
      }
      throw perdureError('record_changed');
    });
  }

  const entry = (who: Asking, action: string, subject: string, body: object) =>
    audit({ at: now(), who: who.principal, action, subject, tenant: who.tenant, body });

  async function create(who: Asking, { name = null, metadata = {} }: VaultInput): Promise<Vault> {
    const { tenant } = who;
    return inTurn(`tenant ${tenant}`, async () => {
      if ((await store.countResources({ kind: 'vault', tenant, parent: LISTED })) >= bounds.vaults)
        throw perdureError('quota_exceeded', `A tenant has at most ${bounds.vaults} vaults.`);
      const id = ids.next('vault', tag);
      const key = await deps.master.wrap(newVaultKey(), about.key(tenant, id));
      const at = { tenant, id, parent: LISTED, version: 1, createdAt: now() };
      const row = vaultRow(at, { name, metadata, key, credentials: 0 });
      if (!(await store.changeResources([{ op: 'put', row }], entry(who, 'vault.created', id, {}))))
        throw perdureError('record_changed');
      return toVault(held(row));
    });
  }

  async function deleteVault(who: Asking, id: string): Promise<void> {
    await retried(`vault ${id}`, async () => {
      const { row } = await mustFindVault(store, who.tenant, id);
      const query = { kind: 'credential', tenant: who.tenant, parent: id, order: 'asc', after: null } as const;
      const inside = await store.resources({ ...query, limit: MAX_RESOURCE_CHANGES });
      const noted = entry(who, 'vault.deleted', id, { credentials: inside.length });
      // One commit: see the bound.
      return (await store.changeResources([row, ...inside].map(removal), noted)) ? true : null;
    });
  }

  async function createCredential(who: Asking, vaultId: string, given: CreateCredential): Promise<Credential> {
    const { tenant } = who;
    return retried(`vault ${vaultId}`, async () => {
      const vault = await mustFindVault(store, tenant, vaultId);
      if (vault.body.credentials >= bounds.credentials)
        throw perdureError('quota_exceeded', `A vault holds at most ${bounds.credentials} credentials.`);
      const { name, metadata, auth } = given;
      const { shown, secret } = splitAuth(auth);
      const id = ids.next('cred', tag);
      const key = await vaultKey(deps, vault);
      const createdAt = now();
      const row = credentialRow(
        { tenant, id, parent: vaultId, version: 1, createdAt },
        {
          name,
          metadata,
          auth: shown,
          sealed: sealJson(key, secret, about.credential(tenant, vaultId, id)),
          placeholder: shown.type === 'environment_variable' ? placeholder() : null,
          updatedAt: createdAt,
        },
      );
      const changes: ResourceChange[] = [{ op: 'put', row }, counted(vault, 1)];
      const noted = entry(who, 'credential.created', id, { vault: vaultId, type: shown.type });
      return (await store.changeResources(changes, noted)) ? toCredential(held(row)) : null;
    });
  }

  /** Nobody can guess it, and no two are alike. */
  const placeholder = (): string => `perdure_${hex(random(new Uint8Array(PLACEHOLDER_BYTES)))}`;

  async function updateCredential(
    who: Asking,
    vaultId: string,
    id: string,
    { metadata, auth }: UpdateCredential,
  ): Promise<Credential> {
    return retried(`vault ${vaultId}`, async () => {
      const vault = await mustFindVault(store, who.tenant, vaultId);
      const found = await mustFindCredential(store, vault.row, id);
      if (metadata === undefined && auth === undefined) return toCredential(found);
      let { auth: shown, sealed } = found.body;
      if (auth !== undefined) {
        const key = await vaultKey(deps, vault);
        const rotated = rotateAuth({ shown, secret: openCredential(key, found) }, auth);
        shown = rotated.shown;
        sealed = sealJson(key, rotated.secret, about.credential(who.tenant, vaultId, id));
      }
      const body: CredentialBody = {
        ...found.body,
        metadata: metadata ?? found.body.metadata,
        auth: shown,
        sealed,
        updatedAt: now(),
      };
      const change = credentialAfter(found.row, body);
      const noted = entry(who, 'credential.updated', id, { vault: vaultId, rotated: auth !== undefined });
      return (await store.changeResources([change], noted)) ? toCredential({ row: found.row, body }) : null;
    });
  }

  async function deleteCredential(who: Asking, vaultId: string, id: string): Promise<void> {
    await retried(`vault ${vaultId}`, async () => {
      const vault = await mustFindVault(store, who.tenant, vaultId);
      const { row } = await mustFindCredential(store, vault.row, id);
      const noted = entry(who, 'credential.deleted', id, { vault: vaultId });
      return (await store.changeResources([removal(row), counted(vault, -1)], noted)) ? true : null;
    });
  }

  return {
    create,
    read: async ({ tenant }, id) => toVault(await mustFindVault(store, tenant, id)),
    update: (who, id, { name, metadata }) =>
      retried(`vault ${id}`, async () => {
        const { row, body } = await mustFindVault(store, who.tenant, id);
        if (name === undefined && metadata === undefined) return toVault({ row, body });
        const next = { ...body, name: name === undefined ? body.name : name, metadata: metadata ?? body.metadata };
        const noted = entry(who, 'vault.updated', id, {});
        return (await store.changeResources([vaultAfter(row, next)], noted)) ? toVault({ row, body: next }) : null;
      }),
    list: async ({ tenant }, query) => {
      const { data, hasMore } = await listMatching(store, { kind: 'vault', tenant, parent: LISTED }, query);
      return { data: data.map(row => toVault(held(row))), hasMore };
    },
    delete: deleteVault,
    credentials: {
      create: createCredential,
      read: async ({ tenant }, vaultId, id) =>
        toCredential(await mustFindCredential(store, (await mustFindVault(store, tenant, vaultId)).row, id)),
      update: updateCredential,
      list: async ({ tenant }, vaultId, query) => {
        await mustFindVault(store, tenant, vaultId);
        const { data, hasMore } = await listMatching(store, { kind: 'credential', tenant, parent: vaultId }, query);
        return { data: data.map(row => toCredential(held(row))), hasMore };
      },
      delete: deleteCredential,
    },
  };
}

function counted({ row, body }: Held<VaultBody>, by: 1 | -1): ResourceChange {
  return vaultAfter(row, { ...body, credentials: body.credentials + by });
}

function toVault({ row: { id, createdAt }, body: { name, metadata, credentials } }: Held<VaultBody>): Vault {
  return { id, createdAt, name, metadata, credentials };
}

function toCredential({ row, body: { name, metadata, auth, updatedAt } }: Held<CredentialBody>): Credential {
  const { id, createdAt, parent }: ResourceRow = row;
  return { id, vault: parent ?? '', createdAt, updatedAt, name, metadata, auth };
}
