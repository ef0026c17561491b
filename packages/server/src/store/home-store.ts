/** What every store of a home offers beyond the engine's ports: its outbox, and the proof that its projections derive from its log. */
import type { ControlStore, SessionLog } from '../engine/ports.ts';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import type { ProjectionChange, SessionRow } from '../log/rows.ts';

/** A stretch of events that one session got in one go. */
export interface OutboxRow {
  /** Grows with every row, in the order of the commits; what `after` and `upTo` take. Positions may be skipped. */
  readonly position: number;
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly fromSeq: number;
  /** Inclusive. */
  readonly toSeq: number;
}

/** An event's envelope, as it is stored, with its place in the order of the home's commits. */
export interface HeadRow {
  readonly position: number;
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** Of the session. */
  readonly kind: SessionRow['kind'];
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly code: number;
  readonly version: number;
  readonly head: string;
}

/** What ledger, metering and indexing follow: every event of the home, in the order of its commits, at least once. */
export interface OutboxReader {
  /** Rows after `after` (exclusive; 0 for the beginning), oldest first, of at most `limit` events together. */
  outbox(after: number, limit: number): Promise<readonly OutboxRow[]>;
  /** Rows up to `upTo`, inclusive, are done with and are not shown again. It never goes back. */
  outboxTrim(upTo: number): Promise<void>;
  /**
   * Events of some kinds (by their stored numbers) after a position, oldest first, at most `limit`, whether or not they were trimmed. `to`: all
   * up to there were looked at, which is what the next `after` is. For who follows few of many events: no payload is read. Of every
   * tenant; no tenant's request may reach it.
   */
  heads(query: {
    readonly codes: readonly number[];
    readonly after: number;
    readonly limit: number;
  }): Promise<{ readonly rows: readonly HeadRow[]; readonly to: number }>;
}

export interface Reprojection {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** What the whole log says, from its first event. */
  readonly changes: readonly ProjectionChange[];
  readonly row: SessionRow;
}

export interface Rebuildable {
  /**
   * Drops all projections of a session and makes them anew. Payloads are no projection: `payloads_erased` is skipped.
   * False, and nothing done, if the session is not the tenant's or its log does not end at `row.seq`.
   */
  reproject(from: Reprojection): Promise<boolean>;
}

/** A home's store with all that it can do. Any home can be the control home. */
export type HomeStore = SessionLog & OutboxReader & Rebuildable & ControlStore;
