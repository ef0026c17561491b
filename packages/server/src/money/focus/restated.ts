/** What a restatement changes of a call: a correction for each meter, of the differences alone. What was billed first is not touched. */
import { unitText } from '../amounts.ts';
import { METERS, type MeterName } from '../prices.ts';
import type { UsageRow } from '../usage.ts';
import type { FocusRow } from './columns.ts';
import { type Applied, meterRow } from './rows.ts';

/** A call as it was rated before, or is after. */
export interface RatedSide {
  readonly row: UsageRow;
  /** What of each meter's cost burns commitments down, by `contract/id`. */
  readonly applied: ReadonlyMap<MeterName, ReadonlyMap<string, Applied>>;
  /** What the call adds to the shares of revenue. */
  readonly shared: bigint;
}

export interface Correction {
  /** Of the restatement. */
  readonly id: string;
  /** The month that it is billed in. */
  readonly billedIn: string;
  readonly currency: string;
  readonly leaf: number | null;
}

/** Empty if nothing differs. Tokens were counted with the first row: a correction has none, and no quantities. */
export function restatedRows(before: RatedSide, after: RatedSide, correction: Correction): readonly FocusRow[] {
  const { row } = after;
  let shared = after.shared - before.shared;
  return METERS.filter(meter => row.tokens[meter] > 0).flatMap(meter => {
    const cost = row.costLines[meter] - before.row.costLines[meter];
    const revenue = row.revenueLines[meter] - before.row.revenueLines[meter];
    const applied = appliedDifference(before, after, meter);
    if (cost === 0n && revenue === 0n && shared === 0n && applied.size === 0) return [];
    const made = differenceRow(after, meter, { cost, revenue, shared, applied }, correction);
    // The share is of the whole call: it stands in the first row.
    shared = 0n;
    return [made];
  });
}

interface Difference {
  readonly cost: bigint;
  readonly revenue: bigint;
  readonly shared: bigint;
  readonly applied: ReadonlyMap<string, Applied>;
}

function differenceRow(
  { row }: RatedSide,
  meter: MeterName,
  { cost, revenue, shared, applied }: Difference,
  { id, billedIn, currency, leaf }: Correction,
): FocusRow {
  const place = { period: billedIn, correction: true };
  const made = meterRow(row, meter, place, { currency, shared, applied });
  const amount = unitText(cost);
  return {
    ...made,
    BilledCost: amount,
    EffectiveCost: amount,
    ListCost: amount,
    ContractedCost: amount,
    ChargeDescription: `Restated: ${made['ChargeDescription'] ?? ''}`,
    ConsumedQuantity: null,
    ConsumedUnit: null,
    ContractedUnitPrice: null,
    ListUnitPrice: null,
    PricingCategory: null,
    PricingQuantity: null,
    PricingUnit: null,
    x_PlacementLeafIndex: leaf === null ? null : String(leaf),
    x_Restatement: id,
    x_Revenue: unitText(revenue),
    x_Tokens: '0',
  };
}

const NOTHING: ReadonlyMap<string, Applied> = new Map();

/** What commitments are burned down by more, or less. */
function appliedDifference(before: RatedSide, after: RatedSide, meter: MeterName): ReadonlyMap<string, Applied> {
  const old = before.applied.get(meter) ?? NOTHING;
  const now = after.applied.get(meter) ?? NOTHING;
  const differences = new Map<string, Applied>();
  for (const [id, { contract }] of [...old, ...now]) {
    const cost = (now.get(id)?.cost ?? 0n) - (old.get(id)?.cost ?? 0n);
    if (cost !== 0n) differences.set(id, { contract, cost });
  }
  return differences;
}
