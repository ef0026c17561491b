/** Request bodies: bounded in bytes and in time, and read as they come. */
import { isUtf8 } from 'node:buffer';
import { parseJsonText, perdureError } from '@perdure/protocol';
import type { IncomingMessage } from 'node:http';
import { guardJson } from './guard.ts';
import type { HttpLimits } from './types.ts';

/** A body of text. @throws body_too_large, request_too_slow */
export async function readText(req: IncomingMessage, limits: HttpLimits): Promise<string> {
  return (await readBytes(req, limits)).toString('utf8');
}

export interface JsonBody {
  readonly value: unknown;
  readonly bytes: Buffer;
}

/** @throws unsupported_media_type, body_too_large, invalid_json, invalid_request, request_too_slow */
export async function readJson(req: IncomingMessage, limits: HttpLimits): Promise<JsonBody> {
  guardJson(req);
  const bytes = await readBytes(req, limits);
  // Node would put U+FFFD for what is none, and the model be asked, and the log keep, what nobody wrote.
  if (!isUtf8(bytes)) throw perdureError('invalid_json', 'The request body is not valid UTF-8.');
  return { value: parseJsonText(bytes.toString('utf8')), bytes };
}

/** As `readJson`, but a missing body is undefined. */
export async function readOptionalJson(req: IncomingMessage, limits: HttpLimits): Promise<JsonBody> {
  if (req.headers['content-length'] === undefined && req.headers['transfer-encoding'] === undefined)
    return { value: undefined, bytes: Buffer.alloc(0) };
  if (req.headers['content-length'] === '0') return { value: undefined, bytes: Buffer.alloc(0) };
  return readJson(req, limits);
}

/** Bodies that were read before their handler was asked. */
const read = new WeakMap<IncomingMessage, Promise<Buffer>>();

/** Reads the body; who reads it later gets the same bytes. @throws body_too_large, request_too_slow */
export function readAhead(req: IncomingMessage, limits: HttpLimits): Promise<Buffer> {
  const bytes = readBytes(req, limits);
  read.set(req, bytes);
  return bytes;
}

function readBytes(req: IncomingMessage, limits: HttpLimits): Promise<Buffer> {
  const ahead = read.get(req);
  if (ahead !== undefined) return ahead;
  const tooLarge = () => perdureError('body_too_large', `The request body is larger than ${limits.bodyBytes} bytes.`);
  const announced = Number(req.headers['content-length'] ?? Number.NaN);
  if (announced > limits.bodyBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(
      () => end(perdureError('request_too_slow', 'The request body did not arrive in time.')),
      limits.bodyMs,
    );
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limits.bodyBytes) return end(tooLarge());
      chunks.push(chunk);
      // All of it is here; that it ends is told a little later.
      if (size === announced) end(null);
    };
    const end = (error: Error | null): void => {
      clearTimeout(timer);
      req.off('data', onData).off('end', onEnd).off('close', onClose);
      if (error === null) resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, size));
      else reject(error);
    };
    const onEnd = (): void => end(null);
    const onClose = (): void => end(perdureError('invalid_request', 'The request body ended early.'));
    req.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
