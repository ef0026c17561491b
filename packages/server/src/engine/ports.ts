/**
 * What the engine needs of the world. Defined here, by the consumer; implemented in level 4; conformance suites sit beside the
 * implementations and run on each of them. Every method is asynchronous and may hang: the engine puts a deadline on every wait.
 */
import type { OfferedTool } from '@perdure/protocol';
import type { HomeId, ResponseId, SessionId, TenantId } from '../kernel/ids.ts';
import type { LoggedItem } from '../log/events.ts';
import type { StoredEvent } from '../log/codec.ts';
import type { ForkRow, ProjectionChange, ResponseRow, RunRow, SessionRow } from '../log/rows.ts';
import type { Step } from '../log/steps.ts';
import type { AuditEntry, ControlRecords } from './control-records.ts';
import type { Resources } from './resources.ts';
import type { FileRows } from './files/rows.ts';
import type { PlacedRows, PlacementEntry, PlacementRow } from './placement-rows.ts';

export type { CustomTool, FunctionTool } from '@perdure/protocol';
export type { Clock } from '../kernel/clock.ts';
export type { Ids } from '../kernel/ids.ts';
export type { PlacementEntry, PlacementRow, StoredHead } from './placement-rows.ts';

// ---- The session log ------------------------------------------------------------------------------------------------

/** One commit to one session: all of it or nothing. */
export interface Append {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** The seq after which it goes; 0 begins the log. Another value in the store loses: `conflict`. */
  readonly expectedSeq: number;
  /** The epoch under which the writer works (0 begins the log). Another value in the store loses: `fenced` (L3). */
  readonly expectedEpoch: number;
  readonly events: readonly StoredEvent[];
  readonly changes: readonly ProjectionChange[];
  /** The session's row after the append. */
  readonly row: SessionRow;
  /** Whether the released steps of this session are folded into these events and go. */
  readonly prune: boolean;
}

export type AppendResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'conflict' | 'fenced' | 'response_exists' };

/** Steps that are about to be shown to a reader: durable first, shown after (L2). */
export interface Release {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly epoch: number;
  readonly call: number;
  /** JSON of `Step[]`. */
  readonly steps: string;
}

export interface JournalRow {
  readonly call: number;
  readonly steps: string;
}

export interface EventRange {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** Inclusive. */
  readonly from: number;
  /** Inclusive; the end of the log if absent. */
  readonly to?: number;
  /** At most this many; the port allows 1 to `MAX_EVENTS_READ`. */
  readonly limit: number;
}

export const MAX_EVENTS_READ = 1000;

export interface RunRange {
  readonly tenant: TenantId;
  readonly session: SessionId;
  /** Positions, inclusive on both ends. */
  readonly from: number;
  readonly to: number;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
}

/**
 * A home's store. Reads see every append whose promise has resolved (read-your-writes).
 *
 * What an implementation promises (each has a case in `store/conformance.ts`):
 *  - `append` resolves `ok` only after the commit is durable; one append is atomic; a losing append changes nothing, and nothing of
 *    any other session, in whatever group it was committed;
 *  - appends and releases of one session take effect in the order of the calls;
 *  - `release` resolves true only after the steps are durable; false if the epoch is not the session's;
 *  - every read names a tenant and sees only its rows (L10); what is foreign is absent;
 *  - what fails, fails with a `StoreError` and has done nothing, or is `outcome unknown` (`store_unavailable`) and the caller reads to know.
 */
