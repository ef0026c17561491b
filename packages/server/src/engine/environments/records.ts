/**
 * Environments and templates as rows of the control home.
 *
 * N1  A row says `pending` before anything is made, and holds all that making it takes: a process that finds it so makes it anew.
 * N2  A row is changed by who saw its last version; the change is computed again if it was not.
 * N3  Once it is made, what it was made of is dropped: contents and commands are not kept longer than they are needed.
 */
import {
  type ArchiveGiven,
  type CapabilityResource,
  type EnvironmentState,
  type ErrorCode,
  type FileGiven,
  type HostedFileResource,
  type HostedGiven,
  type NetworkRules,
  perdureError,
  type SetupCommand,
} from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import type { EngineContext } from '../engine-context.ts';
import type { ResourceKind, ResourceRow } from '../resources.ts';

/** What is left to do until it is ready. */
export interface Recipe {
  readonly files: readonly FileGiven[];
  readonly plugins: readonly ArchiveGiven[];
  readonly skills: readonly ArchiveGiven[];
  readonly setup: readonly SetupCommand[];
}

/** A file of the folder of outputs, as it was when it was last collected: path, bytes, ms since 1970, SHA-256. */
export type Output = readonly [path: string, size: number, modifiedAt: number, digest: string];

interface Shared {
  readonly error: EnvironmentState['error'];
  /** The session that has it; null for one that was made beforehand and not taken yet. */
  readonly session: string | null;
  /** ms since 1970, to within a minute. */
  readonly usedAt: number;
  /** Of what was copied into it (L8). */
  readonly labels: readonly string[];
  readonly capabilities: readonly string[];
  /** What the log of its session was last told of it (`toldMark`). Absent: nothing. */
  readonly told?: string;
}

export interface HostedRecord extends Shared {
  readonly type: 'openai_hosted';
  readonly status: 'pending' | 'ready' | 'suspended' | 'expired' | 'failed';
  /** How often it was begun to be made. */
  readonly attempts: number;
  readonly network: NetworkRules;
  readonly env: { readonly [name: string]: string };
  readonly vaults: readonly string[];
  readonly files: readonly HostedFileResource[];
  readonly plugins: readonly CapabilityResource[];
  readonly skills: readonly CapabilityResource[];
  /** Null once it is ready or has failed (N3). */
  readonly recipe: Recipe | null;
  readonly outputs: readonly Output[];
}

/** Whether its worker is connected is not kept: it is seen. */
export interface SelfHostedRecord extends Shared {
  readonly type: 'self_hosted';
  readonly workspace: string;
}

export type EnvironmentRecord = HostedRecord | SelfHostedRecord;

export interface Found<Body> {
  readonly row: ResourceRow;
  readonly record: Body;
}
export type FoundEnvironment = Found<EnvironmentRecord>;

export interface TemplateRecord {
  readonly name: string | null;
  readonly updatedAt: number;
  readonly hosted: HostedGiven;
}

/** Between two notes of its use, ms: a row is not written for each. */
export const USE_NOTE_MS = 60_000;
/** How often a change that lost against others is computed again. */
const TRIES = 8;

type Kind = Extract<ResourceKind, 'environment' | 'environment_template' | 'artifact' | 'worker'>;
const CODES: { readonly [kind in Kind]: ErrorCode } = {
  environment: 'environment_not_found',
  environment_template: 'environment_template_not_found',
  artifact: 'artifact_not_found',
  worker: 'not_found',
};

/** @throws environment_not_found and the like, also for what is another tenant's (L10) */
export async function findRow<Body>(
  engine: EngineContext,
  kind: Kind,
  tenant: TenantId,
  id: string,
): Promise<Found<Body>> {
  const row = await engine.sessions.wait(engine.control.resource(kind, tenant, id));
  if (row === null) throw perdureError(CODES[kind]);
  return { row, record: JSON.parse(row.body) as Body };
}

export function findEnvironment(engine: EngineContext, tenant: TenantId, id: string): Promise<FoundEnvironment> {
  return findRow<EnvironmentRecord>(engine, 'environment', tenant, id);
}

export interface NewRow<Body> {
  readonly kind: Kind;
  readonly tenant: TenantId;
  readonly id: string;
  readonly parent: string | null;
  readonly wakeAt: number | null;
  readonly record: Body;
}

/** @throws record_changed if there is one of that id */
export async function insertRow<Body>(engine: EngineContext, given: NewRow<Body>): Promise<Found<Body>> {
  const { record, ...place } = given;
  const row: ResourceRow = { ...place, version: 1, createdAt: engine.clock.now(), body: JSON.stringify(record) };
  if (!(await engine.sessions.wait(engine.control.changeResources([{ op: 'put', row }], null))))
    throw perdureError('record_changed');
  return { row, record };
}

export interface Change<Body> {
  readonly record: Body;
  /** As it is, if absent. */
  readonly wakeAt?: number | null;
}

/**
 * Changes a row by what it says now (N2).
 * @param change null: leave it as it is
 * @returns the row after it
 * @throws record_changed if others were always quicker
 */
export async function changeRow<Body>(
  engine: EngineContext,
  at: Pick<ResourceRow, 'tenant' | 'id'> & { readonly kind: Kind },
  change: (found: Found<Body>) => Change<Body> | null,
): Promise<Found<Body>> {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await findRow<Body>(engine, at.kind, at.tenant, at.id);
    const made = change(found);
    if (made === null) return found;
    const { record, wakeAt = found.row.wakeAt } = made;
    const row: ResourceRow = {
      ...found.row,
      version: found.row.version + 1,
      wakeAt,
      body: JSON.stringify(record),
    };
    if (await engine.sessions.wait(engine.control.changeResources([{ op: 'put', row }], null))) return { row, record };
  }
  throw perdureError('record_changed');
}

/** @throws record_changed if somebody changed it since */
export async function removeRow(
  engine: EngineContext,
  { kind, tenant, id, version }: Pick<ResourceRow, 'kind' | 'tenant' | 'id' | 'version'>,
): Promise<void> {
  const change = { op: 'remove', kind, tenant, id, version } as const;
  if (!(await engine.sessions.wait(engine.control.changeResources([change], null))))
    throw perdureError('record_changed');
}

export interface RowQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after: string | null;
}
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly hasMore: boolean;
}

/** Rows are read in steps of so many where some of them are left out. */
const STEP = 100;

/** A page of those rows that `keep` keeps. */
export async function pageRows<Body>(
  engine: EngineContext,
  of: { readonly kind: Kind; readonly tenant: TenantId; readonly parent?: string },
  query: RowQuery,
  keep: (record: Body) => boolean = () => true,
): Promise<Page<Found<Body>>> {
  const kept: Found<Body>[] = [];
  let { after } = query;
  for (;;) {
    const rows = await engine.sessions.wait(
      engine.control.resources({ ...of, order: query.order, limit: STEP, after }),
    );
    for (const row of rows) {
      const record = JSON.parse(row.body) as Body;
      if (!keep(record)) continue;
      // One more than asked for says whether there are more.
      if (kept.length === query.limit) return { entries: kept, hasMore: true };
      kept.push({ row, record });
    }
    after = rows.at(-1)?.id ?? null;
    if (rows.length < STEP) return { entries: kept, hasMore: false };
  }
}

/** Until it is looked at whether a session was told of its environment, ms. */
const TOLD_LOOK_MS = 60_000;

/** When its row is next looked at: soon, while its session has not been told of it. */
export function nextLook(record: Pick<HostedRecord, 'session'>, now: number, at: number): number {
  return record.session === null ? at : Math.min(at, now + TOLD_LOOK_MS);
}
