/** Calls as they are rated: row by row, or as sums. */
import type { UsageCursor, UsagePage, UsageWindow } from '../../engine/usage.ts';
import { type ClosedMonths, closedBooks, NONE_CLOSED } from '../../money/closing.ts';
import type { Books } from '../../money/prices.ts';
import { type Sum, sumOf } from '../../money/totals.ts';
import { type MeteredCall, rate, type UsageRow } from '../../money/usage.ts';
import type { KeptUsage } from './kept-usage.ts';

export interface Rating {
  /** Of open months. */
  readonly books: Books;
  /** Absent: no month is. The same map while none is closed or restated. @throws PerdureError closed_month_unreadable */
  readonly closed?: () => ClosedMonths;
}

export interface Metered extends Rating {
  usage(window: UsageWindow, after?: UsageCursor | null): AsyncIterable<UsagePage>;
}

/** Closed months by their own books. What is closed meanwhile counts for the next one. */
export function raterOf(
  { books, closed }: Rating,
  months: ClosedMonths = closed?.() ?? NONE_CLOSED,
): (call: MeteredCall) => UsageRow {
  return call => rate(call, closedBooks(call, months) ?? books);
}

export async function* ratedRows(
  metered: Metered,
  window: UsageWindow,
  rated: (call: MeteredCall) => UsageRow = raterOf(metered),
): AsyncGenerator<UsageRow> {
  for await (const page of metered.usage(window)) for (const call of page.calls) yield rated(call);
}

/**
 * The calls of a window in sums, each wholly on one side of every cut: those that are kept, and the rest from the log.
 * @param kept null: none are, and each call is a sum
 */
export async function* sumsOf(
  metered: Metered,
  kept: KeptUsage | null,
  window: UsageWindow,
  cuts: readonly number[] = [],
): AsyncGenerator<Sum> {
  const parts = kept === null ? null : await kept.parts(window, cuts);
  if (parts !== null) yield* parts.sums;
  const rated = raterOf(metered, parts?.months);
  for (const span of parts?.spans ?? [window])
    for await (const row of ratedRows(metered, { ...span, tenants: window.tenants }, rated)) yield sumOf(row);
}
