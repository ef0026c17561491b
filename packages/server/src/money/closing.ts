/**
 * Closed billing periods: months whose rows stand. What is metered too late for one, and what it is restated by, comes as a correction in a
 * month that is open then.
 *
 * C1  A row is rated by the books of the month that it is billed in: those of its close, or of its last restatement; of an open month, today's.
 * C2  Books and terms of a close or a restatement are never changed: what was billed in a month is the same whenever it is asked for.
 */
import { monthOf, monthSpan } from './calendar.ts';
import type { CommitmentTerm } from './commitments.ts';
import type { Books } from './prices.ts';
import type { ShareTerm } from './shares.ts';
import type { UsageRow } from './usage.ts';

export interface ClosedPeriod {
  /** `2026-03`. */
  readonly period: string;
  /** Meters written after it are too late, ms since 1970. */
  readonly cutoff: number;
}

/** Revenue in the base of each share (`contract/id`) before the month, by tenant, in micro-units. */
export type OpeningBases = { readonly [share: string]: { readonly [tenant: string]: bigint } };

/** The terms that charges of a month show. */
export interface MonthTerms {
  readonly commitments: readonly (CommitmentTerm & { readonly contract: string })[];
  readonly shares: readonly (ShareTerm & { readonly contract: string })[];
  readonly opening: OpeningBases;
}

/** What a month is rated by. */
export interface Rating {
  readonly books: Books;
  /** Null where a close kept none. */
  readonly terms: MonthTerms | null;
}

export interface Restatement extends Rating {
  /** From 1 on, without gaps. */
  readonly number: number;
  readonly id: string;
  /** The month that its corrections are billed in. */
  readonly billedIn: string;
}

export interface ClosedMonth extends ClosedPeriod, Rating {
  /** In the order in which they were made. */
  readonly restatements: readonly Restatement[];
}

export type ClosedMonths = ReadonlyMap<string, ClosedMonth>;

export const NONE_CLOSED: ClosedMonths = new Map();

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
  while (!takes(closed.get(period), row)) period = monthAfter(period);
  return { period, correction: true };
}

function takes(closed: ClosedPeriod | undefined, { meteredAt }: Pick<UsageRow, 'meteredAt'>): boolean {
  return closed === undefined || meteredAt <= closed.cutoff;
}

export function monthAfter(period: string): string {
  return monthOf(monthSpan(period)?.to ?? Number.NaN);
}

/** The first month from a time on that is not closed: where a restatement made then is billed. */
export function openMonth(at: number, closed: ReadonlyMap<string, ClosedPeriod>): string {
  let period = monthOf(at);
  while (closed.has(period)) period = monthAfter(period);
  return period;
}

/**
 * What a closed month is rated by after so many restatements.
 * A close that kept no terms goes by those of its first restatement, so that what that corrects is prices alone.
 */
export function ratingAfter(month: ClosedMonth, restatements: number): Rating {
  const { books, terms } = month.restatements[restatements - 1] ?? month;
  return { books, terms: terms ?? month.restatements[0]?.terms ?? null };
}

export function lastRating(month: ClosedMonth): Rating {
  return ratingAfter(month, month.restatements.length);
}

/**
 * The books by which a call is rated (C1). Null: it is billed in an open month, and rated by today's.
 * @param before only restatements billed before that month count
 */
export function closedBooks(
  call: Pick<UsageRow, 'at' | 'meteredAt'>,
  closed: ClosedMonths,
  before: string | null = null,
): Books | null {
  const month = closed.size === 0 ? undefined : closed.get(billedIn(call, closed).period);
  if (month === undefined) return null;
  const counting = month.restatements.filter(one => before === null || one.billedIn < before);
  return ratingAfter(month, counting.length).books;
}

/** The books of a time. */
export type BooksAt = (at: number) => Books;

/** For who knows when a call was placed, and not when it was metered: the books of its own month. */
export function booksByTime(closed: ClosedMonths, today: Books): BooksAt {
  if (closed.size === 0) return () => today;
  let span = { from: 0, to: 0 };
  let books = today;
  return at => {
    if (at >= span.from && at < span.to) return books;
    const period = monthOf(at);
    const month = closed.get(period);
    span = monthSpan(period) ?? span;
    books = month === undefined ? today : lastRating(month).books;
    return books;
  };
}
