/** An HTTP error of an upstream, as a failure that says what may be done about it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { ProviderError } from '../../engine/ports.ts';
import { fieldsIn, type Fields, parseFields, stringIn } from '../json.ts';
import { type ProviderErrorCode, providerError } from '../provider-error.ts';
import { requestIdOf } from './request-id.ts';
import { retryAfterMs } from './retry-after.ts';

/** Characters of an upstream's own message, and of the name of a field, that are passed on. */
export const MAX_MESSAGE_CHARS = 500;
export const MAX_PARAM_CHARS = 200;
const TOO_LONG_CODES: ReadonlySet<string> = new Set(['context_length_exceeded', 'exceed_context_size_error']);
const TOO_LONG = /maximum context length|context window|context size/i;
/** What looks like a key or a bearer header, whosever it is. */
const KEY_LIKE = /\b(?:sk|pk|key)-[\w-]{6,}|\bbearer\s+\S+|\/\/[^/\s]*@/i;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What was read of it, perhaps cut. */
  readonly body: string;
}

/** What the upstream says of an error in its envelope, flat or nested. */
export interface StatedError {
  readonly code: string | null;
  readonly param: string | null;
  readonly message: string | null;
}

export function statedError(fields: Fields | null): StatedError {
  const nested = fields === null ? null : (fieldsIn(fields, 'error') ?? fields);
  if (nested === null) return { code: null, param: null, message: null };
  return {
    code: stringIn(nested, 'code') ?? stringIn(nested, 'type'),
    param: stringIn(nested, 'param'),
    message: stringIn(nested, 'message'),
  };
}

/** Whether the upstream means that the input does not fit its context window. */
export function isTooLong({ code, message }: StatedError): boolean {
  return (code !== null && TOO_LONG_CODES.has(code)) || (message !== null && TOO_LONG.test(message));
}

const OF_TARGET: ReadonlySet<string> = new Set(['model_not_found', 'DeploymentNotFound', 'invalid_api_key']);

/** Whether the upstream objects to what the configuration says of the target, and not to what the client asked for. */
function isOfTarget({ code, param }: StatedError): boolean {
  return param === 'model' || (code !== null && OF_TARGET.has(code));
}

/**
 * The upstream's message, fit to be shown: one line, of bounded length; null if it could hold a credential (L9).
 * @param secret the key that the call was made with
 */
export function showable(message: string | null, secret: string | null): string | null {
  if (message === null || KEY_LIKE.test(message)) return null;
  if (secret !== null && secret !== '' && message.includes(secret)) return null;
  // oxlint-disable-next-line no-control-regex -- these are what is taken out
  const line = message.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  if (line === '') return null;
  return line.length > MAX_MESSAGE_CHARS ? `${line.slice(0, MAX_MESSAGE_CHARS)}...` : line;
}

/** @param now ms since 1970, for a `retry-after` that is a date */
export function httpFailure(answer: HttpAnswer, secret: string | null, now: number): ProviderError {
  const { status, headers, body } = answer;
  const stated = statedError(parseFields(body));
  const fail = (code: ProviderErrorCode, message: string, retryable: boolean, param: string | null = null) =>
    providerError(code, message, {
      retryable,
      status,
      param,
      requestId: requestIdOf(headers),
      upstreamCode: stated.code,
      retryAfterMs: retryable ? retryAfterMs(headers, now) : null,
    });
  const own = `The model provider answered with HTTP ${status}`;

  if (status === 429)
    return fail('upstream_rate_limited', 'The model provider limits the rate of requests (HTTP 429).', true);
  if (status >= 500 || status === 408 || status === 409) return fail('upstream_error', `${own}.`, true);
  // What follows until 400 is the target's fault, not the request's: another target may be asked.
  if (status === 401 || status === 403) {
    return fail(
      'upstream_credentials',
      `The model provider did not accept the credentials of this target (HTTP ${status}).`,
      true,
    );
  }
  if (status === 404) {
    return fail('upstream_rejected', `${own}: it does not know the model or the address that this target names.`, true);
  }
  if (status < 400) return fail('upstream_rejected', `${own}: redirects are not followed.`, true);
  if ((status === 400 || status === 413 || status === 422) && isTooLong(stated)) {
    return fail('context_length_exceeded', 'The input is longer than the context window of the model.', false);
  }
  if (status === 400 || status === 413 || status === 422) {
    const param =
      stated.param === null || stated.param.length > MAX_PARAM_CHARS ? null : showable(stated.param, secret);
    const said = showable(stated.message, secret);
    return fail(
      isOfTarget(stated) ? 'upstream_rejected' : 'upstream_invalid_request',
      said === null ? `${own}.` : `The model provider refused the request: ${said}`,
      false,
      param,
    );
  }
  return fail('upstream_rejected', `${own}.`, false);
}
