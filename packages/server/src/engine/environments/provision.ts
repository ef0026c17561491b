/** Making a hosted environment: its workspace, what is copied into it, and its setup commands, in that order. */
import {
  type EnvironmentState,
  type FileGiven,
  isPerdureError,
  perdureError,
  toPerdureError,
  WORKSPACE_DIRECTORY,
} from '@perdure/protocol';
import type { EngineContext } from '../engine-context.ts';
import type { Workspace } from '../tools/ports.ts';
import { unpack } from './archives.ts';
import { bytesOf } from './bytes.ts';
import type { WorkspaceHost } from './desk.ts';
import { changeRow, type Found, type HostedRecord, nextLook, type Recipe } from './records.ts';
import { archiveFolder, specOf } from './shapes.ts';

/** How often making it is begun before it counts as failed: a process may have died in it. */
const ATTEMPTS = 3;

/** `/workspace/a/b` as `a/b`; the workspace itself as an empty text. Null for what lies elsewhere. */
export function below(directory: string, path: string): string | null {
  if (path === directory) return '';
  const base = directory === '/' ? '/' : `${directory}/`;
  return path.startsWith(base) ? path.slice(base.length) : null;
}

export interface Provisioning {
  readonly found: Found<HostedRecord>;
  readonly workspaces: WorkspaceHost;
  readonly signal: AbortSignal;
}

/**
 * Makes it, and says in its row how that ended. Begun again by a process that finds it pending, it starts with an empty folder.
 * @returns its row; it is `ready` or `failed`
 */
export async function provision(engine: EngineContext, given: Provisioning): Promise<Found<HostedRecord>> {
  const { row, record } = given.found;
  const at = { kind: 'environment', tenant: row.tenant, id: row.id } as const;
  const begun = await changeRow<HostedRecord>(engine, at, ({ record: now }) => ({
    record: { ...now, attempts: now.attempts + 1 },
  }));
  let error: EnvironmentState['error'] = null;
  try {
    if (begun.record.attempts > ATTEMPTS)
      throw failure('interrupted', 'The server was stopped again and again while it was made.');
    if (begun.record.attempts > 1) await given.workspaces.destroy(row.tenant, row.id);
    const workspace = await given.workspaces.open(specOf(given.found));
    if (record.recipe !== null) await follow(engine, { ...given, workspace, recipe: record.recipe });
  } catch (thrown) {
    // Left pending: the next process makes it.
    if (given.signal.aborted) return begun;
    const { code, message } = asFailure(thrown);
    error = { code, message, type: 'environment_error' };
    if (!isPerdureError(thrown) && !isFailure(thrown)) engine.report('environment', toPerdureError(thrown));
  }
  const status = error === null ? 'ready' : 'failed';
  const now = engine.clock.now();
  const { suspendMs, expireMs } = engine.environments.limits;
  return changeRow<HostedRecord>(engine, at, ({ record: made }) => ({
    record: { ...made, status, error, recipe: null, usedAt: now },
    wakeAt: nextLook(made, now, now + (status === 'ready' ? Math.min(suspendMs, expireMs) : expireMs)),
  }));
}

interface Following extends Provisioning {
  readonly workspace: Workspace;
  readonly recipe: Recipe;
}

async function follow(engine: EngineContext, given: Following): Promise<void> {
  const { workspace, recipe, found } = given;
  for (const file of recipe.files) {
    given.signal.throwIfAborted();
    await workspace.write(below(WORKSPACE_DIRECTORY, file.path) ?? '', await contentOf(engine, found, file));
  }
  for (const kind of ['skills', 'plugins'] as const) {
    for (const archive of recipe[kind]) {
      for (const { path, bytes } of unpack(kind, archive))
        await workspace.write(`${archiveFolder(kind, archive.name)}/${path}`, bytes);
    }
  }
  for (const [index, { command, cwd }] of recipe.setup.entries()) {
    const folder = below(WORKSPACE_DIRECTORY, cwd);
    if (folder === null) throw failure('setup_failed', `Setup command ${index + 1} is to run outside the workspace.`);
    const result = await workspace.exec({
      command,
      cwd: folder === '' ? null : folder,
      timeoutMs: engine.environments.limits.setupMs,
      signal: given.signal,
      show: () => undefined,
    });
    given.signal.throwIfAborted();
    // Neither the command nor what it printed is told: both are confidential.
    if (result.ended !== 'exit')
      throw failure('setup_failed', `Setup command ${index + 1} was ended: ${result.ended}.`);
    if (result.exitCode !== 0)
      throw failure('setup_failed', `Setup command ${index + 1} ended with exit code ${result.exitCode}.`);
  }
}

async function contentOf(
  engine: EngineContext,
  { row: { tenant } }: Found<HostedRecord>,
  file: FileGiven,
): Promise<Uint8Array> {
  try {
    return await bytesOf(engine, { tenant }, file);
  } catch (error) {
    if (isPerdureError(error) && error.code === 'file_not_found')
      throw failure('file_not_found', `The file for ${file.path} was deleted, or has expired.`);
    throw error;
  }
}

interface Failure extends Error {
  readonly failure: string;
}
const failure = (code: string, message: string): Failure => Object.assign(new Error(message), { failure: code });
const isFailure = (error: unknown): error is Failure => error instanceof Error && 'failure' in error;

function asFailure(thrown: unknown): { readonly code: string; readonly message: string } {
  if (isFailure(thrown)) return { code: thrown.failure, message: thrown.message };
  if (isPerdureError(thrown)) return { code: thrown.code, message: thrown.message };
  return { code: 'internal_error', message: 'The environment could not be made.' };
}

/** @throws environments_unavailable */
export function workspacesOf(engine: EngineContext): WorkspaceHost {
  const { workspaces } = engine.environments;
  if (workspaces === null) throw perdureError('environments_unavailable');
  return workspaces;
}
