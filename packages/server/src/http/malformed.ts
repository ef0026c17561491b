/** What is no request that the router could be asked about: it is told so in the documented form. */
import { newRequestId } from './request-headers.ts';
import { errorBody, perdureError, type PerdureError } from '@perdure/protocol';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { STATUS_CODES } from './node-http.ts';
import { sendError } from './reply.ts';

/** Bytes of a request line and all headers together; of an address too, therefore. */
export const HEADER_BYTES: number = 16 * 1024;

/** By what node's parser found. */
function problemOf(code: string | undefined): PerdureError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return perdureError(
        'invalid_request',
        `The request line and its headers are larger than ${HEADER_BYTES} bytes.`,
        { status: 431 },
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return perdureError('body_too_large', 'The extensions of a chunk of the body are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return perdureError('request_too_slow', 'The request did not arrive in time.');
    default:
      return perdureError('invalid_request', 'The request is no HTTP that this server understands.');
  }
}

/** For `clientError`: node's own answer has no body. The connection is closed. */
export function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
  const begun = (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true;
  if (begun || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const problem = problemOf(error.code);
  const body = JSON.stringify(errorBody(problem));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${newRequestId()}`,
    'connection: close',
  ];
  // The answer to a HEAD has none, and a client would take what comes for the next answer.
  const asked = (error as { readonly rawPacket?: Buffer }).rawPacket?.subarray(0, 5).toString('latin1');
  socket.end(`${head.join('\r\n')}\r\n\r\n${asked === 'HEAD ' ? '' : body}`, () => socket.destroy());
}

/** For what node took and no path can be read of: no host, or an address that is none. */
export function refuseAddress(res: ServerResponse): void {
  sendError(res, perdureError('invalid_request', 'The host or the address of this request is not valid.'), {
    'x-request-id': newRequestId(),
  });
}

/** For `checkExpectation`: an `Expect` that asks for what no HTTP server does. */
export function refuseExpectation(_req: IncomingMessage, res: ServerResponse): void {
  sendError(res, perdureError('invalid_request', "The header 'expect' asks for something unknown.", { status: 417 }));
}
