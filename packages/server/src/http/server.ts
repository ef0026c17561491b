/** The listening server. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hotRoutes, makeApp } from './app.ts';
import { HEADER_BYTES, refuseBytes, refuseExpectation } from './malformed.ts';
import { createServer } from './node-http.ts';
import { noteBegun } from './reply.ts';
import type { HttpDeps } from './types.ts';
import { asksWebSocket, serveWebSockets, type WebSockets } from './websocket/upgrade.ts';

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no new connection; ends idle ones; resolves once the rest has ended, at most after `ms`. */
  close(ms: number): Promise<void>;
}

/** Times in ms. A body has a deadline of its own (`bodyMs`). */
const HTTP = { keepAliveTimeout: 65_000, headersTimeout: 20_000, requestTimeout: 0 } as const;

export interface ListenAt {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Open connections; further ones are closed as they come. */
  readonly connections: number;
}

export async function listen(deps: HttpDeps, { host, port, connections }: ListenAt): Promise<Listening> {
  const app = makeApp(deps);
  const hot = hotRoutes(deps);
  const server = createServer(
    { ...HTTP, maxHeaderSize: HEADER_BYTES, requireHostHeader: false, shouldUpgradeCallback: asksWebSocket },
    (req, res) => {
      noteBegun(res);
      const route = req.method === 'POST' && req.headers.host !== undefined ? hot.get(req.url ?? '') : undefined;
      void (route ?? app)(req, res);
    },
  );
  server.maxConnections = connections;
  server.on('clientError', refuseBytes).on('checkExpectation', refuseExpectation);
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
