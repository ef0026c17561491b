/** `GET /v1/responses` with `Upgrade: websocket`: who may have a connection, and how many. A refusal is an HTTP error like any other. */
import { perdureError } from '@perdure/protocol';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';
import type { Caller } from '../../engine/caller.ts';
import { lateModule } from '../../engine/late-module.ts';
import { admit } from '../admit.ts';
import { openConnection, rateHeaders } from '../rate-limit.ts';
import { ServerResponse } from '../node-http.ts';
import { sendError } from '../reply.ts';
import { readLabels, newRequestId } from '../request-headers.ts';
import type { HttpDeps, Scope } from '../types.ts';
import { Connection } from './connection.ts';

const ws = lateModule<{ readonly WebSocketServer: typeof WebSocketServer }>('ws');

const PATH = '/v1/responses';
const INFER: readonly Scope[] = ['inference'];

/** How long a client has to take the close of a connection that is cut, ms. */
const FAREWELL_MS = 250;

export interface WebSockets {
  /** Begins no response any more; closes each connection once what it runs has ended, at most after `ms`. */
  close(ms: number): Promise<void>;
}

/** Whether a request asks for a WebSocket. Other upgrades (`h2c`) are not taken up, and served as plain HTTP. */
export function asksWebSocket({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/** Serves WebSocket connections on `server`. */
export function serveWebSockets(server: Server, deps: HttpDeps): WebSockets {
  const open = new Set<Connection>();
  const perKey = new Map<string, number>();
  let closing = false;
  let opened: WebSocketServer | null = null;

  /** Made for the first that asks. */
  function socketServer(): WebSocketServer {
    if (opened !== null) return opened;
    const { WebSocketServer: NewServer } = ws();
    opened = new NewServer({
      noServer: true,
      maxPayload: deps.limits.bodyBytes,
      perMessageDeflate: false,
      autoPong: false,
    });
    opened.on('wsClientError', (error, raw, req) => {
      refuse(
        req,
        raw,
        perdureError('invalid_request', `The WebSocket handshake is not valid: ${error.message}.`),
        newRequestId(),
      );
    });
    return opened;
  }

  function mayOpen(req: IncomingMessage): Caller {
    if (new URL(req.url ?? '/', 'http://server').pathname !== PATH) throw perdureError('not_found');
    const caller = admit(deps, req, INFER);
    if (closing) throw perdureError('server_draining', undefined, { retryAfterMs: 1000 });
    const { connections, connectionsPerKey } = deps.websocket;
    const ofKey = perKey.get(keyOf(caller)) ?? 0;
    if (open.size >= connections || ofKey >= connectionsPerKey) {
      const whose = ofKey >= connectionsPerKey ? 'This key' : 'This server';
      throw perdureError(
        'websocket_connection_limit_reached',
        `${whose} has as many WebSocket connections as it may.`,
        {
          status: 429,
          retryAfterMs: 1000,
        },
      );
    }
    return caller;
  }

  function begin(req: IncomingMessage, raw: Duplex, head: Buffer, requestId: string): void {
    const caller = mayOpen(req);
    const key = keyOf(caller);
    const labels = readLabels(req);
    const sockets = socketServer();
    const rate = openConnection(deps.rates, caller);
    raw.once('close', () => rate?.close());
    sockets.once('headers', headers => {
      const standing = deps.rates.standing({ tenant: caller.tenant, key: caller.principal });
      for (const [name, value] of Object.entries(rateHeaders(standing))) headers.push(`${name}: ${value}`);
      headers.push(`x-request-id: ${requestId}`);
    });
    let counted = false;
    /** The first response is the request that the connection was opened by. */
    const asks = (): Caller => {
      const again = admit(deps, req, INFER);
      if (counted) rate?.again();
      counted = true;
      return again;
    };
    sockets.handleUpgrade(req, raw, head, socket => {
      const connection = new Connection({ deps, socket, raw, labels, tenant: caller.tenant, admit: asks });
      open.add(connection);
      perKey.set(key, (perKey.get(key) ?? 0) + 1);
      socket.on('close', () => {
        open.delete(connection);
        const left = (perKey.get(key) ?? 1) - 1;
        if (left > 0) perKey.set(key, left);
        else perKey.delete(key);
      });
    });
    // Where the handshake itself is at fault (`wsClientError`) no headers were said.
    sockets.removeAllListeners('headers');
  }

  async function allClosed(ms: number): Promise<void> {
    const until = performance.now() + ms;
    while (open.size > 0 && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 10));
  }

  server.on('upgrade', (req, raw, head) => {
    const requestId = newRequestId();
    raw.on('error', () => raw.destroy());
    try {
      if (!asksWebSocket(req)) throw perdureError('invalid_request', 'Only upgrades to websocket are taken up.');
      begin(req, raw, head, requestId);
    } catch (thrown) {
      refuse(req, raw, thrown, requestId);
    }
  });

  return {
    async close(ms) {
      closing = true;
      for (const connection of open) connection.shutdown();
      await allClosed(ms);
      for (const connection of open) connection.cut();
      await allClosed(FAREWELL_MS);
      for (const connection of open) connection.terminate();
    },
  };
}

function keyOf({ tenant, principal }: Caller): string {
  return `${tenant} ${principal}`;
}

/** Answers an upgrade with an HTTP error, on the connection that it came by, and ends that. */
function refuse(req: IncomingMessage, raw: Duplex, thrown: unknown, requestId: string): void {
  const res = new ServerResponse(req);
  // An upgrade comes by the socket of a plain HTTP request.
  res.assignSocket(raw as Parameters<typeof res.assignSocket>[0]);
  res.once('finish', () => raw.end(() => raw.destroy()));
  sendError(res, thrown, { 'x-request-id': requestId, connection: 'close' });
}
