/** What the engine offers of files. Every call names its caller, and reaches that tenant's files alone (L10). */
import { perdureError } from '@perdure/protocol';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { type FileDesk, type FileLimits, NO_FILES } from './desk.ts';
import { deleteFile, type FilePage, listFiles, readContent, readFile } from './read-file.ts';
import { sweepFiles } from './remove-file.ts';
import type { FileRow, FilesQuery } from './rows.ts';
import { ResolvedCache } from './resolved-cache.ts';
import { beginUpload, type Upload } from './upload.ts';

export type { FileDesk } from './desk.ts';

/** What the engine's parts need for files. */
export function filesContext(files: FileDesk = NO_FILES): Pick<EngineContext, 'files' | 'resolved'> {
  return { files, resolved: new ResolvedCache(files.limits.cacheBytes) };
}

export interface FilesApi {
  readonly limits: FileLimits;
  /** @param labels what the caller says of its content (L8) */
  upload(caller: Caller, labels: readonly string[]): Promise<Upload>;
  read(caller: Caller, id: string): Promise<FileRow>;
  content(caller: Caller, id: string): Promise<{ readonly row: FileRow; readonly bytes: AsyncIterable<Uint8Array> }>;
  list(caller: Caller, query: Pick<FilesQuery, 'purpose' | 'order' | 'limit' | 'after'>): Promise<FilePage>;
  delete(caller: Caller, id: string): Promise<void>;
  /** Removes what was deleted, has expired, or was begun and cannot be finished any more. @returns how many went */
  sweep(): Promise<number>;
}

export function filesApi(engine: EngineContext, draining: () => boolean): FilesApi {
  const startedAt = engine.clock.now();
  return {
    limits: engine.files.limits,
    upload(caller, labels) {
      if (draining()) throw perdureError('server_draining', undefined, { retryAfterMs: 1000 });
      return beginUpload(engine, caller, labels);
    },
    read: (caller, id) => readFile(engine, caller, id),
    content: (caller, id) => readContent(engine, caller, id),
    list: (caller, query) => listFiles(engine, caller, query),
    delete: (caller, id) => deleteFile(engine, caller, id),
    // What the last process was taking in can be finished by nobody; what this one takes in has its time.
    sweep: () => sweepFiles(engine, Math.max(startedAt, engine.clock.now() - 2 * engine.files.limits.uploadMs)),
  };
}
