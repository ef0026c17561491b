/**
 * What crosses between the server's thread and a home's two workers. Requests and replies travel as arrays, many in one message. So does an
 * append: the names of an object's fields are cloned each time. Its bytes travel in one array of their own, because each small one would cost
 * more to clone than to carry.
 */
import type {
  Append,
  AppendResult,
  EventRange,
  IdempotencyRow,
  IdempotencySlot,
  JournalRow,
  KeyRow,
  PlacementEntry,
  PlacementRow,
  Release,
  RunRange,
  SessionLog,
} from '../../engine/ports.ts';
import type { FileContent, FileFinish, FileQuota, FileRow, FileRows, FilesQuery } from '../../engine/files/rows.ts';
import type { AuditEntry, AuditRow, ControlKind, ControlRecord } from '../../engine/control-records.ts';
import type { ResourceChange, ResourceKind, ResourceQuery, ResourceRow } from '../../engine/resources.ts';
import type { PlacedQuery } from '../../engine/placement-rows.ts';
import type { ResponseId, SessionId, TenantId } from '../../kernel/ids.ts';
import type { StoredEvent } from '../../log/codec.ts';
import type { ForkRow, ProjectionChange, ResponseRow, RunRow, SessionRow } from '../../log/rows.ts';
import type { OutboxReader, OutboxRow, Reprojection } from '../home-store.ts';
import type { LeaseRow } from '../lease-book.ts';
import type { Failure } from './sqlite-failure.ts';

/** seq, epoch, at, actor, code, version, head, payload, which of its bytes follow (`HAS_SALT`, `HAS_PAYLOAD_DIGEST`). */
export type WireEvent = readonly [number, number, number, string, number, number, string, string | null, number];
export const HAS_SALT = 1;
export const HAS_PAYLOAD_DIGEST = 2;

export type WireAppend = readonly [
  tenant: TenantId,
  session: SessionId,
  expectedSeq: number,
  expectedEpoch: number,
  changes: readonly ProjectionChange[],
  prune: boolean,
  events: readonly WireEvent[],
  kind: SessionRow['kind'],
  seq: number,
  epoch: number,
  owner: string | null,
  open: boolean,
  ended: boolean,
  wakeAt: number | null,
  createdAt: number,
  updatedAt: number,
  state: string | null,
  /** An event after the other: its digest, its payload's digest, its salt; last the digest of the row. */
  bytes: Uint8Array,
];

type Op<Args, Result> = { readonly args: Args; readonly result: Result };

/** Changes: committed in groups. */
export interface ChangeOps {
  readonly append: Op<WireAppend, AppendResult>;
  readonly release: Op<Release, boolean>;
  readonly putDocument: Op<{ readonly digest: string; readonly body: string }, null>;
  readonly renew: Op<{ readonly owner: string; readonly until: number; readonly ttlMs: number }, null>;
  readonly outboxTrim: Op<number, null>;
  readonly reproject: Op<Reprojection, boolean>;
  readonly putKey: Op<{ readonly key: KeyRow; readonly entry: AuditEntry }, null>;
  readonly revokeKey: Op<{ readonly id: string; readonly at: number; readonly entry: AuditEntry }, boolean>;
  readonly putRecord: Op<{ readonly record: ControlRecord; readonly entry: AuditEntry }, boolean>;
  readonly reserve: Op<
    { readonly slot: IdempotencySlot; readonly row: IdempotencyRow; readonly expireBefore: number },
    IdempotencyRow | 'reserved'
  >;
  readonly settle: Op<
    { readonly slot: IdempotencySlot; readonly id: string; readonly outcome: 'done' | 'release' },
    null
  >;
  readonly changeResources: Op<
    { readonly changes: readonly ResourceChange[]; readonly entry: AuditEntry | null },
    boolean
  >;
  readonly putFile: Op<FileRow, boolean>;
  readonly finishFile: Op<FileRef & { readonly content: FileContent; readonly quota: FileQuota }, FileFinish>;
  readonly doomFile: Op<FileRef, boolean>;
  readonly hideFile: Op<FileRef, boolean>;
  readonly forgetFile: Op<FileRef, null>;
}

export interface FileRef {
  readonly tenant: TenantId;
  readonly id: string;
}

/** What the writer's thread does between groups. */
export interface WriterAsides {
  readonly journal: Op<{ readonly tenant: TenantId; readonly session: SessionId }, readonly JournalRow[]>;
  readonly size: Op<null, number>;
  readonly close: Op<null, null>;
}