export interface SessionLog extends FileRows, PlacedRows {
  readonly home: HomeId;
  append(append: Append): Promise<AppendResult>;
  release(release: Release): Promise<boolean>;
  session(tenant: TenantId, session: SessionId): Promise<SessionRow | null>;
  events(range: EventRange): Promise<readonly StoredEvent[]>;
  /** Absent if deleted, unless those are asked for too: the evidence of a response and the place of its items outlive it. */
  response(tenant: TenantId, id: ResponseId, deleted?: 'deleted-too'): Promise<ResponseRow | null>;
  runs(range: RunRange): Promise<readonly RunRow[]>;
  /** The run of an `items.added` event by its id body. */
  runByBase(tenant: TenantId, base: string): Promise<RunRow | null>;
  journal(tenant: TenantId, session: SessionId): Promise<readonly JournalRow[]>;
  /**
   * Newest or oldest first; `after` is exclusive and must be a row of the list. Beside `placementLog`, because metering needs who caused a
   * call and its own meter, by the number of the call, which are not in that list's heads; and its cursors name a placement, not a position.
   */
  placements(query: {
    tenant: TenantId;
    order: 'asc' | 'desc';
    limit: number;
    after?: { session: SessionId; seq: number };
  }): Promise<readonly PlacementRow[]>;
  /** Placements with their events. `after` is a position, exclusive; null begins at the first, or the last. */
  placementLog(query: {
    tenant: TenantId;
    order: 'asc' | 'desc';
    limit: number;
    after: number | null;
  }): Promise<readonly PlacementEntry[]>;
  /**
   * The last position before a moment, 0 if there is none: found by halving, as if time had never gone back between commits. Where it
   * did, a few placements of about that moment lie on the other side.
   */
  placementSeek(tenant: TenantId, at: number): Promise<number>;
  /**
   * Tenants that have placements, by name, in as many steps as there are tenants: asked at every start and every sum. For whoever runs the
   * deployment; no tenant's request may reach it (L10).
   */
  tenants(): Promise<readonly TenantId[]>;
  /** The same with how many placements each has, which reads them all. */
  placementTenants(): Promise<readonly { readonly tenant: TenantId; readonly placements: number }[]>;
  /** What living responses and forks of the session still need: the highest position, the highest seq at which a living response ended, the forks. */
  retained(
    tenant: TenantId,
    session: SessionId,
  ): Promise<{ readonly position: number; readonly seq: number; readonly forks: readonly ForkRow[] }>;
  /** Responses of a session by `fromSeq`, after `after` (exclusive): those that live, or those that were deleted. */
  responsesOf(query: {
    readonly tenant: TenantId;
    readonly session: SessionId;
    readonly after: number;
    readonly limit: number;
    readonly deleted: boolean;
  }): Promise<readonly ResponseRow[]>;
  /**
   * Finished responses of a tenant that were begun before a moment and not deleted, oldest first: what a lifetime ends. Turns of agents are not
   * among them: they live as long as their session.
   */
  begunBefore(query: {
    readonly tenant: TenantId;
    readonly before: number;
    readonly limit: number;
  }): Promise<readonly ResponseRow[]>;
  /** Sessions of every tenant that hold something deleted and not erased, in the order in which they began; for the retention sweep. */
  unerased(after: SessionId | null, limit: number): Promise<readonly SessionRow[]>;
  /** Sessions with an unfinished turn or call, of every tenant, in order of `session`; for recovery. */
  open(after: SessionId | null, limit: number): Promise<readonly SessionRow[]>;
  /** Sessions that hold state and have not ended, of every tenant, in order of `session`. */
  living(after: SessionId | null, limit: number): Promise<readonly SessionRow[]>;
  /** Sessions whose `wakeAt` has come, oldest first. */
  due(now: number, limit: number): Promise<readonly SessionRow[]>;
  /** A text by its digest, kept once: the versions of contracts and targets that placements cite. Idempotent. */
  putDocument(digest: string, body: string): Promise<void>;
  document(digest: string): Promise<string | null>;
  /** Says that `owner` lives for `ttlMs` more. */
  renew(owner: string, ttlMs: number): Promise<void>;
  /** ms for which `owner` must still be waited for; 0 if it is gone. */
  ownerRemaining(owner: string): Promise<number>;
  /** Reads everything and says what is wrong; empty if nothing is. */
  check(): Promise<readonly string[]>;
  /** Bytes of the store's files after folding its journal into it. */
  size(): Promise<number>;
  close(): Promise<void>;
}

/** Why a store failed. By brand, not by class: it crosses a worker's boundary. */
export interface StoreError extends Error {
  readonly storeError: 'store_full' | 'store_unavailable' | 'store_newer' | 'store_corrupt' | 'store_locked';
}

export function isStoreError(error: unknown): error is StoreError {
  return error instanceof Error && 'storeError' in error;
}

// ---- The control home -----------------------------------------------------------------------------------------------

export interface KeyRow {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the key, hex. The key itself is shown once and kept nowhere. */
  readonly hash: string;
  /** The first characters, by which people know it. */
  readonly prefix: string;
  readonly tenant: TenantId;
  readonly channel: string;
  readonly segment: string;
  readonly product: string;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  readonly revokedAt: number | null;
  /** Of a key that signs requests instead of being sent with them. Then no secret has its `hash`. */
  readonly signing?: SigningKeyRow;
}

export interface SigningKeyRow {
  /** Public: it is sent with every request. */
  readonly accessKeyId: string;
  /** The secret, sealed with a key that is not in the store. */
  readonly sealed: string;
}

export interface IdempotencySlot {
  readonly tenant: TenantId;
  readonly principal: string;
  readonly route: string;
  readonly key: string;
}

export interface IdempotencyRow {
  /** SHA-256 of the request body, hex. */
  readonly bodyDigest: string;
  /** The id reserved for what the request makes. */
  readonly id: string;
  readonly createdAt: number;
  /** For stateless calls: whether it was answered. */
  readonly done: boolean;
}

