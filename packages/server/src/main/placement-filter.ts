/** Which placements a query asks for, by what their records say: nothing is decided again. */
import type { PlacementFilters } from '@perdure/protocol';
import type { PlacementRecord } from '../engine/placements.ts';
import type { PlacementRecord as CompactRecord } from '../placement/record.ts';
import { recordedClauses, recordedOutcome } from '../placement/replay.ts';

/** Everything but the cloud, which is the snapshot's to say. */
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
const [NOTHING, MOVED, REFUSED] = [0, 1, 2] as const;

function hasOutcome(record: CompactRecord, outcome: NonNullable<PlacementFilters['outcome']>): boolean {
  // Monitor mode flags everything that enforcing would have refused: that is asked for by its own names.
  if (outcome === 'flagged')
    return (record.N ?? NOTHING) === NOTHING && record.d?.some(name => name.startsWith('~')) === true;
  if (outcome === 'would-move') return record.N === MOVED;
  if (outcome === 'would-refuse') return record.N === REFUSED;
  // Without a snapshot no contract was asked: its product was not configured.
  return (record.s === undefined ? 'refused' : recordedOutcome(record)) === outcome;
}

function spoke(record: CompactRecord, clause: string): boolean {
  const all = recordedClauses({ ...record, d: record.d?.map(name => name.replace(/^~/, '')) ?? [] });
  return all.some(name => name === clause || name.endsWith(`/${clause}`));
}
