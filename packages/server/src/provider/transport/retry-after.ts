import type { IncomingHttpHeaders } from 'node:http';

/** The longest wait that an upstream may ask for, ms; what asks for more is taken to ask for this. */
export const MAX_RETRY_AFTER_MS = 600_000;

/**
 * How long the upstream asks to be left alone, ms: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date. Null if it does
 * not say, or not in a way that can be read.
 * @param now ms since 1970
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | null {
  const exact = amount(headers['retry-after-ms']);
  if (exact !== null) return bounded(exact);
  const after = headers['retry-after'];
  const seconds = amount(after);
  if (seconds !== null) return bounded(seconds * 1000);
  // Only a date with letters: `Date.parse` reads bare numbers as years.
  const date = after !== undefined && /^[A-Za-z]{3,9},? /.test(after) ? Date.parse(after) : Number.NaN;
  return Number.isNaN(date) ? null : bounded(date - now);
}

function amount(value: string | string[] | undefined): number | null {
  if (typeof value !== 'string' || !/^\d{1,12}(\.\d{1,6})?$/.test(value.trim())) return null;
  return Number(value);
}

function bounded(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), MAX_RETRY_AFTER_MS);
}
