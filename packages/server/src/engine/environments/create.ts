/**
 * New environments. A hosted one that no session has yet is state of its own: its home is placed under contract first, and a log of its own
 * holds the placement, as that of a file does. One that a session brings lies at that session's home, which was placed for it.
 */
import {
  type ArchiveGiven,
  type EnvironmentBody,
  type EnvironmentGiven,
  type HostedFileResource,
  perdureError,
} from '@perdure/protocol';
import { type HomeId, homeTag, type SessionId, type TenantId } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { unpack } from './archives.ts';
import { lookAt } from './bytes.ts';
import { MAX_ATTACHED_VAULTS } from '../vaults/ports.ts';
import { endAlone, placeEnvironment } from './environment-log.ts';
import { workspacesOf } from './provision.ts';
import {
  changeRow,
  type Found,
  findRow,
  type HostedRecord,
  insertRow,
  type SelfHostedRecord,
  type TemplateRecord,
} from './records.ts';
import { type Hosted, over, shownArchive, specOf } from './shapes.ts';

type HostedGivenBody = EnvironmentBody['environment'];

export interface ForSession {
  readonly session: SessionId;
  /** Where the session was placed. */
  readonly home: HomeId;
}

export interface HostedOptions {
  readonly caller: Caller;
  readonly given: HostedGivenBody;
  readonly vaults: readonly string[];
  /** Null: no session has it yet. */
  readonly of: ForSession | null;
  /** A reserved id body, where the request may come again; null draws one. */
  readonly body: string | null;
}

/**
 * A hosted environment, `pending`. Its workspace was opened: what this server cannot host is refused here.
 * @throws environments_unavailable, environment_template_not_found, environment_quota_exceeded, file_not_found, file_too_large,
 *   invalid_request, placement_refused and what else a placement of state can fail with
 */
export async function createHosted(engine: EngineContext, options: HostedOptions): Promise<Found<HostedRecord>> {
  const { caller, given, vaults, of, body } = options;
  const { tenant } = caller;
  const workspaces = workspacesOf(engine);
  const hosted = over(await templateOf(engine, tenant, given.template), given.hosted);
  await roomFor(engine, tenant);
  if (of === null) await engine.environments.checkVaults?.(tenant, vaults);
  checkArchives(hosted.skills, hosted.plugins);
  const sizes: number[] = [];
  const labels = new Set<string>();
  for (const [index, file] of hosted.files.entries()) {
    const looked = await lookAt(engine, caller, file, `environment.files[${index}]`);
    sizes.push(looked.bytes);
    for (const label of looked.labels) labels.add(label);
  }
  const id = await idOf(engine, caller, { of, body, labels: [...labels].toSorted() });
  const now = engine.clock.now();
  const record: HostedRecord = {
    type: 'openai_hosted',
    status: 'pending',
    error: null,
    session: of?.session ?? null,
    usedAt: now,
    labels: [...labels].toSorted(),
    capabilities: hosted.capability_directories,
    attempts: 0,
    network: hosted.network,
    env: hosted.env,
    vaults,
    files: hosted.files.map((file, index) => shownFile(id, file, index, sizes[index] ?? 0)),
    plugins: hosted.plugins.map(shownArchive),
    skills: hosted.skills.map(shownArchive),
    recipe: { files: hosted.files, plugins: hosted.plugins, skills: hosted.skills, setup: hosted.setup_commands },
    outputs: [],
  };
  const found = await insertRow(engine, {
    kind: 'environment',
    tenant,
    id,
    parent: of?.session ?? null,
    // Due at once: whatever process lives then sees to it that it is made.
    wakeAt: now,
    record,
  });
  try {
    await workspaces.open(specOf(found));
  } catch (error) {
    await engine.sessions.wait(
      engine.control.changeResources([{ op: 'remove', kind: 'environment', tenant, id, version: 1 }], null),
    );
    await endAlone(engine, found.row);
    throw error;
  }
  return found;
}

async function idOf(
  engine: EngineContext,
  caller: Caller,
  { of, body, labels }: Pick<HostedOptions, 'of' | 'body'> & { readonly labels: readonly string[] },
): Promise<string> {
  if (of === null) return placeEnvironment(engine, caller, labels, body);
  return body === null ? engine.ids.next('env', homeTag(of.home)) : `env_${body}`;
}

function shownFile(id: string, file: Hosted['files'][number], index: number, size: number): HostedFileResource {
  const shared = { id: `${id}.${index}`, path: file.path, size_bytes: size };
  return file.type === 'inline' ? { ...shared, type: 'inline' } : { ...shared, file_id: file.file_id, type: 'file_id' };
}

/** @throws environment_template_not_found */
async function templateOf(
  engine: EngineContext,
  tenant: TenantId,
  id: string | null,
): Promise<TemplateRecord['hosted'] | null> {
  if (id === null) return null;
  return (await findRow<TemplateRecord>(engine, 'environment_template', tenant, id)).record.hosted;
}

async function roomFor(engine: EngineContext, tenant: TenantId): Promise<void> {
  const most = engine.environments.limits.tenantEnvironments;
  const held = await engine.sessions.wait(engine.control.countResources({ kind: 'environment', tenant }));
  if (held >= most) throw perdureError('environment_quota_exceeded', `A tenant has ${most} environments at most.`);
}

/** Before anything is made: a request with a bad archive makes nothing. @throws invalid_request */
export function checkArchives(skills: readonly ArchiveGiven[], plugins: readonly ArchiveGiven[]): void {
  for (const archive of skills) unpack('skills', archive);
  for (const archive of plugins) unpack('plugins', archive);
}

/** @throws environment_quota_exceeded */
export async function createSelfHosted(
  engine: EngineContext,
  caller: Caller,
  given: Extract<EnvironmentGiven, { type: 'self_hosted' }>,
  session: SessionId,
  body: string,
): Promise<Found<SelfHostedRecord>> {
  await roomFor(engine, caller.tenant);
  return insertRow<SelfHostedRecord>(engine, {
    kind: 'environment',
    tenant: caller.tenant,
    id: `env_${body}`,
    parent: session,
    wakeAt: null,
    record: {
      type: 'self_hosted',
      error: null,
      session,
      usedAt: engine.clock.now(),
      labels: [],
      capabilities: given.capability_directories,
      workspace: given.workspace_directory.replace(/(?<=.)\/$/, ''),
    },
  });
}

/** Takes an environment that was made beforehand; it has one session, ever. @throws environment_not_found, environment_not_ready, environment_expired */
export function attachPrewarmed(
  engine: EngineContext,
  { tenant }: Caller,
  id: string,
  { session, vaults }: { readonly session: SessionId; readonly vaults: readonly string[] },
): Promise<Found<HostedRecord>> {
  return changeRow<HostedRecord>(engine, { kind: 'environment', tenant, id }, ({ record }) => {
    if (record.session === session) return null;
    if (record.type !== 'openai_hosted' || record.session !== null)
      throw perdureError('environment_not_ready', 'The environment belongs to another session.');
    if (record.status === 'expired') throw perdureError('environment_expired');
    if (record.status === 'failed') throw perdureError('environment_not_ready', 'The environment could not be made.');
    // Its own, and those of the session.
    const both = [...new Set([...record.vaults, ...vaults])];
    if (both.length > MAX_ATTACHED_VAULTS)
      throw perdureError('invalid_request', `At most ${MAX_ATTACHED_VAULTS} vaults are attached at once.`, {
        param: 'vault_ids',
      });
    return { record: { ...record, session, vaults: both } };
  });
}
