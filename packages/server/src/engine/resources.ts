/**
 * What tenants configure and the control home keeps: agents, vaults, environments, schedules. Unlike `control-records.ts` there are many of
 * them, each is a tenant's own, and they are listed page by page.
 *
 * R1  Every read names a tenant and a kind and sees only that tenant's rows of that kind (L10).
 * R2  A row is changed or removed by who saw its last version; of two who change it at once, one is told no.
 * R3  The changes of one call, and their audit entry, are one commit: all of them or none.
 * R4  Rows are listed in the order of their ids, which sort by time.
 */
import type { TenantId } from '../kernel/ids.ts';
import type { AuditEntry } from './control-records.ts';

/** Append only: a store keeps the index of the name. */
export const RESOURCE_KINDS = [
  'agent',
  'agent_version',
  'vault',
  'credential',
  'environment',
  'environment_template',
  'artifact',
  'automation',
  'invocation',
  'webhook',
  'webhook_delivery',
  'worker',
  'approval',
  'agent_session',
  'subagent',
  'approval_waiting',
  'cursor',
  'webhook_delivered',
  'session_vault',
] as const;
export type ResourceKind = (typeof RESOURCE_KINDS)[number];

/** Kinds whose bodies hold nothing that anybody wrote: what such a row said before may stay in a store's files for a while. */
export const BARE_KINDS: ReadonlySet<ResourceKind> = new Set<ResourceKind>(['cursor']);

/** Characters of a resource's body: 8 Mi, what an agent with the longest tools and instructions takes. */
export const MAX_RESOURCE_CHARS: number = 8 * 1024 * 1024;
/** Changes of one call: a vault goes with all its credentials. */
export const MAX_RESOURCE_CHANGES = 128;

export interface ResourceRow {
  readonly kind: ResourceKind;
  readonly tenant: TenantId;
  /** No two resources share one, whatever their kinds and tenants. It sorts by time. */
  readonly id: string;
  /** The resource or session that it belongs to, by which it is listed; null if to none. It is fixed. */
  readonly parent: string | null;
  /** 1 for a new one, one more with each change. */
  readonly version: number;
  /** ms since 1970. It is fixed. */
  readonly createdAt: number;
  /** When it must be looked at without anyone asking, ms since 1970; null: never (L4: a column, not a timer). */
  readonly wakeAt: number | null;
  /** JSON, at most `MAX_RESOURCE_CHARS`. */
  readonly body: string;
}

export type ResourceChange =
  | { readonly op: 'put'; readonly row: ResourceRow }
  /** `version`: the one that is removed. Its bytes go from the store's files as those of a deleted item do. */
  | {
      readonly op: 'remove';
      readonly kind: ResourceKind;
      readonly tenant: TenantId;
      readonly id: string;
      readonly version: number;
    };

export interface ResourceQuery {
  readonly kind: ResourceKind;
  readonly tenant: TenantId;
  /** Only those of this parent; all if absent. */
  readonly parent?: string;
  readonly order: 'asc' | 'desc';
  /** 1 to 1000. */
  readonly limit: number;
  /** An id, exclusive; it need not be there (any more). */
  readonly after: string | null;
}

export interface Resources {
  resource(kind: ResourceKind, tenant: TenantId, id: string): Promise<ResourceRow | null>;
  resources(query: ResourceQuery): Promise<readonly ResourceRow[]>;
  /** How many a tenant has of a kind, of one parent or of all. */
  countResources(query: Pick<ResourceQuery, 'kind' | 'tenant' | 'parent'>): Promise<number>;
  /** Of every tenant, those whose `wakeAt` has come, the longest due first. For the scheduler; no tenant's request may reach it. */
  dueResources(kind: ResourceKind, now: number, limit: number): Promise<readonly ResourceRow[]>;
  /** Durably makes the changes. False, and nothing done, unless each version follows the one in the store (R2, R3). */
  changeResources(changes: readonly ResourceChange[], entry: AuditEntry | null): Promise<boolean>;
}
