/** Commitments: what was promised to be spent, what has been, and what it looks to come to at the end. */
import { larger, type Micro, roundHalfUp, smaller } from './amounts.ts';
import { DAY_MS, spanOfDay } from './calendar.ts';
import { type Changing, wordsAt } from './held.ts';

export interface CommitmentTerm extends Changing {
  readonly id: string;
  readonly payer: string;
  readonly payee: string;
  readonly amount: Micro;
  /** ms since 1970, inclusive. */
  readonly from: number;
  /** Exclusive; null while unknown: then nothing is forecast. */
  readonly to: number | null;
  /** Spending on this cloud burns it down. */
  readonly cloud: string;
  readonly shortfall: 'owed' | 'forgiven' | 'unknown';
  /** The commitment that a cost burns down first, until it is full. Absent: none. */
  readonly onTopOf?: string;
}

export interface Spending {
  readonly at: number;
  readonly cloud: string;
  readonly cost: Micro;
}

/** Whether a cost burns the commitment down: from its first day on, by the words that held when it was spent. */
export function counts(term: CommitmentTerm, spend: Spending): boolean {
  const words = spend.at < term.from ? null : wordsAt(term, spend.at);
  return words !== null && countsBy(words, spend);
}

/** By the words of one term alone. */
function countsBy(term: CommitmentTerm, spend: Spending): boolean {
  return spend.cloud === term.cloud && spend.at >= term.from && (term.to === null || spend.at < term.to);
}

export interface BurnDown<Term extends CommitmentTerm = CommitmentTerm> {
  readonly term: Term;
  readonly asOf: number;
  /** All that was spent in its time, also beyond the amount. */
  readonly spent: Micro;
  /** Of the amount: `burned + remaining` is the amount. */
  readonly burned: Micro;
  readonly remaining: Micro;
  /** Spending at the end, if each day until then is as the average so far. Null without an end, or before the first day is over. */
  readonly straightLine: Micro | null;
  /** Spending at the end by the least-squares line through the last `TREND_DAYS` whole days; no day is taken to be below nothing. */
  readonly trend: Micro | null;
  /** Of the amount, what would then be missing; `actual` once it has ended. Null without a forecast. */
  readonly shortfall: {
    readonly straightLine: Micro | null;
    readonly trend: Micro | null;
    readonly actual: Micro | null;
  };
}

/** Whole days that the trend is drawn through, at most and at least. */
export const TREND_DAYS = 90;
export const TREND_LEAST = 2;

/** Of a commitment on top of others. */
export interface Queue {
  /** Also what went to the others. */
  readonly all: Iterable<Spending>;
  /** What is left of the others, and until when: they take what is to come first. */
  readonly before: readonly { readonly remaining: Micro; readonly to: number | null }[];
}

/**
 * @param spends whole or partial days, in any order; of one day there may be several
 * @param asOf what is spent at it or later is left out
 */
export function burnDown<Term extends CommitmentTerm>(
  term: Term,
  spends: Iterable<Spending>,
  asOf: number,
  queue: Queue | null = null,
): BurnDown<Term> {
  const { sum: spent, byDay: ownDays } = summed(term, spends, asOf);
  const { sum: all, byDay } = queue === null ? { sum: spent, byDay: ownDays } : summed(term, queue.all, asOf);
  const burned = smaller(larger(spent, 0n), term.amount);
  const { to } = term;
  const ended = to !== null && asOf >= to;
  const atEnd = (future: (until: number) => Micro | null): Micro | null => {
    if (to === null || ended) return to === null ? null : spent;
    const coming = future(to);
    return coming === null ? null : spent + coming - takenBefore(queue?.before ?? [], to, asOf, future);
  };
  const straightLine = atEnd(until => averaged(term, until, all, asOf));
  const trend = atEnd(until => trended(term, until, byDay, asOf));
  const missing = (at: Micro | null): Micro | null => (at === null ? null : larger(term.amount - at, 0n));
  return {
    term,
    asOf,
    spent,
    burned,
    remaining: term.amount - burned,
    straightLine,
    trend,
    shortfall: {
      straightLine: missing(straightLine),
      trend: missing(trend),
      actual: ended ? term.amount - burned : null,
    },
  };
}

