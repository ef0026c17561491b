/** Commitments: what was promised to be spent, what has been, and what it looks to come to at the end. */
import { larger, type Micro, roundHalfUp, smaller } from './amounts.ts';
import { DAY_MS, spanOfDay } from './calendar.ts';

export interface CommitmentTerm {
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
}

export interface Spending {
  readonly at: number;
  readonly cloud: string;
  readonly cost: Micro;
}

/** Whether a cost burns the commitment down. */
export function counts(term: CommitmentTerm, spend: Spending): boolean {
  return spend.cloud === term.cloud && spend.at >= term.from && (term.to === null || spend.at < term.to);
}

export interface BurnDown {
  readonly term: CommitmentTerm;
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

/**
 * @param spends whole or partial days, in any order; of one day there may be several
 * @param asOf what is spent at it or later is left out
 */
export function burnDown(term: CommitmentTerm, spends: Iterable<Spending>, asOf: number): BurnDown {
  const byDay = new Map<number, bigint>();
  let spent = 0n;
  for (const spend of spends) {
    if (spend.at >= asOf || !counts(term, spend)) continue;
    spent += spend.cost;
    const { from } = spanOfDay(spend.at);
    byDay.set(from, (byDay.get(from) ?? 0n) + spend.cost);
  }
  const burned = smaller(larger(spent, 0n), term.amount);
  const ended = term.to !== null && asOf >= term.to;
  const straightLine = term.to === null ? null : ended ? spent : averaged(term, term.to, spent, asOf);
  const trend = term.to === null ? null : ended ? spent : trended(term, term.to, byDay, spent, asOf);
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

function averaged({ from }: CommitmentTerm, to: number, spent: Micro, asOf: number): Micro | null {
  if (asOf - from < DAY_MS) return null;
  return roundHalfUp(spent * BigInt(to - from), BigInt(asOf - from));
}

/** Least squares in exact rationals: y = a + b x through the whole days x = 0 .. n-1, summed over the days to come where it is above 0. */
function trended(
  term: CommitmentTerm,
  to: number,
  byDay: ReadonlyMap<number, bigint>,
  spent: Micro,
  asOf: number,
): Micro | null {
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
  const days = BigInt(Math.max(0, Math.round((spanOfDay(to + DAY_MS - 1).from - today) / DAY_MS)));
  const ahead = sumAbove(p, q, count, days);
  const soFarToday = byDay.get(today) ?? 0n;
  // Today is both: what it has brought already is inside what it is taken to bring.
  const forecast = spent - soFarToday + larger(roundHalfUp(ahead, count * den), soFarToday);
  return larger(forecast, spent);
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