/** The reader's thread does them, and the writer's while there is none. */
export type HomeReads = Omit<ReaderOps, 'check' | 'close'>;

export type WriterOps = ChangeOps & WriterAsides & HomeReads;

export interface PlacementsQuery {
  readonly tenant: TenantId;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after?: { readonly session: SessionId; readonly seq: number };
}

export interface PlacementTextsQuery {
  readonly tenant: TenantId;
  readonly limit: number;
  /** A position, exclusive. */
  readonly after: number;
}

/** Placements as a replay needs them: what was decided, and how its call ended. By column: lists of texts cross threads faster than objects do. */
export interface PlacementTexts {
  readonly positions: readonly number[];
  /** ms since 1970. */
  readonly ats: readonly number[];
  readonly sessions: readonly SessionId[];
  /** Of the events that hold the placements: code, version and head. */
  readonly codes: readonly number[];
  readonly versions: readonly number[];
  readonly heads: readonly string[];
  /** Of the event that ended the call: its version, a space, its head. Null: none yet. */
  readonly ends: readonly (string | null)[];
}

export interface ReaderOps {
  readonly session: Op<{ readonly tenant: TenantId; readonly session: SessionId }, SessionRow | null>;
  readonly events: Op<EventRange, readonly StoredEvent[]>;
  readonly response: Op<
    { readonly tenant: TenantId; readonly id: ResponseId; readonly deleted: boolean },
    ResponseRow | null
  >;
  readonly runs: Op<RunRange, readonly RunRow[]>;
  readonly runByBase: Op<{ readonly tenant: TenantId; readonly base: string }, RunRow | null>;
  readonly placements: Op<PlacementsQuery, readonly PlacementRow[]>;
  readonly placed: Op<PlacedQuery, PlacementEntry | null>;
  readonly placementLog: Op<Parameters<SessionLog['placementLog']>[0], readonly PlacementEntry[]>;
  readonly placementTexts: Op<PlacementTextsQuery, PlacementTexts>;
  readonly placementSeek: Op<{ readonly tenant: TenantId; readonly at: number }, number>;
  readonly tenants: Op<null, readonly TenantId[]>;
  readonly placementTenants: Op<null, readonly { readonly tenant: TenantId; readonly placements: number }[]>;
  readonly retained: Op<
    { readonly tenant: TenantId; readonly session: SessionId },
    { readonly position: number; readonly seq: number; readonly forks: readonly ForkRow[] }
  >;
  readonly responsesOf: Op<Parameters<SessionLog['responsesOf']>[0], readonly ResponseRow[]>;
  readonly begunBefore: Op<Parameters<SessionLog['begunBefore']>[0], readonly ResponseRow[]>;
  readonly unerased: Op<{ readonly after: SessionId | null; readonly limit: number }, readonly SessionRow[]>;
  readonly open: Op<{ readonly after: SessionId | null; readonly limit: number }, readonly SessionRow[]>;
  readonly living: Op<{ readonly after: SessionId | null; readonly limit: number }, readonly SessionRow[]>;
  readonly due: Op<{ readonly now: number; readonly limit: number }, readonly SessionRow[]>;
  readonly document: Op<string, string | null>;
  readonly lease: Op<string, LeaseRow | null>;
  readonly outbox: Op<{ readonly after: number; readonly limit: number }, readonly OutboxRow[]>;
  readonly heads: Op<Parameters<OutboxReader['heads']>[0], Awaited<ReturnType<OutboxReader['heads']>>>;
  readonly keys: Op<null, readonly KeyRow[]>;
  readonly keyByHash: Op<string, KeyRow | null>;
  readonly records: Op<ControlKind, readonly ControlRecord[]>;
  readonly audit: Op<{ readonly after: number; readonly limit: number }, readonly AuditRow[]>;
  readonly auditPosition: Op<null, number>;
  readonly file: Op<FileRef, FileRow | null>;
  readonly files: Op<FilesQuery, readonly FileRow[]>;
  readonly hiddenFiles: Op<Parameters<FileRows['hiddenFiles']>[0], readonly FileRow[]>;
  readonly unsettledFiles: Op<Parameters<FileRows['unsettledFiles']>[0], readonly FileRow[]>;
  readonly resource: Op<Pick<ResourceRow, 'kind' | 'tenant' | 'id'>, ResourceRow | null>;
  readonly resources: Op<ResourceQuery, readonly ResourceRow[]>;
  readonly countResources: Op<Pick<ResourceQuery, 'kind' | 'tenant' | 'parent'>, number>;
  readonly dueResources: Op<
    { readonly kind: ResourceKind; readonly now: number; readonly limit: number },
    readonly ResourceRow[]
  >;
  readonly check: Op<null, readonly string[]>;
  readonly close: Op<null, null>;
}

