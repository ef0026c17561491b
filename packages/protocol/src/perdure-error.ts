/**
 * Errors as they travel: one branded kind, known by its brand and not by `instanceof`, so that two copies of this package
 * in one process agree. Its message goes to the client: it holds no secret, no stack and no large part of the input (L9).
 */
import { ERRORS, type ErrorCode, type ErrorType, type NextStep } from './errors.ts';
import type { JsonObject } from './json.ts';

const BRAND: unique symbol = Symbol.for('perdure.error');

export interface PerdureError extends Error {
  readonly code: ErrorCode;
  /** HTTP status. */
  readonly status: number;
  readonly type: ErrorType;
  readonly next: NextStep;
  /** The parameter at fault, as `input[0].content`; null if none is. */
  readonly param: string | null;
  /** What a program can use beyond the code: for `placement_refused`, each target with its clauses. */
  readonly details?: JsonObject;
  /** How long to wait before another attempt, in ms; Infinity: no wait helps. */
  readonly retryAfterMs?: number;
}

export interface ErrorOptions {
  readonly param?: string | null;
  /** Overrides the catalogue's status; only 400 to 599 is taken. */
  readonly status?: number;
  readonly details?: JsonObject;
  readonly retryAfterMs?: number;
  /** For the log of the server; never sent. */
  readonly cause?: unknown;
}

class BrandedError extends Error implements PerdureError {
  readonly [BRAND] = true;
  override readonly name = 'PerdureError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: ErrorType;
  readonly next: NextStep;
  readonly param: string | null;
  declare readonly details?: JsonObject;
  declare readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: ErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const entry = ERRORS[code];
    const given = options.status;
    this.code = code;
    this.status = given !== undefined && given >= 400 && given <= 599 ? given : entry.status;
    this.type = typeForStatus(this.status, entry);
    this.next = entry.next;
    this.param = options.param ?? null;
    if (options.details !== undefined) this.details = options.details;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
  }
}

function typeForStatus(status: number, entry: { readonly status: number; readonly type: ErrorType }): ErrorType {
  if (status === entry.status) return entry.type;
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** Makes an error of the catalogue. Without a message it carries the catalogue's sentence. */
export function perdureError(code: ErrorCode, message?: string, options: ErrorOptions = {}): PerdureError {
  return new BrandedError(code, message ?? ERRORS[code].summary, options);
}

export function isPerdureError(value: unknown): value is PerdureError {
  return typeof value === 'object' && value !== null && BRAND in value && value[BRAND] === true;
}

/** Any thrown value as an error of the catalogue. What is not ours becomes `internal_error` and says nothing of itself. */
export function toPerdureError(thrown: unknown): PerdureError {
  return isPerdureError(thrown) ? thrown : perdureError('internal_error', undefined, { cause: thrown });
}

/** OpenAI's error envelope, with `details` where there are any. */
export interface ErrorBody {
  readonly error: ErrorPayload;
}

export interface ErrorPayload {
  readonly message: string;
  readonly type: ErrorType;
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly details?: JsonObject;
}

/** The body of an HTTP error, and the last `data:` of a Chat Completions stream that failed. */
export function errorBody(error: PerdureError): ErrorBody {
  const { message, type, code, param, details } = error;
  return { error: { message, type, code, param, ...(details !== undefined && { details }) } };
}

/** A stream's `error` event: flat for OpenAI's clients, nested for Open Responses. `response.failed` follows it. */
export interface StreamErrorEvent {
  readonly type: 'error';
  readonly sequence_number: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly param: string | null;
  readonly error: ErrorPayload;
}

export function streamErrorEvent(error: PerdureError, sequenceNumber: number): StreamErrorEvent {
  const { code, message, param } = error;
  return { type: 'error', sequence_number: sequenceNumber, code, message, param, error: errorBody(error).error };
}

/** The `retry-after` header in whole seconds, at least 1; null if the error names no time and its code asks for none, or if no wait helps. */
export function retryAfterSeconds(error: PerdureError): number | null {
  if (error.retryAfterMs === Number.POSITIVE_INFINITY) return null;
  if (error.retryAfterMs !== undefined) return Math.max(1, Math.ceil(error.retryAfterMs / 1000));
  return error.next === 'retry-after' ? 1 : null;
}
