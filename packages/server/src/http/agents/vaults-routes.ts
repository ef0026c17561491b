/** `/v1/vaults` and their credentials. */
import {
  type CredentialDeleted,
  listPage,
  type Parsed,
  parseCreateCredential,
  parseCreateVault,
  parseUpdateCredential,
  parseUpdateVault,
  parseVaultListQuery,
  type VaultDeleted,
} from '@perdure/protocol';
import { readJson, readOptionalJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { credentialResource, vaultKeyRotated, vaultResource } from './shown.ts';

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
  send(exchange, vaultResource(await deps.registry.vaults.create(exchange.caller, must(parseCreateVault(value)))));
}

export async function listVaults({ registry }: HttpDeps, exchange: Exchange): Promise<void> {
  const query = must(parseVaultListQuery(rawQuery(exchange.req.url)));
  const { data, hasMore } = await registry.vaults.list(exchange.caller, query);
  send(exchange, listPage(data.map(vaultResource), hasMore));
}

export async function getVault({ registry }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, vaultResource(await registry.vaults.read(exchange.caller, id)));
}

export async function updateVault(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const body = await bodyOf(deps, exchange, parseUpdateVault);
  send(exchange, vaultResource(await deps.registry.vaults.update(exchange.caller, id, body)));
}

export async function deleteVault({ registry }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await registry.vaults.delete(exchange.caller, id);
  const deleted: VaultDeleted = { id, object: 'vault.deleted', deleted: true };
  send(exchange, deleted);
}

export async function createCredential(deps: HttpDeps, exchange: Exchange, vault: string): Promise<void> {
  const body = await bodyOf(deps, exchange, parseCreateCredential);
  send(exchange, credentialResource(await deps.registry.vaults.credentials.create(exchange.caller, vault, body)));
}

export async function listCredentials({ registry }: HttpDeps, exchange: Exchange, vault: string): Promise<void> {
  const query = must(parseVaultListQuery(rawQuery(exchange.req.url)));
  const { data, hasMore } = await registry.vaults.credentials.list(exchange.caller, vault, query);
  send(exchange, listPage(data.map(credentialResource), hasMore));
}

export async function getCredential(
  { registry }: HttpDeps,
  exchange: Exchange,
  vault: string,
  id: string,
): Promise<void> {
  send(exchange, credentialResource(await registry.vaults.credentials.read(exchange.caller, vault, id)));
}

export async function updateCredential(deps: HttpDeps, exchange: Exchange, vault: string, id: string): Promise<void> {
  const body = await bodyOf(deps, exchange, parseUpdateCredential);
  send(exchange, credentialResource(await deps.registry.vaults.credentials.update(exchange.caller, vault, id, body)));
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
  send(exchange, vaultKeyRotated(await registry.rotateMaster(exchange.caller.principal)));
}
