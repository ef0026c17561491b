/** Connections to upstreams: one pool an origin, kept alive, and a gate before it. */
import type { Pool } from 'undici';
import { lateModule } from '../../engine/late-module.ts';
import type { ProviderLimits } from '../limits.ts';
import { providerError } from '../provider-error.ts';
import { Gate } from './gate.ts';

/** A way to one origin. */
export interface Origin {
  readonly pool: Pool;
  readonly gate: Gate;
}

export interface Route {
  readonly origin: Origin;
  /** Path and query, without the dialect's own last segments. */
  readonly pathname: string;
  readonly search: string;
}

/** How long an idle connection is kept, ms; a server's own keep-alive hint wins if it is shorter. */
const KEEP_ALIVE_MS = 30_000;
/** Bytes of a response's headers. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Of undici only this: its index loads three times as much (fetch, mocks, caches). */
const poolClass = lateModule<typeof Pool>('undici/lib/dispatcher/pool.js');

export class Connections {
  readonly #limits: Pick<ProviderLimits, 'connectMs' | 'maxConnectionsPerOrigin' | 'maxWaitingPerOrigin'>;
  readonly #origins = new Map<string, Origin>();
  readonly #routes = new Map<string, Route>();
  #closed = false;

  constructor(limits: Pick<ProviderLimits, 'connectMs' | 'maxConnectionsPerOrigin' | 'maxWaitingPerOrigin'>) {
    this.#limits = limits;
  }

  /** @throws ProviderError if the address cannot be used: someone who runs this server must change it */
  route(baseUrl: string): Route {
    if (this.#closed) throw providerError('upstream_error', 'The connections to model providers are closed.');
    const known = this.#routes.get(baseUrl);
    if (known !== undefined) return known;
    const url = parse(baseUrl);
    const route = { origin: this.#origin(url.origin), pathname: url.pathname.replace(/\/+$/, ''), search: url.search };
    this.#routes.set(baseUrl, route);
    return route;
  }

  #origin(origin: string): Origin {
    const known = this.#origins.get(origin);
    if (known !== undefined) return known;
    const { connectMs, maxConnectionsPerOrigin, maxWaitingPerOrigin } = this.#limits;
    const NewPool = poolClass();
    const pool = new NewPool(origin, {
      connections: maxConnectionsPerOrigin,
      pipelining: 1,
      // One call a socket: so that pausing a call pauses its own bytes, and destroying it ends nobody else's.
      allowH2: false,
      connect: { timeout: connectMs },
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Deadlines are the exchange's: these know nothing of a reader that pauses.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const made = { pool, gate: new Gate(maxConnectionsPerOrigin, maxWaitingPerOrigin) };
    this.#origins.set(origin, made);
    return made;
  }

  /** Ends every connection, and every call that still runs. */
  async close(): Promise<void> {
    this.#closed = true;
    const pools = [...this.#origins.values()].map(({ pool }) => pool.destroy());
    this.#origins.clear();
    this.#routes.clear();
    await Promise.all(pools);
  }
}

function parse(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  const usable = url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
  if (!usable) throw unusable('is not an http or https address');
  if (url.username !== '' || url.password !== '') throw unusable('carries credentials: give them as api_key');
  return url;
}

function unusable(why: string) {
  return providerError('upstream_rejected', `The base URL of this target ${why}.`, { retryable: true });
}
