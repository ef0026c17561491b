/** Failures that an upstream reports inside a stream that began well. */
import type { ProviderError } from '../engine/ports.ts';
import type { Fields } from './json.ts';
import { interrupted, providerError } from './provider-error.ts';
import { isTooLong, statedError } from './transport/http-failure.ts';

/** @param event the event, or its `response`, that carries the error, flat or nested */
export function reportedFailure(event: Fields, requestId: string | null): ProviderError {
  const stated = statedError(event);
  if (isTooLong(stated)) {
    return providerError('context_length_exceeded', 'The input is longer than the context window of the model.', {
      requestId,
    });
  }
  const code = stated.code !== null && /^[a-z][a-z0-9_]{0,59}$/.test(stated.code) ? ` (${stated.code})` : '';
  return interrupted(`The model provider reported a failure in the middle of its answer${code}.`, requestId);
}

export function malformed(requestId: string | null): ProviderError {
  return interrupted('The model provider sent what cannot be read.', requestId);
}

export function truncated(requestId: string | null): ProviderError {
  return interrupted('The answer of the model provider ended before it was complete.', requestId);
}
