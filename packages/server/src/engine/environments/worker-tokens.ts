/**
 * Tokens of workers. One serves one environment, and nothing else: it is no API key. It names its tenant, since a worker has no other way to
 * say where it belongs; what it is worth lies in its secret part, of which only a digest is kept.
 */
import { perdureError, type WorkerToken } from '@perdure/protocol';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { homeTag, type TenantId } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { type Found, findEnvironment, findRow, type FoundEnvironment, insertRow, removeRow } from './records.ts';

/** Of one environment. */
export const MOST_TOKENS = 16;
const SECRET_BYTES = 32;
const FORM = /^pwt_([A-Za-z0-9_-]{1,344})\.[A-Za-z0-9_-]{43}$/;

interface TokenRecord {
  /** SHA-256 of the token, hex. */
  readonly hash: string;
  readonly by: string;
}

const shown = ({ row }: Found<TokenRecord>): WorkerToken => ({
  id: row.id,
  object: 'perdure.worker_token',
  environment_id: row.parent ?? '',
  created_at: Math.floor(row.createdAt / 1000),
});

/** @throws environment_not_found, invalid_request for one that is hosted here, environment_quota_exceeded */
export async function createToken(engine: EngineContext, caller: Caller, environment: string): Promise<WorkerToken> {
  const { tenant } = caller;
  const { record } = await findEnvironment(engine, tenant, environment);
  if (record.type !== 'self_hosted')
    throw perdureError('invalid_request', 'Only self-hosted environments have workers.', { param: 'environment_id' });
  const held = await engine.sessions.wait(
    engine.control.countResources({ kind: 'worker', tenant, parent: environment }),
  );
  if (held >= MOST_TOKENS)
    throw perdureError('environment_quota_exceeded', `An environment has ${MOST_TOKENS} worker tokens at most.`);
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const token = `pwt_${Buffer.from(tenant).toString('base64url')}.${secret}`;
  const home = engine.homes.all[0]?.home ?? '';
  const made = await insertRow<TokenRecord>(engine, {
    kind: 'worker',
    tenant,
    id: engine.ids.next('wkt', homeTag(home)),
    parent: environment,
    wakeAt: null,
    record: { hash: digestOf(engine, token), by: caller.principal },
  });
  return { ...shown(made), token };
}

export async function listTokens(
  engine: EngineContext,
  { tenant }: Caller,
  environment: string,
): Promise<readonly WorkerToken[]> {
  await findEnvironment(engine, tenant, environment);
  return (await tokensOf(engine, tenant, environment)).map(shown);
}

/** @throws environment_not_found, not_found */
export async function revokeToken(
  engine: EngineContext,
  { tenant }: Caller,
  environment: string,
  id: string,
): Promise<void> {
  await findEnvironment(engine, tenant, environment);
  const { row } = await findRow<TokenRecord>(engine, 'worker', tenant, id);
  if (row.parent !== environment) throw perdureError('not_found');
  await removeRow(engine, row);
}

/** The environment that a token serves. @throws invalid_api_key, whatever is wrong */
export async function environmentOfToken(
  engine: EngineContext,
  environment: string,
  token: string | null,
): Promise<FoundEnvironment> {
  const encoded = FORM.exec(token ?? '')?.[1];
  const tenant = encoded === undefined ? null : (Buffer.from(encoded, 'base64url').toString() as TenantId);
  if (tenant === null || token === null) throw unknown();
  const hash = Buffer.from(digestOf(engine, token));
  const all = await tokensOf(engine, tenant, environment);
  if (!all.some(({ record }) => timingSafeEqual(Buffer.from(record.hash), hash))) throw unknown();
  return findEnvironment(engine, tenant, environment).catch(() => Promise.reject(unknown()));
}

async function tokensOf(engine: EngineContext, tenant: TenantId, parent: string): Promise<Found<TokenRecord>[]> {
  const query = { kind: 'worker', tenant, parent, order: 'asc', limit: MOST_TOKENS + 1, after: null } as const;
  const rows = await engine.sessions.wait(engine.control.resources(query));
  return rows.map(row => ({ row, record: JSON.parse(row.body) as TokenRecord }));
}

/** What is left of its tokens when an environment goes. */
export async function forgetTokens(engine: EngineContext, tenant: TenantId, environment: string): Promise<void> {
  for (const { row } of await tokensOf(engine, tenant, environment)) await removeRow(engine, row);
}

function digestOf(engine: EngineContext, token: string): string {
  return Buffer.from(engine.sha256(token)).toString('hex');
}

function unknown(): Error {
  return perdureError('invalid_api_key', 'The worker token is unknown here, or was revoked.');
}
