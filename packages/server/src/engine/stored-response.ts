/** A stored response, as the wire dialects are handed it. */
import type { CreateResponse, ResponseResource } from '@perdure/protocol';
import type { ResponseId } from '../kernel/ids.ts';
import type { Caller } from './caller.ts';
import type { WireEvents } from './reading.ts';

/** A stored response that was begun, or found again by its idempotency key. */
export interface StoredResponse {
  readonly id: ResponseId;
  readonly placement: string | null;
  /** Rejects with a PerdureError if the response failed. */
  readonly done: Promise<ResponseResource>;
  /** The response as it is now. */
  now(): Promise<ResponseResource>;
  /** Asks it to end before its next item, where that is safe; it may also end as it would have. */
  stopAtBoundary(): void;
  /** Its stream, from after event `after` (-1: all). @param signal aborted when the reader has left */
  events(after?: number, signal?: AbortSignal): WireEvents;
}

export interface RespondInput {
  readonly caller: Caller;
  readonly request: CreateResponse;
  readonly labels: readonly string[];
  readonly idempotency: { readonly key: string; readonly body: string | Uint8Array } | null;
}
