/** What the `/perdure/v1` routes show. Made by whoever holds contracts and targets (main); the wire only serves it. */
import type {
  PlacementFilters,
  PlacementResource,
  StatusResource,
  TargetResource,
  WhatIfRequest,
  WhatIfResult,
} from '@perdure/protocol';
import type { PlacementRecord } from '../../engine/placements.ts';

export interface PlacementsView {
  /** The whole explanation of a placement, recomputed from its record and the versions that it saw. */
  explain(record: PlacementRecord): Promise<PlacementResource>;
  /** The record's decision on another supposition. */
  whatIf(
    records: readonly PlacementRecord[],
    suppose: WhatIfRequest,
  ): Promise<Pick<WhatIfResult, 'reading' | 'contracts' | 'as_of' | 'rows' | 'changed'>>;
  /** Whether a record is one of those asked for, by what it says itself. */
  matches(record: PlacementRecord, filters: PlacementFilters): Promise<boolean>;
  targets(): readonly TargetResource[];
  status(): Promise<Omit<StatusResource, 'placements'>>;
}
