/** The listening server. */
import { getRequestListener } from '@hono/node-server';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hotRoutes, makeApp } from './app.ts';
import { refuseBytes, refuseExpectation, refuseRequest } from './malformed.ts';
import type { HttpDeps } from './types.ts';

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no new connection; ends idle ones; resolves once the rest has ended, at most after `ms`. */
  close(ms: number): Promise<void>;
}

/** @param port 0 picks a free one */
export async function listen(deps: HttpDeps, host: string, port: number): Promise<Listening> {
  const app = makeApp(deps);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler: refuseRequest });
  const hot = hotRoutes(deps);
  const server = createServer(
    { keepAliveTimeout: 65_000, headersTimeout: 20_000, requestTimeout: 0, requireHostHeader: false },
    (req, res) => {
      const route = req.method === 'POST' && req.headers.host !== undefined ? hot.get(req.url ?? '') : undefined;
      void (route === undefined ? listener(req, res) : route({ incoming: req, outgoing: res }));
    },
  );
  server.on('clientError', refuseBytes).on('checkExpectation', refuseExpectation);
  await bind(server, host, port);
  const address = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shown}:${address.port}`, port: address.port, close: ms => close(server, ms) };
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

function close(server: Server, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(() => server.closeAllConnections(), ms);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