type Named<O> = { readonly [K in keyof O]: O[K] extends Op<infer A, infer R> ? Op<A, R> : never };
export type ArgsOf<O, K extends keyof O> = Named<O>[K]['args'];
export type ResultOf<O, K extends keyof O> = Named<O>[K]['result'];

export type Request = readonly [id: number, op: string, args: unknown];
export type Reply =
  | readonly [id: number, ok: true, value: unknown]
  | readonly [id: number, ok: false, failure: Failure];

/** What carries out the operations: one function each. */
export type Handlers<O> = { readonly [K in keyof O]: (args: ArgsOf<O, K>) => ResultOf<O, K> };

/** How a worker is told where to work. */
export interface WorkerSetup {
  readonly path: string;
  readonly home: string;
  readonly now: number;
  /** `PRAGMA synchronous`: OFF only so that the crash tests can show that they notice. */
  readonly synchronous: 'FULL' | 'OFF';
  /** Pages that the file may have; unlimited if null. */
  readonly maxPages: number | null;
  /** What the write-ahead log may hold while the home is busy; 32 MiB if it is not given. */
  readonly logBytes?: number;
}

/** What a worker is started with. */
export interface WorkerStart {
  readonly setup: WorkerSetup;
  /** See `Inbox`. */
  readonly posts: Int32Array<SharedArrayBuffer>;
}

export const DIGEST_BYTES = 32;
const SALT_BYTES = 16;

export function packAppend(append: Append): WireAppend {
  let length = DIGEST_BYTES;
  for (const { salt, payloadDigest } of append.events) {
    length += DIGEST_BYTES + (payloadDigest === null ? 0 : DIGEST_BYTES) + (salt === null ? 0 : SALT_BYTES);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  const put = (part: Uint8Array | null): number => {
    if (part === null) return 0;
    bytes.set(part, at);
    at += part.length;
    return 1;
  };
  const events = append.events.map((event): WireEvent => {
    const { seq, epoch, at: time, actor, code, version, head, payload } = event;
    put(event.digest);
    const flags = put(event.payloadDigest) * HAS_PAYLOAD_DIGEST + put(event.salt) * HAS_SALT;
    return [seq, epoch, time, actor, code, version, head, payload, flags];
  });
  const { tenant, session, expectedSeq, expectedEpoch, changes, prune, row } = append;
  const { kind, seq, epoch, owner, open, ended, wakeAt, createdAt, updatedAt, state } = row;
  put(row.digest);
  return [
    tenant,
    session,
    expectedSeq,
    expectedEpoch,
    changes,
    prune,
    events,
    kind,
    seq,
    epoch,
    owner,
    open,
    ended,
    wakeAt,
    createdAt,
    updatedAt,
    state,
    bytes,
  ];
}

/** An append on the worker's side: the bytes of its events are still packed. */
export interface UnpackedAppend extends Omit<Append, 'events'> {
  readonly events: readonly WireEvent[];
  readonly bytes: ByteReader;
}

export function unpackAppend(wire: WireAppend): UnpackedAppend {
  const [tenant, session, expectedSeq, expectedEpoch, changes, prune, events, kind, seq, epoch, ...rest] = wire;
  const [owner, open, ended, wakeAt, createdAt, updatedAt, state, bytes] = rest;
  const digest = bytes.subarray(bytes.length - DIGEST_BYTES);
  const row = { tenant, session, kind, seq, epoch, owner, open, ended, wakeAt, createdAt, updatedAt, state, digest };
  return { tenant, session, expectedSeq, expectedEpoch, changes, prune, events, row, bytes: new ByteReader(bytes) };
}

/** Characters of content in an append, roughly. */
export function charsOf([, , , , , , events]: WireAppend): number {
  let chars = 0;
  for (const [, , , , , , head, payload] of events) chars += head.length + (payload?.length ?? 0);
  return chars;
}

/** Reads the packed bytes back, in the order in which they were packed. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  digest(): Uint8Array {
    return this.#take(DIGEST_BYTES);
  }

  salt(): Uint8Array {
    return this.#take(SALT_BYTES);
  }

  #take(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
