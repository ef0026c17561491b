/** Request headers that are ours. */
import { perdureError } from '@perdure/protocol';
import type { IncomingMessage } from 'node:http';
import type { Caller } from '../engine/caller.ts';
import { parseTraceparent } from '../engine/traces/span-ids.ts';

/** Characters of an `Idempotency-Key`. */
export const MAX_IDEMPOTENCY_KEY = 255;
/** Labels that one request may carry, and characters of one. */
export const MAX_LABELS = 16;
const LABEL = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** @throws invalid_request */
export function readIdempotencyKey(req: IncomingMessage): string | null {
  const key = req.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || key.length === 0 || key.length > MAX_IDEMPOTENCY_KEY) {
    throw perdureError('invalid_request', `Idempotency-Key must have 1 to ${MAX_IDEMPOTENCY_KEY} characters.`, {
      param: 'Idempotency-Key',
    });
  }
  return key;
}

/** `perdure-labels: restricted, us-gov`: what the caller says of the content that it sends (L8). @throws invalid_request */
export function readLabels(req: IncomingMessage): readonly string[] {
  const given = req.headers['perdure-labels'];
  if (given === undefined) return [];
  const labels = [
    ...new Set(
      String(given)
        .split(',')
        .map(label => label.trim())
        .filter(label => label !== ''),
    ),
  ];
  if (labels.length > MAX_LABELS || labels.some(label => !LABEL.test(label))) {
    throw perdureError(
      'invalid_request',
      `perdure-labels holds at most ${MAX_LABELS} names of lower-case letters, digits, dots and dashes.`,
      { param: 'perdure-labels' },
    );
  }
  return labels.toSorted();
}

/** What `x-request-id` answers, and logs know a request by. */
export function newRequestId(): string {
  return `req_${crypto.randomUUID().replaceAll('-', '')}`;
}

/** With the caller's span (W3C Trace Context), if it says one. What is none is ignored, as that standard has it. */
export function withSpan(req: Pick<IncomingMessage, 'headers'>, caller: Caller): Caller {
  const given = req.headers['traceparent'];
  return typeof given === 'string' && parseTraceparent(given) !== null ? { ...caller, traceparent: given } : caller;
}
