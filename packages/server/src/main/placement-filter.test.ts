/** What monitor mode let through is asked for by its own names; `flagged` is what was ambiguous or waived. */
import { expect, test } from 'vitest';
import type { PlacementRecord } from '../engine/placements.ts';
import { decide } from '../placement/decide.ts';
import { CHANNELS, call, load, PLACES, PRODUCTS, shippedFiles, snapshotOf } from '../placement/fixture.test-support.ts';
import { toRecord } from '../placement/record.ts';
import { isFlaggedApart, matchesPlainly } from './placement-filter.ts';

const contracts = [load(shippedFiles('openai-2026-02'))];

/** Under which outcomes a call is found, sold by Amazon: the API is ambiguous, Frontier is clear. */
function foundAs(product: 'api' | 'frontier', place: string, enforce: boolean): readonly string[] {
  const places = PLACES.filter(({ id }) => place.split(' ').includes(id));
  const snapshot = snapshotOf(contracts, { places, enforce });
  const facts = call({ session: { product: PRODUCTS[product], channel: CHANNELS.bedrock } });
  const record = toRecord(decide(snapshot, 'infer', facts, {}), snapshot, facts, {});
  const placement = { origin: {}, chosen: record.c ?? null } as unknown as PlacementRecord;
  return (['placed', 'refused', 'flagged', 'would-refuse', 'would-move'] as const).filter(
    outcome =>
      matchesPlainly(placement, record, { outcome }) && (outcome !== 'flagged' || isFlaggedApart(record, snapshot)),
  );
}

test.each([
  ['api', 'azure', true, ['placed', 'flagged']],
  ['api', 'aws', true, ['refused', 'flagged']],
  ['frontier', 'azure', true, ['refused']],
  ['frontier', 'azure', false, ['placed', 'would-refuse']],
  ['frontier', 'aws azure', false, ['placed']],
  ['api', 'aws azure', false, ['placed', 'flagged', 'would-move']],
  ['api', 'azure', false, ['placed', 'flagged']],
] as const)('%s on %s, enforced: %s', (product, place, enforce, found) => {
  expect(foundAs(product, place, enforce)).toEqual(found);
});
