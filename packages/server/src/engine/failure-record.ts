/** Why a turn failed, in the log and back from it: who asks again is told what the first was told. */
import { ERRORS, type ErrorCode, perdureError, type PerdureError } from '@perdure/protocol';
import type { FailurePayload, LogEvent } from '../log/events.ts';

/** What its log keeps of an error, beside its code. What the code says already is left out. */
export function failurePayload(error: PerdureError): FailurePayload {
  const { message, param, details, retryAfterMs: wait, status, code } = error;
  return {
    message,
    ...(param !== null && { param }),
    ...(details !== undefined && { details }),
    ...(wait !== undefined && { retryAfterMs: Number.isFinite(wait) ? wait : null }),
    ...(status !== ERRORS[code].status && { status }),
  };
}

/** The error of a turn that failed. @param events its own */
export function failureFrom(
  { code, message }: { readonly code: string; readonly message: string },
  events: readonly LogEvent[],
): PerdureError {
  const kept = events.find(event => event.type === 'turn.failed')?.payload ?? null;
  const wait = kept?.retryAfterMs;
  return perdureError(code as ErrorCode, message, {
    param: kept?.param ?? null,
    ...(kept?.details !== undefined && { details: kept.details }),
    ...(wait !== undefined && { retryAfterMs: wait ?? Number.POSITIVE_INFINITY }),
    ...(kept?.status !== undefined && { status: kept.status }),
  });
}
