/** One HTTP exchange: sends JSON, checks the answer, and turns every failure into a `PerdureError`. For routes that the client has no method for, too. */
import {
  isErrorCode,
  isJsonObject,
  perdureError,
  type Json,
  type JsonObject,
  type PerdureError,
} from '@perdure/protocol';

export type Query = { readonly [name: string]: string | number | undefined };

/** What a schema must be able to do; zod's can. */
export interface Schema<Answer> {
  safeParse(value: unknown): { readonly success: true; readonly data: Answer } | { readonly success: false };
}

export interface Exchange<Answer> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query: Query;
  readonly body: object | null;
  readonly schema: Schema<Answer>;
  /** Statuses whose body is an answer. */
  readonly accept: readonly number[];
  readonly signal: AbortSignal | null;
}

export interface Connection {
  readonly base: string;
  readonly apiKey: string | null;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
}

export function makeRequester(connection: Connection): <Answer>(exchange: Exchange<Answer>) => Promise<Answer> {
  const base = baseOf(connection.base);
  if (!(connection.timeoutMs > 0)) throw new TypeError('timeoutMs must be a positive number of ms.');
  return async exchange => {
    const url = new URL(base + exchange.path);
    for (const [name, value] of Object.entries(exchange.query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const timeout = AbortSignal.timeout(connection.timeoutMs);
    const signal = exchange.signal === null ? timeout : AbortSignal.any([exchange.signal, timeout]);
    let answer: Answered;
    try {
      answer = await answered(await send(connection, url, exchange, signal));
    } catch (cause) {
      // The caller's own abort is the caller's: it comes back as it is.
      throw exchange.signal?.aborted === true ? cause : unanswered(connection, timeout, cause);
    }
    const body = parseJson(answer.text);
    if (exchange.accept.includes(answer.status)) {
      const parsed = exchange.schema.safeParse(body);
      if (parsed.success) return parsed.data;
    }
    throw errorOf(answer, body);
  };
}

/**
 * Reads an answer that goes on for as long as there is something to tell. `timeoutMs` bounds the wait for its beginning alone.
 * @throws PerdureError
 */
export function makeStreamer(
  connection: Connection,
): (path: string, headers?: { readonly [name: string]: string }) => Promise<AsyncIterable<Uint8Array>> {
  const base = baseOf(connection.base);
  return async (path, headers = {}) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), connection.timeoutMs);
    let answer: Answered;
    try {
      const response = await connection.fetch(new URL(base + path), {
        headers: { accept: 'text/event-stream', ...headers, ...authorization(connection) },
        redirect: 'error',
        signal: late.signal,
      });
      if (response.status === 200 && response.body !== null) return response.body;
      answer = await answered(response);
    } catch (cause) {
      throw unanswered(connection, late.signal, cause);
    } finally {
      clearTimeout(timer);
    }
    throw errorOf(answer, parseJson(answer.text));
  };
}

function authorization({ apiKey }: Connection): { readonly authorization?: string } {
  return apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
}

async function answered(response: Response): Promise<Answered> {
  return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') };
}

/** @param late aborted: the time was up */
function unanswered({ timeoutMs }: Connection, late: AbortSignal, cause: unknown): PerdureError {
  return late.aborted
    ? perdureError('deadline_exceeded', `No answer within ${timeoutMs} ms.`, { cause })
    : perdureError('server_unreachable', 'The server cannot be reached.', { cause });
}

function send<Answer>(
  connection: Connection,
  url: URL,
  exchange: Exchange<Answer>,
  signal: AbortSignal,
): Promise<Response> {
  return connection.fetch(url, {
    method: exchange.method,
    headers: {
      accept: 'application/json',
      ...authorization(connection),
      ...(exchange.body !== null && { 'content-type': 'application/json' }),
    },
    ...(exchange.body !== null && { body: JSON.stringify(exchange.body) }),
    // The key must not follow a redirect to another host.
    redirect: 'error',
    signal,
  });
}

function errorOf(answer: Answered, body: unknown): PerdureError {
  const given = isJsonObject(body) && isJsonObject(body['error']) ? body['error'] : {};
  const { code, message, param, details } = given;
  if (answer.status < 400 || typeof code !== 'string' || !isErrorCode(code)) {
    return perdureError('internal_error', `The server answered ${answer.status}, not in the documented form.`, {
      status: answer.status,
    });
  }
  const seconds = answer.retryAfter === null ? Number.NaN : Number(answer.retryAfter);
  return perdureError(code, typeof message === 'string' ? message : undefined, {
    status: answer.status,
    param: typeof param === 'string' ? param : null,
    ...(isJson(details) && { details }),
    ...(seconds >= 0 && { retryAfterMs: seconds * 1000 }),
  });
}

/** What JSON.parse made is JSON: only its outermost type is open. */
const isJson = (value: unknown): value is JsonObject => isJsonObject(value);

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function baseOf(baseURL: string): string {
  const url = URL.canParse(baseURL) ? new URL(baseURL) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new TypeError('baseURL must be an http or https address.');
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
}