function summed(
  term: CommitmentTerm,
  spends: Iterable<Spending>,
  asOf: number,
): { readonly sum: Micro; readonly byDay: ReadonlyMap<number, bigint> } {
  const byDay = new Map<number, bigint>();
  let sum = 0n;
  for (const spend of spends) {
    if (spend.at >= asOf || !counts(term, spend)) continue;
    sum += spend.cost;
    const { from } = spanOfDay(spend.at);
    byDay.set(from, (byDay.get(from) ?? 0n) + spend.cost);
  }
  return { sum, byDay };
}

/** What those before it take of what is to come, each until its own end. */
function takenBefore(
  before: Queue['before'],
  to: number,
  asOf: number,
  future: (until: number) => Micro | null,
): Micro {
  let taken = 0n;
  for (const one of before) {
    const until = one.to === null ? to : Math.min(one.to, to);
    if (until > asOf) taken += smaller(one.remaining, larger((future(until) ?? 0n) - taken, 0n));
  }
  return taken;
}

/** What is to come until then, if each day is as the average so far. */
function averaged({ from }: CommitmentTerm, until: number, spent: Micro, asOf: number): Micro | null {
  if (asOf - from < DAY_MS) return null;
  return roundHalfUp(spent * BigInt(until - asOf), BigInt(asOf - from));
}

/** Least squares in exact rationals: y = a + b x through the whole days x = 0 .. n-1, summed over the days to come where it is above 0. */
function trended(term: CommitmentTerm, until: number, byDay: ReadonlyMap<number, bigint>, asOf: number): Micro | null {
  const today = spanOfDay(asOf).from;
  const first = Math.max(spanOfDay(term.from + DAY_MS - 1).from, today - TREND_DAYS * DAY_MS);
  const n = Math.round((today - first) / DAY_MS);
  if (n < TREND_LEAST) return null;
  let [sumY, sumXY] = [0n, 0n];
  for (let x = 0; x < n; x++) {
    const y = byDay.get(first + x * DAY_MS) ?? 0n;
    sumY += y;
    sumXY += BigInt(x) * y;
  }
  const count = BigInt(n);
  const sumX = (count * (count - 1n)) / 2n;
  const sumXX = ((count - 1n) * count * (2n * count - 1n)) / 6n;
  const den = count * sumXX - sumX * sumX;
  // y = (p + q x) / (n den)
  const q = count * (count * sumXY - sumX * sumY);
  const p = sumY * den - sumX * (count * sumXY - sumX * sumY);
  const days = BigInt(Math.max(0, Math.round((spanOfDay(until + DAY_MS - 1).from - today) / DAY_MS)));
  const ahead = sumAbove(p, q, count, days);
  // Today is both: what it has brought already is inside what it is taken to bring.
  return larger(roundHalfUp(ahead, count * den) - (byDay.get(today) ?? 0n), 0n);
}

/** The sum of p + q x over x = from .. from + days - 1, of those terms only that are above 0. */
function sumAbove(p: bigint, q: bigint, from: bigint, days: bigint): bigint {
  if (days === 0n) return 0n;
  let [start, end] = [from, from + days - 1n];
  if (q === 0n) return p > 0n ? p * days : 0n;
  // Where the line crosses 0: the first or last x with a value above it.
  if (q < 0n) end = end < floorDiv(p - 1n, -q) ? end : floorDiv(p - 1n, -q);
  else {
    const least = floorDiv(-p, q) + 1n;
    start = start > least ? start : least;
  }
  if (end < start) return 0n;
  const terms = end - start + 1n;
  return p * terms + (q * (start + end) * terms) / 2n;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}
