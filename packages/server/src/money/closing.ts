/** Closed billing periods: months whose rows stand. What is metered too late for one comes as a correction in the month that is open then. */
import { monthOf, monthSpan } from './calendar.ts';
import type { UsageRow } from './usage.ts';

export interface ClosedPeriod {
  /** `2026-03`. */
  readonly period: string;
  /** Meters written after it are too late, ms since 1970. */
  readonly cutoff: number;
}

export interface BillingPlace {
  /** The month that the row is billed in. */
  readonly period: string;
  readonly correction: boolean;
}

/** Where a row is billed: in the month of its call, or if that was closed before its meter came, in the first open month after the meter. */
export function billedIn(
  row: Pick<UsageRow, 'at' | 'meteredAt'>,
  closed: ReadonlyMap<string, ClosedPeriod>,
): BillingPlace {
  const own = monthOf(row.at);
  if (takes(closed.get(own), row)) return { period: own, correction: false };
  let period = monthOf(Math.max(row.meteredAt, monthSpan(own)?.to ?? row.meteredAt));
  while (!takes(closed.get(period), row)) period = monthOf(monthSpan(period)?.to ?? Number.NaN);
  return { period, correction: true };
}

function takes(closed: ClosedPeriod | undefined, { meteredAt }: Pick<UsageRow, 'meteredAt'>): boolean {
  return closed === undefined || meteredAt <= closed.cutoff;
}
