/**
 * How calls to a model fail. Messages are fixed sentences (and, where the request itself was at fault, the upstream's own): never a
 * URL, a key or a body (L9).
 */
import type { ProviderError } from '../engine/ports.ts';

export type ProviderErrorCode = ProviderError['providerError'];

export interface ProviderErrorDetails {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | null;
  readonly status?: number | null;
  readonly param?: string | null;
  readonly requestId?: string | null;
  /** The upstream's own word for it: for decisions inside this folder, never shown. */
  readonly upstreamCode?: string | null;
}

class BrandedProviderError extends Error implements ProviderError {
  override readonly name = 'ProviderError';
  readonly providerError: ProviderErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly status: number | null;
  readonly param: string | null;
  readonly requestId: string | null;
  readonly upstreamCode: string | null;

  constructor(code: ProviderErrorCode, message: string, details: ProviderErrorDetails) {
    super(message);
    this.providerError = code;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.status = details.status ?? null;
    this.param = details.param ?? null;
    this.requestId = details.requestId ?? null;
    this.upstreamCode = details.upstreamCode ?? null;
  }
}

/** Makes a failure of an upstream call; not retryable unless it says so. */
export function providerError(
  code: ProviderErrorCode,
  message: string,
  details: ProviderErrorDetails = {},
): ProviderError {
  return new BrandedProviderError(code, message, details);
}

/** The same failure, of a request of which no byte was written. Also of what is no `ProviderError` yet. */
export function unsent<Failure>(error: Failure): Failure {
  return error instanceof Error ? Object.assign(error, { unsent: true as const }) : error;
}

/** The caller's signal fired, or nobody reads the answer any more. */
export function aborted(): ProviderError {
  return providerError('aborted', 'The call was aborted.');
}

/** The answer had begun and cannot be finished. Never retryable here: only the engine knows what of it was shown. */
export function interrupted(message: string, requestId: string | null = null): ProviderError {
  return providerError('upstream_interrupted', message, { requestId });
}
