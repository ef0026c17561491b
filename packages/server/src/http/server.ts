/** The listening server. */
import { getRequestListener } from '@hono/node-server';
import { errorBody, perdureError, type PerdureError } from '@perdure/protocol';
import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { hotRoutes, makeApp } from './app.ts';
import type { HttpDeps } from './types.ts';
import { asksWebSocket, serveWebSockets, type WebSockets } from './websocket/upgrade.ts';

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no new connection; ends idle ones; resolves once the rest has ended, at most after `ms`. */
  close(ms: number): Promise<void>;
}

/** Bytes of a request line and all headers together; of an address too, therefore. */
export const HEADER_BYTES: number = 16 * 1024;
/** Times in ms. A body has a deadline of its own (`bodyMs`). */
const HTTP = { keepAliveTimeout: 65_000, headersTimeout: 20_000, requestTimeout: 0 } as const;

/** What is no HTTP, or more of it than is read: the documented error, as far as an answer can still be given. */
function refuseBroken(error: Error, socket: Socket): void {
  // In the middle of another answer it would be taken for a part of it.
  if (!socket.writable || socket.bytesWritten > 0) return void socket.destroy();
  const refused = brokenRequest('code' in error ? String(error.code) : '');
  const body = JSON.stringify(errorBody(refused));
  const head = [
    `HTTP/1.1 ${refused.status} ${STATUS_CODES[refused.status] ?? ''}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: req_${crypto.randomUUID().replaceAll('-', '')}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function brokenRequest(code: string): PerdureError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const most = `The request line and its headers are larger than ${HEADER_BYTES} bytes.`;
    return perdureError('invalid_request', most, { status: 431 });
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return perdureError('deadline_exceeded', 'The request did not arrive in time.', { status: 408 });
  return perdureError('invalid_request', 'The request is no HTTP that this server understands.');
}

export interface ListenAt {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Open connections; further ones are closed as they come. */
  readonly connections: number;
}

export async function listen(deps: HttpDeps, { host, port, connections }: ListenAt): Promise<Listening> {
  const app = makeApp(deps);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const hot = hotRoutes(deps);
  const server = createServer(
    { ...HTTP, maxHeaderSize: HEADER_BYTES, shouldUpgradeCallback: asksWebSocket },
    (req, res) => {
      const route = req.method === 'POST' ? hot.get(req.url ?? '') : undefined;
      void (route === undefined ? listener(req, res) : route({ incoming: req, outgoing: res }));
    },
  );
  server.maxConnections = connections;
  server.on('clientError', refuseBroken);
  const sockets = serveWebSockets(server, deps);
  await bind(server, host, port);
  const address = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shown}:${address.port}`, port: address.port, close: ms => close(server, sockets, ms) };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function close(server: Server, sockets: WebSockets, ms: number): Promise<void> {
  const closed = new Promise<void>(resolve => {
    const timer = setTimeout(() => server.closeAllConnections(), ms);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
  await sockets.close(ms);
  await closed;
}
