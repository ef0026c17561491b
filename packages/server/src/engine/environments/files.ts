/** Files that lie in an environment now. */
import {
  type EnvironmentFile,
  type EnvironmentFilePage,
  type FileGiven,
  isReserved,
  OUTPUTS_DIRECTORY,
  pathParts,
  perdureError,
  WORKSPACE_DIRECTORY,
} from '@perdure/protocol';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Workspace, WorkspaceFile } from '../tools/ports.ts';
import { bytesOf, lookAt } from './bytes.ts';
import { below } from './provision.ts';
import { changeRow, type EnvironmentRecord, type FoundEnvironment } from './records.ts';

export interface FilesQuery {
  /** Absolute; null: the whole workspace. */
  readonly path: string | null;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** The `next` of the page before. */
  readonly page: string | null;
}

/** Files of an environment that are listed, and how many are asked of a workspace at once. */
export const MOST_LISTED = 20_000;
const STEP = 1_000;

export function directoryOf({ record }: FoundEnvironment): string {
  return record.type === 'self_hosted' ? record.workspace : WORKSPACE_DIRECTORY;
}

/** @throws file_not_found, file_too_large, invalid_request */
export async function putFile(
  engine: EngineContext,
  caller: Caller,
  { found, workspace }: { readonly found: FoundEnvironment; readonly workspace: Workspace },
  given: FileGiven,
): Promise<EnvironmentFile> {
  const directory = directoryOf(found);
  const path = below(directory, given.path);
  const outputs = given.path === OUTPUTS_DIRECTORY && found.record.type === 'openai_hosted';
  if (path === null || path === '' || isReserved(path.split('/')[0] ?? '') || outputs)
    throw perdureError('invalid_request', `A file's path must lie below ${directory}, and not in a reserved folder.`, {
      param: 'path',
    });
  const { bytes, labels } = await lookAt(engine, caller, given, given.type === 'inline' ? 'data' : 'file_id');
  // Before its content is there: whoever reads it there carries what it carries (L8).
  if (labels.some(label => !found.record.labels.includes(label)))
    await changeRow<EnvironmentRecord>(engine, { kind: 'environment', ...pick(found) }, ({ record }) => ({
      record: { ...record, labels: [...new Set([...record.labels, ...labels])].toSorted() },
    }));
  await workspace.write(path, await bytesOf(engine, caller, given));
  return { environment_id: found.row.id, object: 'agent.environment.file', path: given.path, size_bytes: bytes };
}

const pick = ({ row: { tenant, id } }: FoundEnvironment) => ({ tenant, id });

/** All below a folder, up to a bound; whether there were more. */
export async function allFiles(
  workspace: Workspace,
  path: string,
  most: number,
): Promise<{ readonly files: readonly WorkspaceFile[]; readonly more: boolean }> {
  const files: WorkspaceFile[] = [];
  for (let after: string | null = null; ; ) {
    const step: readonly WorkspaceFile[] = await workspace.list(path, after, Math.min(STEP, most + 1 - files.length));
    files.push(...step);
    if (files.length > most) return { files: files.slice(0, most), more: true };
    const last = step.at(-1)?.path;
    if (last === undefined || last === after) return { files, more: false };
    after = last;
  }
}

export async function listFiles(
  { found, workspace }: { readonly found: FoundEnvironment; readonly workspace: Workspace },
  query: FilesQuery,
): Promise<EnvironmentFilePage> {
  const directory = directoryOf(found);
  const asked = query.path ?? directory;
  const root = asked === directory || pathParts(asked) !== null ? below(directory, asked) : null;
  if (root === null)
    throw perdureError('invalid_request', `'path' must be a directory of ${directory}.`, { param: 'path' });
  const { files } = await allFiles(workspace, root, MOST_LISTED);
  const sign = query.order === 'asc' ? 1 : -1;
  const sorted = files
    .map(file => ({ file, parts: file.path.split('/') }))
    .toSorted((a, b) => sign * byParts(a.parts, b.parts));
  const after = query.page === null ? null : cursorOf(query.page);
  const rest = after === null ? sorted : sorted.filter(({ parts }) => sign * byParts(parts, after) > 0);
  const shown = rest.slice(0, query.limit);
  const hasMore = rest.length > shown.length;
  const last = shown.at(-1);
  return {
    object: 'list',
    data: shown.map(({ file }) => ({
      environment_id: found.row.id,
      object: 'agent.environment.file',
      path: `${directory === '/' ? '' : directory}/${file.path}`,
      size_bytes: file.size,
    })),
    has_more: hasMore,
    next: hasMore && last !== undefined ? Buffer.from(last.file.path).toString('base64url') : null,
  };
}

/** By their names, folder by folder. */
export function byParts(one: readonly string[], two: readonly string[]): number {
  for (let i = 0; i < Math.min(one.length, two.length); i++) {
    const [a = '', b = ''] = [one[i], two[i]];
    if (a !== b) return a < b ? -1 : 1;
  }
  return one.length - two.length;
}

function cursorOf(page: string): readonly string[] {
  const path = Buffer.from(page, 'base64url').toString();
  if (pathParts(`/${path}`) === null || Buffer.from(path).toString('base64url') !== page)
    throw perdureError('invalid_request', "'page' is no 'next' of a page of files.", { param: 'page' });
  return path.split('/');
}
