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
  request,
  type ServerResponse,
} from 'node:http';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Owner } from '../files/folder.ts';
import type { Authority } from './authority.ts';
import type { EdgeCredentials } from './credentials.ts';
import { answer, Edge, refuse as refuseTunnel } from './edge.ts';
import { type EdgeDefences, NO_EDGE_DEFENCE_TAKEN } from './edge-defences.ts';
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

/** What puts credentials in: tunnels to hosts that one is for are ended here, with certificates of this authority. */
export interface ProxyCredentials extends Pick<EdgeCredentials, 'values'>, Pick<Authority, 'certify'> {}

export interface ProxyOptions {
  readonly rules: HostRules;
  readonly egress: Egress;
  readonly owner: Owner;
  readonly credentials?: ProxyCredentials | undefined;
  readonly taken?: EdgeDefences | undefined;
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
const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';
/** Of this connection only, and what is the proxy's own. */
const HOP = ['connection', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'upgrade'];

export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { rules, egress, owner, credentials, tag = 'none' } = options;
  const refused = new Set<string>();
  const open = new Set<Duplex>();
  const track = <S extends Duplex>(socket: S): S => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // A connection that breaks off concerns its other end only, which is ended by the pipe.
    socket.on('error', () => socket.destroy());
    return socket;
  };
  /** @param named the URL as the rules may name it too */
  const mayAsk = (url: URL, named: URL = url): boolean => {
    const literal = url.hostname.replace(/^\[|\]$/g, '');
    const fine =
      [url, named].some(one => hostAllowed(one, rules, egress.matches)) &&
      (isIP(literal) === 0 || egress.addressAllowed(literal, url));
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
  const told = (url: URL, error: Error): { readonly status: number; readonly message: string } => {
    const status = failed(url, error);
    return { status, message: status === 403 ? 'The address may not be asked.' : 'The host could not be reached.' };
  };
  const edge =
    credentials === undefined
      ? null
      : new Edge({
          credentials,
          certify: credentials.certify,
          lookup: egress.lookup,
          track,
          failed: told,
          idleMs: IDLE_MS,
          taken: options.taken ?? NO_EDGE_DEFENCE_TAKEN,
        });
  const server = createServer((req, res) => {
    forward(req, res).catch(() => answer(res, 502, 'The request failed.'));
  });
  server.maxConnections = CONNECTIONS;
  server.on('connection', track);
  server.on('connect', (req, client, head) => {
    tunnel(req, client, head).catch(() => refuseTunnel(client, 502));
  });

  async function tunnel(req: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const url = tunnelUrl(req.url ?? '');
    const ended = url !== null && edge !== null && (await edge.ends(url));
    // A rule for a host of a credential is for both ports at which values are put in.
    if (url === null || !mayAsk(url, ended ? new URL(`https://${url.hostname}`) : url)) {
      refuseTunnel(client, url === null ? 400 : 403);
      return;
    }
    if (ended) {
      client.write(ESTABLISHED);
      await edge?.end(url, client, head);
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
      client.write(ESTABLISHED);
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
    if (edge !== null && (await edge.concerns(url))) return edge.relay(url, `${url.pathname}${url.search}`, req, res);
    const headers = withoutHop(req.headers);
    const upstream = request(
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
      const { status, message } = told(url, error);
      answer(res, status, message);
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

function withoutHop(headers: OutgoingHttpHeaders | IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP.includes(name.toLowerCase())));
}
