/**
 * Taking a file in. Its home is placed first (L8: with the labels that it is said to carry), then its row is laid down, then its bytes, and
 * only when all of them are durable is it there (F1). What is given up leaves nothing; what a crash cuts is swept.
 */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { idBody, placementId } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { SessionLog } from '../ports.ts';
import { placeAlone } from '../place-alone.ts';
import { chunksOf, ChunkWriter } from './chunks.ts';
import { newFileId, sessionOfFile } from './file-id.ts';
import { HEAD_BYTES, isImage, mediaType, typeOf } from './media-type.ts';
import { discard } from './remove-file.ts';
import type { FileRow } from './rows.ts';

/** What is known of a file once its form was read to its end. */
export interface FileSaid {
  readonly purpose: string;
  readonly filename: string;
  /** Media type as the client gives it. */
  readonly type: string | null;
  /** Seconds from its creation; null: it does not expire. */
  readonly expiresAfter: number | null;
}

export interface Upload {
  readonly placement: string;
  /** Takes the next bytes; resolves once more may come. @throws file_too_large */
  write(bytes: Uint8Array): Promise<void>;
  /** The file is durable, and there. @throws file_type_not_allowed, file_quota_exceeded */
  finish(said: FileSaid): Promise<FileRow>;
  /** Leaves nothing of it. */
  abandon(): Promise<void>;
}

/** @throws placement_refused and what else a placement of state can fail with */
export async function beginUpload(engine: EngineContext, caller: Caller, labels: readonly string[]): Promise<Upload> {
  const { tenant } = caller;
  const { limits } = engine.files;
  const { id, store, createdAt } = await placeAlone(
    engine,
    caller,
    labels,
    home => newFileId(engine.ids, home),
    sessionOfFile,
  );
  const row: FileRow = {
    id,
    tenant,
    owner: null,
    purpose: '',
    filename: '',
    type: '',
    labels,
    createdAt,
    expiresAt: null,
    bytes: 0,
    chunks: chunksOf(limits.fileBytes),
    digest: '',
    status: 'pending',
  };
  await engine.sessions.wait(store.putFile(row));
  return uploadInto(engine, store, row);
}

function uploadInto(engine: EngineContext, store: SessionLog, row: FileRow): Upload {
  const { tenant, id, createdAt } = row;
  const { limits } = engine.files;
  const writer = new ChunkWriter(engine.files.blobs(store.home), row, work => engine.sessions.wait(work));
  const head = new Uint8Array(HEAD_BYTES);

  async function finish({ purpose, filename, type: said, expiresAfter }: FileSaid): Promise<FileRow> {
    const type = typeOf(head.subarray(0, Math.min(writer.bytes, HEAD_BYTES)), mediaType(said), filename);
    if (writer.bytes === 0) throw perdureError('invalid_request', 'The file is empty.', { param: 'file' });
    if (purpose === 'vision' && !isImage(type)) throw noImage();
    const digest = await writer.finish();
    const { bytes, chunks } = writer;
    const expiresAt = expiresAfter === null ? null : createdAt + expiresAfter * 1000;
    const content = { bytes, chunks, digest, type, purpose, filename, expiresAt };
    const quota = { bytes: limits.tenantBytes, files: limits.tenantFiles };
    const finished = await engine.sessions.wait(store.finishFile(tenant, id, content, quota));
    if (finished === 'too_many')
      throw perdureError('file_quota_exceeded', `A tenant holds ${quota.files} files at most.`);
    if (finished === 'too_much')
      throw perdureError('file_quota_exceeded', `A tenant holds ${quota.bytes} bytes of files at most.`);
    if (finished === 'absent')
      throw perdureError('request_too_slow', 'The upload took longer than this server allows.');
    return { ...row, ...content, status: 'ready' };
  }

  return {
    placement: placementId(idBody(sessionOfFile(id), 'sess') ?? '', 0),
    async write(bytes) {
      if (writer.bytes + bytes.length > limits.fileBytes)
        throw perdureError('file_too_large', `A file has ${limits.fileBytes} bytes at most.`, { param: 'file' });
      if (writer.bytes < HEAD_BYTES) head.set(bytes.subarray(0, HEAD_BYTES - writer.bytes), writer.bytes);
      await writer.write(bytes);
    },
    finish,
    async abandon() {
      // A blob that is still on its way would come after all were removed. If it takes too long, the sweep finds the row.
      await engine.sessions.wait(writer.settled);
      // It was not counted.
      await discard(engine, store, { ...row, chunks: Math.min(writer.chunks + 1, row.chunks) });
    },
  };
}

function noImage(): PerdureError {
  return perdureError('file_type_not_allowed', 'A file for vision must be a PNG, JPEG, GIF or WebP image.', {
    param: 'file',
  });
}
