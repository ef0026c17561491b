/**
 * Projections: rows derived from the log, written in the append's own transaction, and made anew from the log at will (L1). They point
 * at payloads and never copy them. Pure code computes the changes (`session/project.ts`); a store only carries them out.
 */
import type { ResponseId, SessionId, TenantId } from '../kernel/ids.ts';

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

export interface ResponseRow {
  readonly id: ResponseId;
  readonly session: SessionId;
  readonly status: ResponseStatus;
  /** seq of its `input.accepted`. */
  readonly fromSeq: number;
  /** seq of the event that ended it; 0 while it runs. */
  readonly toSeq: number;
  /** Context positions after it: what a fork that continues it shares. 0 while it runs, and for one that failed. */
  readonly position: number;
  /** ms since 1970: when its input was accepted. */
  readonly createdAt: number;
}

/** A stretch of context items that one event holds. Positions start at 1. */
export interface RunRow {
  readonly session: SessionId;
  readonly position: number;
  readonly count: number;
  readonly seq: number;
  /** Indices (from 0) within the run that were deleted. */
  readonly deleted: readonly number[];
}

/** A living fork of a session. */
export interface ForkRow {
  readonly child: SessionId;
  readonly to: number;
}

export type ProjectionChange =
  | { readonly type: 'response_opened'; readonly id: ResponseId; readonly fromSeq: number; readonly at: number }
  | {
      readonly type: 'response_closed';
      readonly id: ResponseId;
      readonly status: ResponseStatus;
      readonly toSeq: number;
      readonly position: number;
    }
  | { readonly type: 'response_deleted'; readonly id: ResponseId }
  /** `base`: the id body by which an `items.added` run is found; runs of turns are found through their response. */
  | {
      readonly type: 'run_added';
      readonly position: number;
      readonly count: number;
      readonly seq: number;
      readonly base: string | null;
    }
  /** Positions after `position` are given back (S3). */
  | { readonly type: 'runs_dropped'; readonly position: number }
  | { readonly type: 'item_deleted'; readonly position: number }
  | { readonly type: 'placed'; readonly seq: number; readonly at: number }
  | { readonly type: 'forked'; readonly child: SessionId; readonly to: number }
  /** Payloads and salts of events after `after` and before `before` go, `before` being the event that says so; heads and digests stay. */
  | { readonly type: 'payloads_erased'; readonly after: number; readonly before: number }
  /** Something of the session was deleted and is not erased yet, or that is done: what a sweep looks for. */
  | { readonly type: 'erasure_due' }
  | { readonly type: 'erasure_done' };

/** The session's own row, rewritten by every append: it does not grow (S2). */
export interface SessionRow {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly kind: 'responses' | 'conversation' | 'stateless' | 'agent';
  readonly seq: number;
  readonly epoch: number;
  readonly owner: string | null;
  /** Whether a turn or call is unfinished: what recovery looks for. */
  readonly open: boolean;
  readonly ended: boolean;
  /** ms since 1970; null if nothing is to wake it (L4). */
  readonly wakeAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** `SessionState` as JSON: a cache of the fold. Null for stateless calls, whose log is at most a few events. */
  readonly state: string | null;
  /** The digest of the last event: 32 bytes. */
  readonly digest: Uint8Array;
}
