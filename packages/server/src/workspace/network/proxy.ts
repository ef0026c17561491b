/**
 * The way out of a workspace: an HTTP proxy on a Unix socket, one for each command. It tunnels (CONNECT) and forwards plain requests to
 * hosts that the rules allow, at addresses that may be asked, and remembers which it held back.
 */
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as requestPlain,
  type ServerResponse,
} from 'node:http';
import { request as requestTls } from 'node:https';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Owner } from '../files/folder.ts';
import { closed, opened, socketPrefix } from './left-sockets.ts';
import { type HostRules, hostAllowed, type Matches } from './rules.ts';

/** What the rest of the server knows of hosts and addresses. */
export interface Egress {
  readonly matches: Matches;
  /** Whether a connection for the URL may go to an address. */
  readonly addressAllowed: (address: string, url: URL) => boolean;
  /** Finds addresses for a URL's host: only such as may be asked, the very ones that are then connected to. */
  readonly lookup: (url: URL) => LookupFunction;
}

/**
 * Puts credentials in at the edge, so that none is ever inside. Asked for each plain request: where it answers with headers, they replace
 * what was sent, and with `tls` the request goes on to the host over TLS. What is tunnelled cannot be read, and is not asked about:
 * a program that is to use such a credential asks for `http://`.
 */
export type Substitute = (
  host: string,
  headers: IncomingHttpHeaders,
) => Promise<{ readonly headers: OutgoingHttpHeaders; readonly tls: boolean } | null>;

export interface ProxyOptions {
  readonly rules: HostRules;
  readonly egress: Egress;
  readonly owner: Owner;
  readonly substitute?: Substitute | undefined;
  /** Whose its socket is: see `left-sockets.ts`. */
  readonly tag?: string;
}

export interface Proxy {
  /** A folder with the socket in it, which only the owner may enter. */
  readonly folder: string;
  /** Hosts that were asked for and held back, each once, in their order. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

export const SOCKET_NAME = 'proxy.sock';
const CONNECTIONS = 256;
const IDLE_MS = 120_000;
const CONNECT_MS = 15_000;
/** Names that are remembered. */
const REFUSED = 100;
/** Of this connection only, and what is the proxy's own. */
const HOP = ['connection', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'upgrade'];

export async function startProxy({ rules, egress, owner, substitute, tag = 'none' }: ProxyOptions): Promise<Proxy> {
  const refused = new Set<string>();
  const open = new Set<Duplex>();
  const track = <S extends Duplex>(socket: S): S => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // A connection that breaks off concerns its other end only, which is ended by the pipe.
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const mayAsk = (url: URL): boolean => {
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    const fine =
      hostAllowed(url, rules, egress.matches) && (isIP(literal) === 0 || egress.addressAllowed(literal, url));
    if (!fine) refuse(url);
    return fine;
  };
  const refuse = (url: URL): void => {
    if (refused.size < REFUSED) refused.add(url.hostname);
  };
  const failed = (url: URL, error: Error): number => {
    if (!('code' in error) || error.code !== 'address_not_public') return 502;
    refuse(url);
    return 403;
  };
  const server = createServer((req, res) => {
    forward(req, res).catch(() => answer(res, 502, 'The request failed.'));
  });
  server.maxConnections = CONNECTIONS;
  server.on('connection', track);
  server.on('connect', tunnel);

  function tunnel(req: IncomingMessage, client: Duplex, head: Buffer): void {
    const url = tunnelUrl(req.url ?? '');
    if (url === null || !mayAsk(url)) {
      refuseTunnel(client, url === null ? 400 : 403);
      return;
    }
    const { hostname, port, protocol } = url;
    const upstream: Socket = track(
      connect({
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
        lookup: egress.lookup(url),
        timeout: CONNECT_MS,
      }),
    );
    const giveUp = (status: number) => (): void => {
      upstream.destroy();
      refuseTunnel(client, status);
    };
    const late = giveUp(504);
    const broken = (error: Error): void => giveUp(failed(url, error))();
    upstream.once('timeout', late);
    upstream.once('error', broken);
    upstream.once('connect', () => {
      upstream.off('timeout', late).off('error', broken);
      upstream.setTimeout(IDLE_MS, () => upstream.destroy());
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      if (head.length > 0) upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
    });
  }

  async function forward(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const text = req.url ?? '';
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || url.protocol !== 'http:') return answer(res, 400, 'This is a proxy: ask it for http:// URLs.');
    if (!mayAsk(url)) return answer(res, 403, `The network rules of this workspace hold back ${url.hostname}.`);
    const put = (await substitute?.(url.hostname, req.headers)) ?? null;
    const headers = withoutHop(put?.headers ?? req.headers);
    const ask = put?.tls === true ? requestTls : requestPlain;
    const upstream = ask(
      {
        host: url.hostname.replace(/^\[|\]$/g, ''),
        ...(url.port === '' ? {} : { port: url.port }),
        path: `${url.pathname}${url.search}`,
        ...(req.method === undefined ? {} : { method: req.method }),
        headers: { ...headers, host: url.host },
        lookup: egress.lookup(url),
        agent: false,
      },
      answered => {
        res.writeHead(answered.statusCode ?? 502, withoutHop(answered.headers));
        answered.pipe(res);
        answered.once('error', () => res.destroy());
      },
    );
    upstream.on('socket', track);
    upstream.setTimeout(IDLE_MS, () => upstream.destroy());
    upstream.once('error', error => {
      const status = failed(url, error);
      answer(res, status, status === 403 ? 'The address may not be asked.' : 'The host could not be reached.');
    });
    res.once('close', () => upstream.destroy());
    req.pipe(upstream);
  }

  const folder = await mkdtemp(socketPrefix(tag));
  opened(folder);
  try {
    const path = join(folder, SOCKET_NAME);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
    await chmod(path, 0o600);
    if (owner !== null) for (const one of [path, folder]) await chown(one, owner.uid, owner.gid);
  } catch (error) {
    server.close();
    await rm(folder, { recursive: true, force: true });
    closed(folder);
    throw error;
  }
  return {
    folder,
    get refused() {
      return [...refused];
    },
    async close() {
      const ended = new Promise(resolve => server.close(resolve));
      for (const socket of open) socket.destroy();
      server.closeAllConnections();
      await ended;
      await rm(folder, { recursive: true, force: true });
      closed(folder);
    },
  };
}

/** `host:port`; the scheme says which port is the usual one. */
function tunnelUrl(target: string): URL | null {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(target) ?? [];
  if (host === undefined || port === undefined || Number(port) > 65_535) return null;
  const text = `${port === '80' ? 'http' : 'https'}://${host}:${port}`;
  return URL.canParse(text) ? new URL(text) : null;
}

function refuseTunnel(client: Duplex, status: number): void {
  const reason = status === 403 ? 'Forbidden' : 'Failed';
  client.end(`HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function answer(res: ServerResponse, status: number, message: string): void {
  if (res.headersSent) return void res.destroy();
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${message}\n`);
}

function withoutHop(headers: OutgoingHttpHeaders | IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP.includes(name.toLowerCase())));
}
