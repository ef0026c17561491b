/** Answers on node's response. */
import { errorBody, type PerdureError, retryAfterSeconds, toPerdureError } from '@perdure/protocol';
import type { ServerResponse } from 'node:http';

export type Headers = { readonly [name: string]: string | number };

const begun = new WeakMap<ServerResponse, number>();

/** A request came: from here on the time is taken that its answer tells. */
export function noteBegun(res: ServerResponse): void {
  begun.set(res, performance.now());
}

/** How long the answer took to its head, in whole ms, under the name that OpenAI's service has for it. */
export function processingTime(res: ServerResponse): Headers {
  const at = begun.get(res);
  return at === undefined ? {} : { 'openai-processing-ms': Math.round(performance.now() - at) };
}

export function sendJson(res: ServerResponse, status: number, body: unknown, headers: Headers = {}): void {
  if (res.headersSent || res.destroyed) return;
  // As a string: it leaves in one write with the head.
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...processingTime(res),
    ...headers,
  });
  res.end(text);
}

/** The longest wait that official clients keep to, ms: after a longer one they would ask again at once. */
const LONGEST_WAIT_MS = 60_000;

/** To the millisecond for clients that read it; and whether to try again at all, where they would and it cannot help. */
function retryHeaders({ status, next, retryAfterMs: ms }: PerdureError): Headers {
  const useless = status === 429 && (next === 'ask-operator' || (ms !== undefined && ms > LONGEST_WAIT_MS));
  return {
    ...(ms !== undefined && Number.isFinite(ms) && { 'retry-after-ms': Math.ceil(ms) }),
    ...(useless && { 'x-should-retry': 'false' }),
  };
}

/** Kinds of tools told in one header. */
const SKIPPED_TOLD = 16;

/** Tells the caller which kinds of its tools this server does not have: the answer was made without them. */
export function noteSkipped(res: ServerResponse, kinds: readonly string[]): void {
  if (kinds.length > 0) res.setHeader('perdure-skipped-tools', kinds.slice(0, SKIPPED_TOLD).join(', '));
}

/** Any thrown value as the documented error. Where headers are already out there is nothing left to say but the end. */
export function sendError(res: ServerResponse, thrown: unknown, headers: Headers = {}): PerdureError {
  const error = toPerdureError(thrown);
  if (res.headersSent) {
    res.destroy();
    return error;
  }
  const wait = retryAfterSeconds(error);
  const placement = error.details?.['placement'];
  sendJson(res, error.status, errorBody(error), {
    ...headers,
    ...(wait !== null && { 'retry-after': wait }),
    ...retryHeaders(error),
    ...(typeof placement === 'string' && { 'perdure-placement': placement }),
    // The rest of a body that was too large is not read: the connection cannot be used again.
    ...((error.status === 413 || error.status === 408) && { connection: 'close' }),
  });
  return error;
}
