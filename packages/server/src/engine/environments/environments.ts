/** The life of environments: made, taken by a session, used, suspended, expired, gone. */
import {
  type EnvironmentBody,
  type EnvironmentGiven,
  type EnvironmentInfo,
  environmentParam,
  parseBody,
  perdureError,
  type SessionEnvironment,
  toPerdureError,
} from '@perdure/protocol';
import { idBody, type SessionId, type TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { type Idempotent, reserveForAgents } from '../idempotency.ts';
import type { Workspace, WorkspaceSpec } from '../tools/ports.ts';
import { attachPrewarmed, createHosted, createSelfHosted, type ForSession } from './create.ts';
import type { LiveEnvironments } from './live.ts';
import { endAlone, GONE, idAt } from './environment-log.ts';
import { workspacesOf } from './provision.ts';
import {
  changeRow,
  type EnvironmentRecord,
  type Found,
  findEnvironment,
  type FoundEnvironment,
  type HostedRecord,
  type Page,
  pageRows,
  removeRow,
  type RowQuery,
  USE_NOTE_MS,
} from './records.ts';
import { environmentBody } from './session-environment-id.ts';
import { capabilityNote, infoOf, sessionEnvironment, specOf } from './shapes.ts';
import { forgetTokens } from './worker-tokens.ts';

/** A hosted environment that no session has yet. With setup commands it is `pending` still; else it is made when this resolves. */
export async function createEnvironment(
  engine: EngineContext,
  live: LiveEnvironments,
  caller: Caller,
  { environment: given, vault_ids: vaults }: EnvironmentBody,
  idempotency: Idempotent | null,
): Promise<EnvironmentInfo> {
  const options = { caller, given, vaults, of: null };
  if (idempotency === null) return made(live, await createHosted(engine, { ...options, body: null }));
  const home = engine.homes.all[0]?.home;
  if (home === undefined) throw perdureError('store_unavailable');
  const route = 'POST /v1/agents/environments';
  const reserved = await reserveForAgents(engine, caller, { ...idempotency, route, home });
  const body = reserved.id.slice('resp_'.length);
  if (reserved.type !== 'fresh') {
    for (const store of engine.homes.all) {
      const found = await findEnvironment(engine, caller.tenant, idAt(body, store.home)).catch(unlessAbsent);
      if (found === null) continue;
      if (reserved.type === 'begun') await reserved.done();
      return infoOf(found, live.statusOf(found));
    }
    if (reserved.type === 'done') throw perdureError('idempotency_completed', GONE);
    const left = reserved.since + UNDER_WAY_MS - engine.clock.now();
    if (left > 0) throw perdureError('idempotency_in_progress', undefined, { retryAfterMs: Math.min(left, 1000) });
  }
  try {
    const found = await createHosted(engine, { ...options, body });
    await reserved.done();
    return await made(live, found);
  } catch (error) {
    if (toPerdureError(error).status < 500) await reserved.release();
    throw error;
  }
}

/** After so long whoever began to make an environment, and has not, is taken for dead, ms: it is begun within less than a second. */
const UNDER_WAY_MS = 60_000;

function unlessAbsent(error: unknown): null {
  if (toPerdureError(error).status === 404) return null;
  throw error;
}

async function made(live: LiveEnvironments, found: Found<HostedRecord>): Promise<EnvironmentInfo> {
  live.tell(found);
  const making = live.make(found);
  // What goes wrong is said by its row, and by the sweep that takes it up again.
  making.catch(() => undefined);
  const shown: FoundEnvironment = (found.record.recipe?.setup.length ?? 0) === 0 ? await making : found;
  return infoOf(shown, live.statusOf(shown));
}

export interface SessionBinding {
  readonly environment: SessionEnvironment;
  /** Null for none. */
  readonly id: string | null;
  /** Of a hosted one. */
  readonly spec: WorkspaceSpec | null;
  /** What a model must be told of its skills and plugins; null: nothing. */
  readonly note: string | null;
  /** What was copied into it carries them, and so does the session from now on (L8). */
  readonly labels: readonly string[];
}

export const NO_ENVIRONMENT: SessionBinding = {
  environment: { type: 'none' },
  id: null,
  spec: null,
  note: null,
  labels: [],
};

/**
 * The environment of a new session, as its request asks for it. It may still be `pending`: `use` waits for it.
 * @throws what `createHosted`, `createSelfHosted` and `attachPrewarmed` throw
 */
export async function environmentFor(
  engine: EngineContext,
  live: LiveEnvironments,
  caller: Caller,
  {
    given,
    vaults,
    of,
  }: { readonly given: EnvironmentGiven; readonly vaults: readonly string[]; readonly of: ForSession },
): Promise<SessionBinding> {
  if (given.type === 'none') return NO_ENVIRONMENT;
  const body = environmentBody(engine, of.session, given);
  if (given.type !== 'prewarmed') {
    // Made before, for a session that its process did not live to begin.
    const known = await findEnvironment(engine, caller.tenant, `env_${body}`).catch(unlessAbsent);
    if (known !== null) return bindingOf(engine, known);
  }
  if (given.type === 'self_hosted')
    return bindingOf(engine, await createSelfHosted(engine, caller, given, of.session, body));
  if (given.type === 'prewarmed') {
    const found = await attachPrewarmed(engine, caller, given.environment, { session: of.session, vaults });
    return bindingOf(engine, found);
  }
  const asked = { template: given.template, hosted: given.hosted };
  const found = await createHosted(engine, { caller, given: asked, vaults, of, body });
  live.tell(found);
  live.make(found).catch(() => undefined);
  return bindingOf(engine, found);
}

/** The environment as its session shows it, and what tools need to open it. */
export function bindingOf(engine: EngineContext, found: FoundEnvironment): SessionBinding {
  const { row, record } = found;
  const hosted = record.type === 'openai_hosted' ? specOf({ row, record }) : null;
  const environment = sessionEnvironment(found, remoteUrl(engine, row.id));
  return {
    environment,
    id: row.id,
    note: capabilityNote(environment),
    spec: hosted,
    labels: record.labels,
  };
}

/** Where a worker asks for work. */
function remoteUrl(engine: EngineContext, id: string): string {
  return `${engine.environments.url() ?? ''}/perdure/v1/environments/${id}/worker`;
}

export interface Used {
  readonly found: FoundEnvironment;
  readonly workspace: Workspace;
}

/**
 * Opens the workspace of an environment: waits until it is made, brings it back if it is suspended, notes that it is in use.
 * @throws environment_not_found, environment_not_ready, environment_expired, environment_disconnected, environments_unavailable
 */
export async function useEnvironment(
  engine: EngineContext,
  live: LiveEnvironments,
  tenant: TenantId,
  id: string,
): Promise<Used> {
  const found = await findEnvironment(engine, tenant, id);
  if (found.record.type === 'self_hosted') {
    if (live.statusOf(found) !== 'connected') throw perdureError('environment_disconnected');
    return { found, workspace: live.workspace(found) };
  }
  const workspaces = workspacesOf(engine);
  const { row, record } = found as Found<HostedRecord>;
  const ready = record.status === 'pending' ? await live.make({ row, record }) : { row, record };
  if (ready.record.status === 'expired') throw perdureError('environment_expired');
  if (ready.record.status === 'failed')
    throw perdureError(
      'environment_not_ready',
      `The environment could not be made: ${ready.record.error?.message ?? ''}`,
    );
  if (ready.record.status === 'pending') throw perdureError('server_draining', undefined, { retryAfterMs: 1000 });
  const used = await noteUse(engine, live, ready);
  return { found: used, workspace: await workspaces.open(specOf(used)) };
}

async function noteUse(
  engine: EngineContext,
  live: LiveEnvironments,
  found: Found<HostedRecord>,
): Promise<Found<HostedRecord>> {
  const now = engine.clock.now();
  const { suspendMs, expireMs } = engine.environments.limits;
  if (found.record.status === 'ready' && now - found.record.usedAt < USE_NOTE_MS) return found;
  const at = { kind: 'environment', tenant: found.row.tenant, id: found.row.id } as const;
  const noted = await changeRow<HostedRecord>(engine, at, ({ record }) => {
    if (record.status === 'expired') throw perdureError('environment_expired');
    return { record: { ...record, status: 'ready', usedAt: now }, wakeAt: now + Math.min(suspendMs, expireMs) };
  });
  if (found.record.status === 'suspended') live.tell(noted);
  return noted;
}

export async function readEnvironment(
  engine: EngineContext,
  live: LiveEnvironments,
  { tenant }: Caller,
  id: string,
): Promise<EnvironmentInfo> {
  const found = await findEnvironment(engine, tenant, id);
  return infoOf(found, live.statusOf(found));
}

export async function listEnvironments(
  engine: EngineContext,
  live: LiveEnvironments,
  { tenant }: Caller,
  query: RowQuery & { readonly type: EnvironmentInfo['type'] },
): Promise<Page<EnvironmentInfo>> {
  const keep = (record: EnvironmentRecord): boolean => record.type === query.type;
  const { entries, hasMore } = await pageRows(engine, { kind: 'environment', tenant }, query, keep);
  return { entries: entries.map(found => infoOf(found, live.statusOf(found))), hasMore };
}

/** Its files, its tokens and its row go. @throws environment_not_found, environment_not_ready if a session has it */
export async function deleteEnvironment(
  engine: EngineContext,
  live: LiveEnvironments,
  tenant: TenantId,
  { id, session }: { readonly id: string; readonly session: SessionId | null },
): Promise<void> {
  await live.making(id)?.catch(() => undefined);
  const { row, record } = await findEnvironment(engine, tenant, id);
  if (record.session !== session)
    throw perdureError('environment_not_ready', 'The environment belongs to a session, and goes with it.');
  live.forget(id);
  if (record.type === 'openai_hosted') await engine.environments.workspaces?.destroy(tenant, id);
  await forgetTokens(engine, tenant, id);
  await endAlone(engine, row);
  await removeRow(engine, row);
}

/** The environments of a session go with it: those that it brought, and one that was made beforehand. */
export async function endSessionEnvironments(
  engine: EngineContext,
  live: LiveEnvironments,
  tenant: TenantId,
  { session, environment }: { readonly session: SessionId; readonly environment: string | null },
): Promise<void> {
  const of = { kind: 'environment', tenant, parent: session, order: 'asc', limit: 100, after: null } as const;
  const brought = (await engine.sessions.wait(engine.control.resources(of))).map(({ id }) => id);
  const all = environment === null ? brought : [...brought, environment];
  for (const id of new Set(all)) await deleteEnvironment(engine, live, tenant, { id, session }).catch(unlessAbsent);
}

/** What tools open: that of `use`, whoever hosts it. Null for a session without an environment. */
export async function toolSpec(
  engine: EngineContext,
  tenant: TenantId,
  environment: { readonly [name: string]: unknown },
): Promise<WorkspaceSpec | null> {
  const { id } = environment;
  if (typeof id !== 'string') return null;
  const { row, record } = await findEnvironment(engine, tenant, id);
  if (record.type === 'openai_hosted') return specOf({ row, record });
  return { tenant, id, network: { access: 'disabled', allowed: [], blocked: [] }, env: {} };
}

/** The environment of a new session from what its request says, in wire form both. */
export async function wireEnvironment(
  engine: EngineContext,
  live: LiveEnvironments,
  caller: Caller,
  asked: { readonly given: JsonObject; readonly vaults: readonly string[]; readonly session: SessionId },
): Promise<SessionEnvironment> {
  const parsed = parseBody(environmentParam, asked.given);
  if (!parsed.ok) {
    const { code, message, param, status } = parsed.error;
    throw perdureError(code, message, { param: param === null ? 'environment' : `environment.${param}`, status });
  }
  const store = engine.homes.ofBody(idBody(asked.session, 'sess') ?? '');
  if (store === null) throw perdureError('store_unavailable');
  const of = { session: asked.session, home: store.home };
  return (await environmentFor(engine, live, caller, { given: parsed.value, vaults: asked.vaults, of })).environment;
}
