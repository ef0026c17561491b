import { type Failure, RequestRefused } from './failure.ts';
import type { Fault } from './faults.ts';

/** What the real service says with each status; a fault asks for one of them. */
const KINDS: Readonly<
  Record<number, { readonly type: string; readonly code: string | null; readonly message: string }>
> = {
  400: {
    type: 'invalid_request_error',
    code: 'emulated_bad_request',
    message: 'The emulator was told to refuse this request.',
  },
  401: { type: 'invalid_request_error', code: 'invalid_api_key', message: 'Incorrect API key provided (emulated).' },
  403: {
    type: 'invalid_request_error',
    code: 'unsupported_country_region_territory',
    message: 'Country, region, or territory not supported (emulated).',
  },
  404: { type: 'invalid_request_error', code: 'model_not_found', message: 'The model does not exist (emulated).' },
  408: { type: 'server_error', code: 'request_timeout', message: 'The request timed out (emulated).' },
  409: { type: 'invalid_request_error', code: 'conflict', message: 'The request conflicts with another (emulated).' },
  413: { type: 'invalid_request_error', code: 'request_too_large', message: 'The request is too large (emulated).' },
  422: { type: 'invalid_request_error', code: 'unprocessable', message: 'The request cannot be processed (emulated).' },
  429: {
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached (emulated). Please try again later.',
  },
  500: {
    type: 'server_error',
    code: null,
    message: 'The server had an error while processing your request (emulated).',
  },
};
const OVERLOADED = {
  type: 'server_error',
  code: null,
  message: 'The engine is currently overloaded, please try again later (emulated).',
};

/** The answer of the fault `status`, with `retry-after` in seconds or `retry-after-ms` where it asks for one. */
export function statusFailure({ status, retryAfter }: Fault & { kind: 'status' }): Failure {
  const failure = { status, param: null, ...(KINDS[status] ?? OVERLOADED) };
  if (retryAfter === null) return failure;
  const name = retryAfter.unit === 'ms' ? 'retry-after-ms' : 'retry-after';
  return { ...failure, headers: { [name]: String(retryAfter.amount) } };
}

export const unauthorised = (message: string, code: string | null): RequestRefused =>
  new RequestRefused({ status: 401, type: 'invalid_request_error', code, param: null, message });