export interface ControlStore extends ControlRecords, Resources {
  keys(): Promise<readonly KeyRow[]>;
  keyByHash(hash: string): Promise<KeyRow | null>;
  /** With its audit entry, in one commit. */
  putKey(key: KeyRow, entry: AuditEntry): Promise<void>;
  /** False, and nothing done, if there is no such key or it was revoked before. */
  revokeKey(id: string, at: number, entry: AuditEntry): Promise<boolean>;
  /** Durably takes the slot, or says who has it. Rows older than `expireBefore` count as absent. */
  reserve(slot: IdempotencySlot, row: IdempotencyRow, expireBefore: number): Promise<IdempotencyRow | 'reserved'>;
  /** Marks it answered, or gives it back when nothing came of it. Nothing is done if it holds another id (any more). */
  settle(slot: IdempotencySlot, id: string, outcome: 'done' | 'release'): Promise<void>;
}

// ---- Models ---------------------------------------------------------------------------------------------------------

/** Items in their order, as kept by the session cache. An object is never changed: a provider may cache its encoding by identity. */
export interface ContextRun {
  readonly items: readonly LoggedItem[];
}

/** What shapes one call, in Open Responses terms; absent means the upstream's default. */
export interface CallSettings {
  readonly instructions?: string;
  readonly tools?: readonly OfferedTool[];
  readonly toolChoice?: unknown;
  readonly parallelToolCalls?: boolean;
  readonly text?: unknown;
  readonly reasoning?: unknown;
  readonly temperature?: number;
  readonly topP?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly topLogprobs?: number;
  /** Whether log probabilities are wanted; how many per token, `topLogprobs` says. */
  readonly logprobs?: true;
  /** Whether sealed reasoning is wanted for its own sake. It is asked for wherever reasoning is. */
  readonly sealedReasoning?: true;
  readonly maxOutputTokens?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  /** By the ids of tokens: only chat knows it. */
  readonly logitBias?: { readonly [token: string]: number };
  readonly serviceTier?: string;
  readonly promptCacheKey?: string;
  readonly promptCacheOptions?: unknown;
  readonly promptCacheRetention?: string;
  readonly safetyIdentifier?: string;
}

/** Where and how to reach a target. The key is read by the provider only, at the edge (L9). */
export interface Upstream {
  readonly target: string;
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string | null;
}

export interface ProviderCall {
  readonly upstream: Upstream;
  readonly context: readonly ContextRun[];
  readonly settings: CallSettings;
  /** Aborts the upstream request at once. */
  readonly signal: AbortSignal;
}

/**
 * A dialect. `call` resolves at the upstream's first byte of success; steps are pulled, a batch a read, so that a slow reader slows
 * the upstream (back-pressure). `answer` asks for the same without streaming, for who shows nothing before the end: one delta a part, then
 * the `end`. Failures are `ProviderError`s, thrown by `call`, by `answer`, or while iterating.
 */
export interface Provider {
  readonly dialect: string;
  call(call: ProviderCall): Promise<AsyncIterable<readonly Step[]>>;
  answer(call: ProviderCall): Promise<readonly Step[]>;
  /** Tokens that the call would count as input: a deterministic estimate, for reservations and scores. */
  estimateInput(context: readonly ContextRun[], settings: CallSettings): number;
  close(): Promise<void>;
}

/** Why an upstream call failed. `safe`: nothing of it can have had an effect, or it failed before its first byte. */
export interface ProviderError extends Error {
  readonly providerError:
    | 'upstream_error'
    | 'upstream_timeout'
    | 'upstream_interrupted'
    | 'upstream_rejected'
    | 'upstream_invalid_request'
    | 'upstream_rate_limited'
    | 'upstream_credentials'
    | 'context_length_exceeded'
    | 'aborted';
  /** Whether another target or another try may be asked. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  /** The upstream's HTTP status, if it got that far. */
  readonly status: number | null;
  /** The request field at fault, for `upstream_invalid_request`. */
  readonly param: string | null;
  readonly requestId: string | null;
  /** No byte of the request was written: the upstream can have used nothing. */
  readonly unsent?: true;
}

export function isProviderError(error: unknown): error is ProviderError {
  return error instanceof Error && 'providerError' in error;
}

// ---- The rest -------------------------------------------------------------------------------------------------------

/** Calls back when a session's `wakeAt` has come. Holds one timer for all sessions (L4). */
export interface Scheduler {
  start(onDue: (session: SessionRow) => Promise<void>): void;
  /** A session's `wakeAt` was set: look again no later than then. */
  nudge(at: number): void;
  stop(): Promise<void>;
}

/** Large immutable bytes by key. */
export interface Blobs {
  put(key: string, bytes: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array | null>;
  delete(key: string): Promise<void>;
}

/** SHA-256 of the parts, one after another: 32 bytes. */
export type Sha256 = (...parts: readonly (string | Uint8Array)[]) => Uint8Array;
