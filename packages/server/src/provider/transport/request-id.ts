import type { IncomingHttpHeaders } from 'node:http';

/** By which the provider knows the request, most telling first. */
const HEADERS = ['x-request-id', 'apim-request-id', 'x-amzn-requestid'] as const;

/** An id that an upstream gave: printable and short, or null. It goes into records. */
export function upstreamId(value: unknown): string | null {
  return typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value) ? value : null;
}

export function requestIdOf(headers: IncomingHttpHeaders): string | null {
  for (const name of HEADERS) {
    const id = upstreamId(headers[name]);
    if (id !== null) return id;
  }
  return null;
}
