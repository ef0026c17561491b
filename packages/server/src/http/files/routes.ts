/** `/v1/files`. */
import {
  type FileDeleted,
  type FileResource,
  listPage,
  parseFileForm,
  parseFileListQuery,
  perdureError,
} from '@perdure/protocol';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { FileRow } from '../../engine/files/rows.ts';
import { rawQuery } from '../query.ts';
import { processingTime, sendJson } from '../reply.ts';
import { readLabels } from '../request-headers.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { FORM_BYTES, guardForm, readFileForm } from './form.ts';

export async function uploadFile(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { req, res, requestId } = exchange;
  guardForm(req);
  const labels = readLabels(req);
  try {
    const { row, placement } = await takeIn(deps, exchange, labels);
    sendJson(res, 200, resourceOf(row), { 'x-request-id': requestId, 'perdure-placement': placement });
  } catch (error) {
    // What is left of the body belongs to nothing: the connection is not used again.
    if (!res.headersSent) res.setHeader('connection', 'close');
    await drained(req);
    throw error;
  }
}

async function takeIn(
  deps: HttpDeps,
  { req, caller }: Exchange,
  labels: readonly string[],
): Promise<{ readonly row: FileRow; readonly placement: string }> {
  const { engine, limits } = deps;
  const { fileBytes, uploadMs } = engine.files.limits;
  if (Number(req.headers['content-length'] ?? 0) > fileBytes + FORM_BYTES)
    throw perdureError('file_too_large', `A file has ${fileBytes} bytes at most.`, { param: 'file' });
  const upload = await engine.files.upload(caller, labels);
  try {
    const write = (bytes: Uint8Array): Promise<void> => upload.write(bytes);
    const { filename, type, fields } = await readFileForm(req, { totalMs: uploadMs, idleMs: limits.bodyMs, write });
    const said = parseFileForm(fields);
    if (!said.ok) throw said.error;
    return { row: await upload.finish({ ...said.value, filename, type }), placement: upload.placement };
  } catch (error) {
    await upload.abandon().catch((left: unknown) => deps.report('file.abandon', left));
    throw error;
  }
}

/** How long, and how much, is read of a body that was refused, so that its sender comes to read why: ms, bytes. */
const DRAIN_MS = 2_000;
const DRAIN_BYTES = 16 * 1024 * 1024;

async function drained(req: IncomingMessage): Promise<void> {
  if (req.readableEnded || req.destroyed) return;
  let left = DRAIN_BYTES;
  await new Promise<void>(resolve => {
    const timer = setTimeout(resolve, DRAIN_MS);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    req.on('data', (part: Buffer) => {
      left -= part.length;
      if (left < 0) end();
    });
    req.on('end', end).on('close', end).resume();
  });
}

export async function listFiles(deps: HttpDeps, { req, res, caller, requestId }: Exchange): Promise<void> {
  const query = parseFileListQuery(rawQuery(req.url));
  if (!query.ok) throw query.error;
  const { files, hasMore } = await deps.engine.files.list(caller, query.value);
  sendJson(res, 200, listPage(files.map(resourceOf), hasMore), { 'x-request-id': requestId });
}

export async function getFile(deps: HttpDeps, { res, caller, requestId }: Exchange, id: string): Promise<void> {
  sendJson(res, 200, resourceOf(await deps.engine.files.read(caller, id)), { 'x-request-id': requestId });
}

export async function deleteFile(deps: HttpDeps, { res, caller, requestId }: Exchange, id: string): Promise<void> {
  await deps.engine.files.delete(caller, id);
  const deleted: FileDeleted = { id, object: 'file', deleted: true };
  sendJson(res, 200, deleted, { 'x-request-id': requestId });
}

/** Whatever it is, a browser must not take it for a page of ours. */
const APART = { 'x-content-type-options': 'nosniff', 'content-security-policy': "sandbox; default-src 'none'" };

export async function getFileContent(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { row, bytes } = await deps.engine.files.content(exchange.caller, id);
  await sendBytes(deps, exchange, { filename: row.filename, type: row.type, size: row.bytes, bytes });
}

export interface SentBytes {
  readonly filename: string;
  /** Media type. */
  readonly type: string;
  readonly size: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export async function sendBytes(
  deps: Pick<HttpDeps, 'limits'>,
  exchange: Exchange,
  { filename, type, size, bytes }: SentBytes,
): Promise<void> {
  const { res, requestId, signal } = exchange;
  const parts = bytes[Symbol.asyncIterator]();
  // The first before the head: what cannot be read at all is an error, and not a body that breaks off.
  let part = await parts.next();
  res.writeHead(200, {
    'content-type': type,
    'content-length': size,
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
    'x-request-id': requestId,
    ...processingTime(res),
    ...APART,
  });
  for (; part.done !== true; part = await parts.next()) {
    if (signal.aborted) return;
    if (!res.write(part.value) && !(await taken(exchange, deps.limits.patienceMs))) return void res.destroy();
  }
  res.end();
}

/** Whether the client took what was written to it in time. */
async function taken({ res, signal }: Exchange, ms: number): Promise<boolean> {
  try {
    await once(res, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(ms)]) });
    return true;
  } catch {
    return false;
  }
}

function resourceOf({ id, bytes, createdAt, expiresAt, filename, purpose }: FileRow): FileResource {
  return {
    id,
    object: 'file',
    bytes,
    created_at: Math.floor(createdAt / 1000),
    ...(expiresAt !== null && { expires_at: Math.floor(expiresAt / 1000) }),
    filename,
    purpose,
    status: 'processed',
  };
}
