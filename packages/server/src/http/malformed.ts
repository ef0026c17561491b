/** What is no request that the router could be asked about: it is told so in the documented form. */
import { RequestError } from '@hono/node-server';
import { errorBody, perdureError } from '@perdure/protocol';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { sendError } from './reply.ts';

/** Statuses by what node's parser found; anything else is 400. */
const STATUSES: { readonly [code: string]: number } = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** For `clientError`: node's own answer has no body. The connection is closed. */
export function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
  const begun = (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true;
  if (begun || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = STATUSES[error.code ?? ''] ?? 400;
  const body = JSON.stringify(
    errorBody(perdureError('invalid_request', 'This is not a valid HTTP request.', { status })),
  );
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** For what node took and the listener could not make a request of: no host, or an address that is none. */
export function refuseRequest(thrown: unknown): Response {
  const error =
    thrown instanceof RequestError
      ? perdureError('invalid_request', 'The host or the address of this request is not valid.')
      : perdureError('internal_error');
  return Response.json(errorBody(error), { status: error.status });
}

/** For `checkExpectation`: an `Expect` that asks for what no HTTP server does. */
export function refuseExpectation(_req: IncomingMessage, res: ServerResponse): void {
  sendError(res, perdureError('invalid_request', "The header 'expect' asks for something unknown.", { status: 417 }));
}
