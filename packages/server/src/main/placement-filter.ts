/** Which placements a query asks for, by what their records say: nothing is decided again. */
import type { PlacementFilters } from '@perdure/protocol';
import type { PlacementRecord } from '../engine/placements.ts';
import { type PlacementRecord as CompactRecord, recompute } from '../placement/record.ts';
import type { Snapshot } from '../placement/snapshot.ts';
import { recordedClauses, recordedOutcome } from '../placement/replay.ts';

/** Everything but the cloud, and why a clause was flagged in monitor mode: those are the snapshot's to say. */
export function matchesPlainly(placement: PlacementRecord, record: CompactRecord, filters: PlacementFilters): boolean {
  const { product, channel, target, clause, outcome, action, purpose } = filters;
  const { origin } = placement;
  if (product !== undefined && origin.product !== product) return false;
  if (channel !== undefined && origin.channel !== channel) return false;
  if (target !== undefined && placement.chosen !== target) return false;
  if (action !== undefined && placement.action !== action) return false;
  if (purpose !== undefined && placement.purpose !== purpose) return false;
  if (clause !== undefined && !spoke(record, clause)) return false;
  return outcome === undefined || hasOutcome(record, outcome);
}

/** As `RECORD_KEYS` has them. */
const [MOVED, REFUSED] = [1, 2] as const;

function hasOutcome(record: CompactRecord, outcome: NonNullable<PlacementFilters['outcome']>): boolean {
  if (outcome === 'flagged') return record.d?.some(name => name.startsWith('~')) === true;
  if (outcome === 'would-move') return record.N === MOVED;
  if (outcome === 'would-refuse') return record.N === REFUSED;
  // Without a snapshot no contract was asked: its product was not configured.
  return (record.s === undefined ? 'refused' : recordedOutcome(record)) === outcome;
}

function spoke(record: CompactRecord, clause: string): boolean {
  const all = recordedClauses({ ...record, d: record.d?.map(name => name.replace(/^~/, '')) ?? [] });
  return all.some(name => name === clause || name.endsWith(`/${clause}`));
}

/** Monitor mode flags everything that enforcing would have refused: what was ambiguous or waived is told from it by deciding again. */
export function isFlaggedApart(record: CompactRecord, snapshot: Snapshot): boolean {
  return record.N === undefined || recompute(record, snapshot).flagged.some(({ why }) => why !== 'monitor');
}
