/** Files as they are read. What has expired is as what was deleted, from the moment on (L10: and as what is foreign). */
import { perdureError } from '@perdure/protocol';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { SessionLog } from '../ports.ts';
import { short } from '../plan.ts';
import { readChunks } from './chunks.ts';
import { storeOfFile } from './file-id.ts';
import { discard } from './remove-file.ts';
import type { FileRow, FilesQuery } from './rows.ts';

interface Found {
  readonly store: SessionLog;
  readonly row: FileRow;
}

/** @throws file_not_found */
async function locate(engine: EngineContext, caller: Caller, id: string): Promise<Found> {
  const store = storeOfFile(engine.homes, id);
  const row = store === null ? null : await engine.sessions.wait(store.file(caller.tenant, id));
  if (store === null || row === null || !isThere(row, engine.clock.now()))
    throw perdureError('file_not_found', `No such file: '${short(id)}'.`, { param: 'file_id' });
  return { store, row };
}

export function isThere(row: FileRow, now: number): boolean {
  return row.status === 'ready' && row.owner === null && (row.expiresAt === null || row.expiresAt > now);
}

export async function readFile(engine: EngineContext, caller: Caller, id: string): Promise<FileRow> {
  return (await locate(engine, caller, id)).row;
}

/** Its bytes, chunk by chunk. */
export async function readContent(
  engine: EngineContext,
  caller: Caller,
  id: string,
): Promise<{ readonly row: FileRow; readonly bytes: AsyncIterable<Uint8Array> }> {
  const { store, row } = await locate(engine, caller, id);
  const bytes = readChunks(engine.files.blobs(store.home), row, work => engine.sessions.wait(work));
  return { row, bytes };
}

export interface FilePage {
  readonly files: readonly FileRow[];
  readonly hasMore: boolean;
}

/** A page of the tenant's files over all homes: ids sort by time. */
export async function listFiles(
  engine: EngineContext,
  caller: Caller,
  query: Pick<FilesQuery, 'purpose' | 'order' | 'limit' | 'after'>,
): Promise<FilePage> {
  if (query.after !== null && storeOfFile(engine.homes, query.after) === null)
    throw perdureError('invalid_request', "'after' is no id of a file.", { param: 'after' });
  // One more than asked for says whether there are more.
  const limit = query.limit + 1;
  const now = engine.clock.now();
  const found = await Promise.all(
    engine.homes.all.map(store => engine.sessions.wait(store.files({ ...query, limit, tenant: caller.tenant, now }))),
  );
  const sign = query.order === 'asc' ? 1 : -1;
  const rows = found.flat().sort((a, b) => (a.id < b.id ? -sign : sign));
  const files = rows.slice(0, query.limit);
  return { files, hasMore: rows.length > files.length };
}

/** Hidden for good once this resolves; its bytes are removed too, or will be by the sweep. @throws file_not_found */
export async function deleteFile(engine: EngineContext, caller: Caller, id: string): Promise<void> {
  const { store, row } = await locate(engine, caller, id);
  await discard(engine, store, row);
  engine.resolved.forget(id);
}
