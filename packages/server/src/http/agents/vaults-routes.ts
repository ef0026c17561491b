/** `/v1/vaults` and their credentials. */
import {
  type CredentialDeleted,
  type CredentialResource,
  listPage,
  type Parsed,
  parseCreateCredential,
  parseCreateVault,
  parseUpdateCredential,
  parseUpdateVault,
  parseVaultListQuery,
  type VaultDeleted,
  type VaultKeyRotated,
  type VaultResource,
} from '@perdure/protocol';
import type { Credential, Vault } from '../../engine/vaults/vaults.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';

function must<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

function send({ res, requestId }: Exchange, body: unknown): void {
  sendJson(res, 200, body, { 'x-request-id': requestId });
}

async function bodyOf<T>({ limits }: HttpDeps, { req }: Exchange, parse: (body: unknown) => Parsed<T>): Promise<T> {
  return must(parse((await readJson(req, limits)).value));
}

export async function createVault(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { value = {} } = await readOptionalJson(exchange.req, deps.limits);
  send(exchange, vaultWire(await deps.registry.vaults.create(exchange.caller, must(parseCreateVault(value)))));
}

export async function listVaults({ registry }: HttpDeps, exchange: Exchange): Promise<void> {
  const query = must(parseVaultListQuery(rawQuery(exchange.req.url)));
  const { data, hasMore } = await registry.vaults.list(exchange.caller, query);
  send(exchange, listPage(data.map(vaultWire), hasMore));
}

export async function getVault({ registry }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, vaultWire(await registry.vaults.read(exchange.caller, id)));
}

export async function updateVault(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const body = await bodyOf(deps, exchange, parseUpdateVault);
  send(exchange, vaultWire(await deps.registry.vaults.update(exchange.caller, id, body)));
}

export async function deleteVault({ registry }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await registry.vaults.delete(exchange.caller, id);
  const deleted: VaultDeleted = { id, object: 'vault.deleted', deleted: true };
  send(exchange, deleted);
}

export async function createCredential(deps: HttpDeps, exchange: Exchange, vault: string): Promise<void> {
  const body = await bodyOf(deps, exchange, parseCreateCredential);
  send(exchange, credentialWire(await deps.registry.vaults.credentials.create(exchange.caller, vault, body)));
}

export async function listCredentials({ registry }: HttpDeps, exchange: Exchange, vault: string): Promise<void> {
  const query = must(parseVaultListQuery(rawQuery(exchange.req.url)));
  const { data, hasMore } = await registry.vaults.credentials.list(exchange.caller, vault, query);
  send(exchange, listPage(data.map(credentialWire), hasMore));
}

export async function getCredential(
  { registry }: HttpDeps,
  exchange: Exchange,
  vault: string,
  id: string,
): Promise<void> {
  send(exchange, credentialWire(await registry.vaults.credentials.read(exchange.caller, vault, id)));
}

export async function updateCredential(deps: HttpDeps, exchange: Exchange, vault: string, id: string): Promise<void> {
  const body = await bodyOf(deps, exchange, parseUpdateCredential);
  send(exchange, credentialWire(await deps.registry.vaults.credentials.update(exchange.caller, vault, id, body)));
}

export async function deleteCredential(
  { registry }: HttpDeps,
  exchange: Exchange,
  vault: string,
  id: string,
): Promise<void> {
  await registry.vaults.credentials.delete(exchange.caller, vault, id);
  const deleted: CredentialDeleted = { id, object: 'vault.credential.deleted', deleted: true };
  send(exchange, deleted);
}

export async function rotateVaultKey({ registry }: HttpDeps, exchange: Exchange): Promise<void> {
  const { vaults, madeAt } = await registry.rotateMaster(exchange.caller.principal);
  const rotated: VaultKeyRotated = {
    object: 'perdure.vault_key_rotated',
    vaults,
    created_at: Math.floor(madeAt / 1000),
  };
  send(exchange, rotated);
}

function vaultWire({ id, createdAt, name, metadata }: Vault): VaultResource {
  return { id, object: 'vault', created_at: Math.floor(createdAt / 1000), name, metadata };
}

function credentialWire({ id, vault, createdAt, updatedAt, name, metadata, auth }: Credential): CredentialResource {
  return {
    id,
    object: 'vault.credential',
    vault_id: vault,
    created_at: Math.floor(createdAt / 1000),
    updated_at: Math.floor(updatedAt / 1000),
    name,
    metadata,
    auth,
  };
}
