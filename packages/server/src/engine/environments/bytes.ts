/** Bytes that are copied into environments: given inline, or files that were uploaded. */
import { type FileGiven, perdureError } from '@perdure/protocol';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { findFile } from '../files/attach.ts';
import { readWhole } from '../files/chunks.ts';
import { storeOfFile } from '../files/file-id.ts';
import { short } from '../plan.ts';

export interface Content {
  readonly bytes: number;
  readonly labels: readonly string[];
}

/** That it is there and the caller's, and how large. @throws file_not_found, file_too_large */
export async function lookAt(
  engine: EngineContext,
  { tenant }: Pick<Caller, 'tenant'>,
  given: FileGiven,
  param: string,
): Promise<Content> {
  const most = engine.files.limits.fileBytes;
  if (given.type === 'inline') {
    const bytes = Buffer.byteLength(given.data, 'base64');
    if (bytes > most) throw perdureError('file_too_large', `A file has ${most} bytes at most.`, { param });
    return { bytes, labels: [] };
  }
  const row = await findFile(engine, tenant, given.file_id);
  if (row === null || row.owner !== null)
    throw perdureError('file_not_found', `No such file: '${short(given.file_id)}'.`, { param, status: 400 });
  return { bytes: row.bytes, labels: row.labels };
}

/** All of it: a workspace takes a file whole. @throws file_not_found */
export async function bytesOf(
  engine: EngineContext,
  { tenant }: Pick<Caller, 'tenant'>,
  given: FileGiven,
): Promise<Uint8Array> {
  if (given.type === 'inline') return Buffer.from(given.data, 'base64');
  const store = storeOfFile(engine.homes, given.file_id);
  const row = await findFile(engine, tenant, given.file_id);
  if (store === null || row === null || row.owner !== null)
    throw perdureError('file_not_found', `No such file: '${short(given.file_id)}'.`, { status: 400 });
  return readWhole(engine.files.blobs(store.home), row, work => engine.sessions.wait(work));
}
