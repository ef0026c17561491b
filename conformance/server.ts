/** The server under test, as an HTTP client sees it. All that it sends is noted for the checks of the schema. */
import { Failed, NotOffered } from './check.ts';
import { isJson, type Json, parsed, textAt } from './json.ts';
import { EventReader, type SeenEvent } from './sse.ts';
import type { Traffic } from './traffic.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

export interface Streamed {
  readonly status: number;
  readonly headers: Headers;
  readonly events: readonly SeenEvent[];
  readonly faults: readonly string[];
  readonly comments: number;
  /** The body of an answer that is no stream. */
  readonly body: unknown;
}

export interface SendOptions {
  readonly body?: unknown;
  readonly headers?: { readonly [name: string]: string };
  readonly signal?: AbortSignal;
}

export interface Server {
  /** With `/v1`, without a slash at its end. */
  readonly baseUrl: string;
  readonly key: string;
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  /** Reads a stream to its end, or until `until` says that it has seen enough; then it hangs up. */
  stream(method: string, path: string, options?: StreamOptions): Promise<Streamed>;
  /** `POST /responses` that must succeed. */
  create(body: Json): Promise<Json>;
  /** The events of `POST /responses` with `stream: true`, which must succeed. */
  events(body: Json): Promise<readonly Json[]>;
}

export interface StreamOptions extends SendOptions {
  readonly until?: (event: SeenEvent) => boolean;
}

export function openServer(baseUrl: string, key: string, traffic: Traffic, timeoutMs: number): Server {
  const request = (method: string, path: string, { body, headers, signal }: SendOptions): Promise<Response> =>
    fetch(`${baseUrl}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(key !== '' && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: signal ?? AbortSignal.timeout(timeoutMs),
    });
  const where = (method: string, path: string): string => `${method} ${path.replace(/\?.*$/, '').replace(ID, '{id}')}`;

  const send = async (method: string, path: string, options: SendOptions = {}): Promise<Answer> => {
    const response = await request(method, path, options);
    const text = await response.text();
    const body = parsed(text);
    traffic.body(where(method, path), response.status, body);
    return { status: response.status, headers: response.headers, text, body };
  };

  const stream = async (method: string, path: string, options: StreamOptions = {}): Promise<Streamed> => {
    const response = await request(method, path, options);
    const { status, headers } = response;
    if (!(headers.get('content-type') ?? '').startsWith('text/event-stream') || response.body === null) {
      const body = parsed(await response.text());
      traffic.body(where(method, path), status, body);
      return { status, headers, events: [], faults: [], comments: 0, body };
    }
    const reader = new EventReader();
    const decoder = new TextDecoder();
    const events: SeenEvent[] = [];
    let enough = false;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      for (const event of reader.push(decoder.decode(chunk, { stream: true }))) {
        if (event.json !== null && event.name !== null) traffic.event(`SSE ${where(method, path)}`, event.json);
        events.push(event);
        enough ||= options.until?.(event) === true;
      }
      if (enough) break;
    }
    if (!enough) reader.end();
    return { status, headers, events, faults: reader.faults, comments: reader.comments, body: undefined };
  };

  return {
    baseUrl,
    key,
    send,
    stream,
    get: path => send('GET', path),
    post: (path, body) => send('POST', path, { body }),
    delete: path => send('DELETE', path),
    async create(body) {
      const answer = await send('POST', '/responses', { body });
      return created(answer);
    },
    async events(body) {
      const streamed = await stream('POST', '/responses', { body: { ...body, stream: true } });
      if (streamed.status !== 200 || streamed.events.length === 0)
        throw new Failed(
          `the stream was not begun: ${streamed.status} ${JSON.stringify(streamed.body)?.slice(0, 200)}`,
        );
      return streamed.events.map(event => event.json).filter(isJson);
    },
  };
}

const ID = /(?<=\/)(resp|conv|msg|fc|rs|item|chatcmpl)_[^/]+/g;

/** The response that was made. */
export function created(answer: Answer): Json {
  refusedAsUnknown(answer);
  if (answer.status !== 200 || !isJson(answer.body)) throw new Failed(`answered ${said(answer)}`);
  return answer.body;
}

/** Ends the check as `not offered` if the server says that it does not have this at all. */
export function refusedAsUnknown(answer: { readonly status: number; readonly body: unknown }): void {
  const code = textAt(answer.body, 'error', 'code');
  const known = /^(unsupported_parameter|unsupported_value|unsupported_content|not_supported|unknown_parameter)$/.test(
    code,
  );
  if (answer.status === 426 || answer.status === 501 || (answer.status === 400 && known))
    throw new NotOffered(`${answer.status} ${code}`.trim());
}

/** The same for a route whose address may not be known. `known` are the codes of a 404 that comes from the route itself. */
export function refusedAsRoute(answer: { readonly status: number; readonly body: unknown }): void {
  refusedAsUnknown(answer);
  const code = textAt(answer.body, 'error', 'code');
  if (answer.status === 405 || (answer.status === 404 && !/^(response|model|conversation|item)_not_found$/.test(code)))
    throw new NotOffered(`${answer.status} ${code}`.trim());
}

export const said = (answer: { readonly status: number; readonly body: unknown; readonly text?: string }): string =>
  `${answer.status} ${(answer.text ?? JSON.stringify(answer.body) ?? '').slice(0, 300)}`;

export const codeOf = (answer: { readonly body: unknown }): string => textAt(answer.body, 'error', 'code');
