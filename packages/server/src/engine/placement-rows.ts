/** Placements as a store of a home tells them: part of its port (`ports.ts`). */
import type { SessionId, TenantId } from '../kernel/ids.ts';

export interface PlacementRow {
  readonly session: SessionId;
  readonly seq: number;
  readonly at: number;
}

/** An event's stored head, and what is needed to decode it. */
export interface StoredHead {
  readonly code: number;
  readonly version: number;
  readonly head: string;
}

/** A placement with the events that tell of it: all that reports and what-if need, and no content. */
export interface PlacementEntry extends PlacementRow {
  /** Grows in the order of the home's commits. */
  readonly position: number;
  /** `call.placed` or `state.placed`. */
  readonly placed: StoredHead;
  /** The session's first event: it holds the origin. */
  readonly first: StoredHead;
  /** The turn that a call served; null for stateless calls and for state. */
  readonly turn: StoredHead | null;
  /** How the session's next call to end after this placement ended; null if none has. Of a placement that chose nothing it says nothing. */
  readonly end: (StoredHead & { readonly at: number }) | null;
  /** Who caused it: the actor of the turn's start, or of the session's first event. */
  readonly by: string;
}

/** Which placement among the events of a session from `from` to `to`, both inclusive. */
export interface PlacedQuery {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly from: number;
  readonly to: number;
  /** The first of this type; of calls the one of this number. Within a turn calls are numbered upward, so their events are in that order. */
  readonly placed:
    | { readonly type: 'state.placed' | 'tool.placed' }
    | { readonly type: 'call.placed'; readonly call: number };
}

export interface PlacedRows {
  /** One placement by where it lies. Costs far fewer steps than there are events in the stretch, however long a turn is. */
  placed(query: PlacedQuery): Promise<PlacementEntry | null>;
}
