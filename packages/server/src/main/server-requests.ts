/** What commands ask a running server, with one way of telling what goes wrong. */
import {
  type Connection,
  createPerdureClient,
  makeRequester,
  makeStreamer,
  type PerdureClient,
  type Schema,
} from '@perdure/client';
import { isPerdureError, type ListPage, type PerdureError } from '@perdure/protocol';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import type { Io } from './cli/io.ts';

/** For one request, ms. */
const REQUEST_MS = 30_000;
/** Entries of one page: as many as lists give. */
const PAGE = 100;
const DONE: readonly number[] = [200, 201, 202];

export interface Asking {
  /** The server's address. */
  readonly base: string;
  /** The data folder that it would use. */
  readonly data: string;
  /** What the key must have, for the hint: `admin`. */
  readonly scope: string;
  /** Whether the server is asked because another process holds the data folder: then that process could be stopped instead. */
  readonly held: boolean;
  /** For one request, ms. */
  readonly timeoutMs?: number;
}

type Method = 'GET' | 'POST' | 'DELETE';

export interface Listed<T> {
  readonly object: 'list';
  readonly data: readonly T[];
  readonly has_more: boolean;
}

export interface Server {
  /** Its address. */
  readonly base: string;
  readonly client: PerdureClient;
  /** For routes that the client has no method for. @throws PerdureError */
  readonly request: <T>(schema: Schema<T>, method: Method, path: string, body?: object) => Promise<T>;
  /** The same. @throws CliError */
  readonly must: <T>(schema: Schema<T>, method: Method, path: string, body?: object) => Promise<T>;
  /** Of a list, page by page, the first `most`: all, if absent. @param page what a page of it is @throws CliError */
  readonly list: <T>(page: Schema<ListPage<T>>, path: string, most?: number) => Promise<Listed<T>>;
  /** The bytes of an answer that goes on for as long as there is something to tell. @throws CliError */
  readonly stream: (path: string, headers?: { readonly [name: string]: string }) => Promise<AsyncIterable<Uint8Array>>;
  /** @throws CliError for every PerdureError of the work */
  readonly telling: <T>(work: Promise<T>) => Promise<T>;
  /** What is thrown for a failure: a CliError for every PerdureError. */
  readonly told: (error: unknown) => unknown;
}

export function serverOf(io: Io, asking: Asking): Server {
  const { base } = asking;
  const apiKey = io.env['PERDURE_API_KEY'] ?? null;
  const timeoutMs = asking.timeoutMs ?? REQUEST_MS;
  const client = createPerdureClient({ baseURL: base, timeoutMs, ...(apiKey !== null && { apiKey }) });
  const connection: Connection = { base, apiKey, timeoutMs, fetch: (input, init) => globalThis.fetch(input, init) };
  const exchange = makeRequester(connection);
  const told = (error: unknown): unknown => (isPerdureError(error) ? serverFailure(error, asking) : error);
  const request: Server['request'] = (schema, method, path, body) =>
    exchange({ method, path, query: {}, body: body ?? null, schema, accept: DONE, signal: null });
  const telling: Server['telling'] = async work => {
    try {
      return await work;
    } catch (error) {
      throw told(error);
    }
  };
  const must: Server['must'] = (...asked) => telling(request(...asked));
  const list = async <T>(page: Schema<ListPage<T>>, path: string, most = Number.POSITIVE_INFINITY) => {
    const data: T[] = [];
    for (let after = ''; ; ) {
      const limit = Math.min(PAGE, most - data.length);
      const one = await must(page, 'GET', `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${after}`);
      data.push(...one.data);
      const more = one.has_more && one.last_id !== null;
      if (!more || data.length >= most) return { object: 'list' as const, data, has_more: more };
      after = `&after=${encodeURIComponent(one.last_id)}`;
    }
  };
  const begin = makeStreamer(connection);
  const stream: Server['stream'] = (path, headers) => telling(begin(path, headers));
  return { base, client, request, told, telling, must, list, stream };
}

/** A failure as the command line tells it. What is refused to a key ends with 3, and so does what nobody answers. */
function serverFailure(error: PerdureError, { scope, held, base, data }: Asking): CliError {
  const { code, status, message } = error;
  const cause = { cause: error };
  if (code === 'server_unreachable')
    return held
      ? new CliError(EXIT.refused, `another Perdure process is using ${data}, and none answers at ${base}`, {
          hint: 'Set PERDURE_URL to the address of that server, or stop it.',
          ...cause,
        })
      : new CliError(EXIT.refused, `nobody answers at ${base}`, {
          hint: 'Start the server, or set PERDURE_URL to its address.',
          ...cause,
        });
  if (status !== 401 && code !== 'insufficient_scope') return new CliError(exitOf(error), message, cause);
  const instead = held ? ', or stop the server first' : '';
  return new CliError(EXIT.refused, message, {
    hint: `Set PERDURE_API_KEY to a key with the scope ${scope}${instead}.`,
    ...cause,
  });
}

/** The state of a month, or of the keys, that stands against it. */
const REFUSALS: ReadonlySet<string> = new Set([
  'month_not_over',
  'month_closed',
  'month_not_closed',
  'nothing_to_restate',
  'restatement_limit_reached',
  'first_key_not_admin',
]);

/** How a command ends that a server, or what stands in for it on a data folder, refused. */
export function exitOf({ status, code }: PerdureError): ExitCode {
  if (status === 401 || status === 403 || REFUSALS.has(code)) return EXIT.refused;
  return status === 400 ? EXIT.usage : EXIT.failed;
}
