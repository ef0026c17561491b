/** What a memory store holds: it outlives a handle, as a file does, so that a test can close a store and open it again. */
import type { AuditRow, ControlRecord } from '../../engine/control-records.ts';
import type { FileRow } from '../../engine/files/rows.ts';
import type { JournalRow, KeyRow, IdempotencyRow } from '../../engine/ports.ts';
import type { ResourceRow } from '../../engine/resources.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { StoredEvent } from '../../log/codec.ts';
import type { ResponseRow, RunRow, SessionRow } from '../../log/rows.ts';
import type { OutboxEvent } from '../group-outbox.ts';
import type { LeaseRow } from '../lease-book.ts';

export interface MemorySession {
  row: SessionRow;
  readonly events: StoredEvent[];
  /** The place of each event in the order of the home's commits. */
  readonly orders: number[];
  runs: (RunRow & { readonly base: string | null })[];
  readonly forks: Map<SessionId, number>;
  journal: JournalRow[];
  /** Whether it holds something deleted and not erased. */
  unerased: boolean;
}

export interface MemoryResponse {
  row: ResponseRow;
  readonly tenant: TenantId;
  deleted: boolean;
}

export interface MemoryPlacement {
  readonly tenant: TenantId;
  readonly session: SessionId;
  readonly seq: number;
  readonly at: number;
  /** Its event's place in the order of the home's commits. */
  readonly order: number;
}

export interface MemoryData {
  readonly sessions: Map<SessionId, MemorySession>;
  readonly responses: Map<string, MemoryResponse>;
  placements: MemoryPlacement[];
  outbox: OutboxEvent[];
  /** The order of the last event of the home. */
  order: number;
  readonly documents: Map<string, string>;
  readonly leases: Map<string, LeaseRow>;
  readonly keys: Map<string, KeyRow>;
  readonly slots: Map<string, IdempotencyRow>;
  readonly records: Map<string, ControlRecord>;
  readonly audit: AuditRow[];
  readonly files: Map<string, FileRow>;
  readonly resources: Map<string, ResourceRow>;
}

export function emptyMemoryData(): MemoryData {
  return {
    sessions: new Map(),
    responses: new Map(),
    placements: [],
    outbox: [],
    order: 0,
    documents: new Map(),
    leases: new Map(),
    keys: new Map(),
    slots: new Map(),
    records: new Map(),
    audit: [],
    files: new Map(),
    resources: new Map(),
  };
}
