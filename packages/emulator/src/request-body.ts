import type { IncomingMessage } from 'node:http';
import { badRequest, RequestRefused } from './failure.ts';
import { type Fields, isFields } from './fields.ts';

export const MAX_BODY_BYTES: number = 64 * 1024 * 1024;

const tooLong = (): Error =>
  new RequestRefused({
    status: 413,
    type: 'invalid_request_error',
    code: 'request_too_large',
    param: null,
    message: `The body is longer than the ${MAX_BODY_BYTES} bytes that the emulator takes.`,
    headers: { connection: 'close' },
  });

/**
 * The whole body, or 413 as soon as it is known to be too long. Rejects with the connection's error if the client
 * leaves. Listens for events, since leaving a `for await` early would destroy the socket and with it the answer.
 */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return Promise.reject(tooLong());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLong());
      }
    });
    request.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.once('error', reject);
    request.once('close', () => reject(new Error('The client left before the end of its request.')));
  });
}

export function parseBody(body: Buffer, contentType: string | undefined): Fields {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json') {
    throw badRequest(
      `Unsupported content type: '${type}'. This API method only accepts 'application/json' requests.`,
      null,
      'unsupported_content_type',
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw badRequest('We could not parse the JSON body of your request. The API expects a JSON object.', null, null);
  }
  if (!isFields(value)) throw badRequest('Invalid body: expected a JSON object.', null, 'invalid_type');
  return value;
}
