/**
 * Where credentials are put in, and taken out again: requests of commands that the proxy can read.
 *
 * E1  A value goes to a host that its credential is for, over TLS that ends at a host with a certificate that is believed, in a header. It goes
 *     nowhere else, whatever the request says.
 * E2  Of a host that a value went to nothing is handed on unread: what comes back has placeholders in the place of values.
 * E3  What cannot be looked up, put in or read is not sent on.
 */
import { once } from 'node:events';
import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as requestPlain,
  type ServerResponse,
  validateHeaderValue,
} from 'node:http';
import { createServer, request as requestTls } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { type Duplex, pipeline, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { Authority } from './authority.ts';
import { type EdgeCredentials, putIn, putIntoHeaders, type Values } from './credentials.ts';
import type { EdgeDefences } from './edge-defences.ts';
import { Scrubber } from './scrub.ts';

export interface EdgeOptions {
  readonly credentials: Pick<EdgeCredentials, 'values'>;
  readonly certify: Authority['certify'];
  readonly lookup: (url: URL) => LookupFunction;
  readonly track: <S extends Duplex>(socket: S) => S;
  /** What is answered to a request that failed so. */
  readonly failed: (url: URL, error: Error) => { readonly status: number; readonly message: string };
  readonly idleMs: number;
  readonly taken: EdgeDefences;
}

/** As the SDK says of credentials for variables. */
const PORTS: ReadonlySet<string> = new Set(['', '8443']);
/** Of one connection only, and what is the proxy's own. */
const HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** What would have a host answer in parts. */
const PARTS: ReadonlySet<string> = new Set(['range', 'if-range']);

export class Edge {
  readonly #options: EdgeOptions;
  readonly #scrubber = new Scrubber();
  /** Hosts that a credential is or was for, while this command runs: what comes from them is looked through to its end (E2). */
  readonly #hosts = new Set<string>();

  constructor(options: EdgeOptions) {
    this.#options = options;
  }

  /** Whether a tunnel to the URL's host is ended here: a credential is for it. */
  async ends(url: URL): Promise<boolean> {
    return url.protocol === 'https:' && PORTS.has(url.port) && this.#isFor(url);
  }

  /** Whether a plain request is relayed here: no value is put in, and what comes back is looked through. */
  async concerns(url: URL): Promise<boolean> {
    return this.#isFor(url);
  }

  async #isFor(url: URL): Promise<boolean> {
    return (await this.#valuesFor(url)).size > 0 || this.#hosts.has(hostOf(url));
  }

  /** Speaks TLS with the client in the host's name. The connection was accepted. */
  async end(url: URL, client: Duplex, head: Buffer): Promise<void> {
    const host = hostOf(url);
    const server = createServer({
      ...(await this.#options.certify(host)),
      ALPNProtocols: ['http/1.1'],
      SNICallback: (name, tell) => tell(normal(name) === host ? null : new Error('another host is named')),
    });
    server.on('tlsClientError', (_, socket) => socket.destroy());
    server.on('secureConnection', socket => this.#options.track(socket));
    server.on('clientError', (_, socket) => refuse(socket, 400));
    server.on('request', (req, res) => {
      this.#within(url, req, res).catch(() => answer(res, 502, 'The request failed.'));
    });
    if (head.length > 0) client.unshift(head);
    server.emit('connection', client);
    await once(client, 'close');
  }

  async #within(url: URL, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { taken } = this.#options;
    const path = req.url ?? '';
    if (!taken.has('same-host')) {
      if (!path.startsWith('/')) return answer(res, 400, 'Within a tunnel a request names a path.');
      const hosts = req.headersDistinct.host ?? [];
      if (hosts.length !== 1 || !isHost(hosts[0] ?? '', url))
        return answer(res, 421, `The tunnel is to ${url.host}, and a request in it is for that host.`);
    }
    await this.relay(new URL(url), path, req, res);
  }

  /** @param path what the host is asked for, as it came */
  async relay(url: URL, path: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { taken, lookup, track, failed, idleMs } = this.#options;
    let values: Values;
    try {
      values = await this.#valuesFor(url);
    } catch {
      return answer(res, 502, 'The credentials of this workspace cannot be looked up.');
    }
    const puts = values.size > 0 && (taken.has('https-only') || url.protocol === 'https:');
    this.#scrubber.learn(values);
    const headers = this.#outgoing(url, req, puts ? values : new Map());
    if (headers === null) return answer(res, 400, 'The value of a credential cannot be sent in a header.');
    const everywhere = puts && taken.has('headers-only');
    const ask = url.protocol === 'https:' ? requestTls : requestPlain;
    const host = hostOf(url);
    const upstream = ask(
      {
        host,
        ...(url.port === '' ? {} : { port: url.port }),
        ...(url.protocol === 'https:' && isIP(host) === 0 ? { servername: host } : {}),
        path: everywhere ? putIn(path, values) : path,
        ...(req.method === undefined ? {} : { method: req.method }),
        headers,
        lookup: lookup(url),
        agent: false,
      },
      answered => this.#hand(answered, req, res),
    );
    upstream.on('socket', track);
    upstream.setTimeout(idleMs, () => upstream.destroy());
    upstream.once('error', error => {
      const { status, message } = failed(url, error);
      answer(res, status, message);
    });
    res.once('close', () => upstream.destroy());
    req.pipe(upstream);
  }

  /** Null if a value cannot be sent. */
  #outgoing(url: URL, req: IncomingMessage, values: Values): OutgoingHttpHeaders | null {
    const { taken } = this.#options;
    const named = new Set((req.headers.connection ?? '').toLowerCase().split(/[\s,]+/));
    const chunked = req.headers['transfer-encoding'] !== undefined;
    const dropped = (name: string): boolean =>
      HOP.has(name) ||
      named.has(name) ||
      name === 'host' ||
      (chunked && name === 'content-length') ||
      (!taken.has('whole-answers') && PARTS.has(name)) ||
      (!taken.has('plain-answers') && name === 'accept-encoding');
    const kept = Object.fromEntries(
      Object.entries(req.headersDistinct).flatMap(([name, given = []]) => {
        const [first] = given;
        if (dropped(name) || first === undefined) return [];
        return [[name, given.length === 1 ? first : given]];
      }),
    );
    const headers = putIntoHeaders(kept, values);
    try {
      for (const [name, given] of Object.entries(headers)) {
        for (const one of Array.isArray(given) ? given : [given]) validateHeaderValue(name, String(one));
      }
    } catch {
      return null;
    }
    return {
      ...headers,
      ...(chunked ? { 'transfer-encoding': 'chunked' } : {}),
      ...(taken.has('plain-answers') ? {} : { 'accept-encoding': 'identity' }),
      host: taken.has('same-host') ? (req.headers.host ?? url.host) : url.host,
    };
  }

  #hand(answered: IncomingMessage, req: IncomingMessage, res: ServerResponse): void {
    const { taken } = this.#options;
    const scrubs = !this.#scrubber.empty && !taken.has('scrubbed-answers');
    const bodied = hasBody(req, answered);
    const unpack = scrubs && bodied && !taken.has('plain-answers') ? unpacking(answered) : NOTHING_PACKED;
    if (unpack === null) {
      answered.destroy();
      return answer(res, 502, 'The answer is compressed in a way that cannot be looked through.');
    }
    const dropped = (name: string): boolean =>
      HOP.has(name) ||
      (scrubs && bodied && name === 'content-length') ||
      (unpack.length > 0 && name === 'content-encoding') ||
      (scrubs && this.#scrubber.header(name) !== name);
    const headers = Object.entries(answered.headersDistinct).flatMap(([name, given = []]): [string, string[]][] =>
      dropped(name) ? [] : [[name, scrubs ? given.map(one => this.#scrubber.header(one)) : given]],
    );
    res.writeHead(answered.statusCode ?? 502, Object.fromEntries(headers));
    const through = scrubs && bodied ? [...unpack, this.#scrubber.stream()] : unpack;
    pipeline([answered, ...through, res], error => {
      if (error !== undefined && error !== null) res.destroy();
    });
  }

  async #valuesFor(url: URL): Promise<Values> {
    const { credentials, taken } = this.#options;
    const values = await credentials.values(taken.has('own-hosts') ? ANY_HOST : hostOf(url));
    if (values.size > 0) this.#hosts.add(hostOf(url));
    return values;
  }
}

/** For the attack suite: its credentials take it for a host of theirs. */
export const ANY_HOST = '*';
const NOTHING_PACKED: readonly Transform[] = [];

function hasBody({ method }: IncomingMessage, { statusCode = 0 }: IncomingMessage): boolean {
  return method !== 'HEAD' && statusCode !== 204 && statusCode !== 304;
}

/** Null for what nobody here unpacks. */
function unpacking({ headers }: IncomingMessage): readonly Transform[] | null {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  switch (encoding) {
    case 'identity':
    case '':
      return NOTHING_PACKED;
    case 'gzip':
    case 'x-gzip':
      return [zlib.createGunzip()];
    case 'deflate':
      return [zlib.createInflate()];
    case 'br':
      return [zlib.createBrotliDecompress()];
    default:
      return null;
  }
}

export function hostOf(url: URL): string {
  return normal(url.hostname);
}

/** A name may end with a dot. */
function normal(host: string): string {
  return host
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^\[|\]$/g, '');
}

/** Whether a `Host` header is the URL's host and port. */
function isHost(header: string, url: URL): boolean {
  if (!/^[A-Za-z0-9._-]+(:\d{1,5})?$/.test(header) || !URL.canParse(`https://${header}/`)) return false;
  const named = new URL(`https://${header}/`);
  return hostOf(named) === hostOf(url) && named.port === url.port;
}

export function refuse(client: Duplex, status: number): void {
  const reason = status === 403 ? 'Forbidden' : 'Failed';
  client.end(`HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

export function answer(res: ServerResponse, status: number, message: string): void {
  if (res.headersSent) return void res.destroy();
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${message}\n`);
}
