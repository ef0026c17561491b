/** What the `/perdure/v1` routes show. Made by whoever holds contracts and targets (main); the wire only serves it. */
import type {
  CommitmentsResource,
  ListPage,
  PlacementFilters,
  PlacementResource,
  StatusResource,
  TargetResource,
  UsageCallPage,
  UsageGroup,
  UsageQuery,
  WhatIfRequest,
  WhatIfResult,
} from '@perdure/protocol';
import type { Caller } from '../../engine/caller.ts';
import type { PlacementRecord } from '../../engine/placements.ts';

export interface PlacementsView {
  /** The whole explanation of a placement, recomputed from its record and the versions that it saw. */
  explain(record: PlacementRecord): Promise<PlacementResource>;
  /** The record's decision on another supposition. */
  whatIf(
    records: readonly PlacementRecord[],
    suppose: WhatIfRequest,
  ): Promise<Omit<WhatIfResult, 'object' | 'truncated'>>;
  /** Whether a record is one of those asked for, by what it says itself. */
  matches(record: PlacementRecord, filters: PlacementFilters): Promise<boolean>;
  /**
   * What placements of a version were decided on, as text. Null: it is not kept here.
   * @param tenant whose waivers are told besides those for all; null: everybody's
   */
  document(version: string, tenant: string | null): Promise<string | null>;
  targets(): readonly TargetResource[];
  status(): Promise<Omit<StatusResource, 'placements'>>;
}

/** Usage and money. Every method checks whose usage the caller may see (L10). @throws PerdureError */
export interface UsageView {
  groups(caller: Caller, query: UsageQuery): Promise<ListPage<UsageGroup>>;
  calls(caller: Caller, query: UsageQuery): Promise<UsageCallPage>;
  /** Over all tenants: what the deployment owes. */
  commitments(caller: Caller, query: UsageQuery): Promise<CommitmentsResource>;
}
