/**
 * What is billed, month by month: the charges of an export, and what a close or a restatement keeps of them.
 *
 * Rows come from the log as often as they are needed, never all at once: memory grows with months, shares and tenants.
 */
import { Burning } from '../../money/burning.ts';
import { monthOf, monthSpan } from '../../money/calendar.ts';
import {
  billedIn,
  type ClosedMonth,
  type ClosedMonths,
  type MonthTerms,
  type OpeningBases,
  ratingAfter,
  type Restatement,
} from '../../money/closing.ts';
import type { FocusRow } from '../../money/focus/columns.ts';
import { restatedRows } from '../../money/focus/restated.ts';
import { appliedCosts, costAndUsage, type FocusTerms } from '../../money/focus/rows.ts';
import { METERS } from '../../money/prices.ts';
import { AccruingShare, inBase } from '../../money/shares.ts';
import { rate, type UsageRow } from '../../money/usage.ts';
import { CURRENCY } from './books.ts';
import type { Terms } from './terms.ts';

export interface ChargeSource {
  /** Whose calls these are; null: everybody's. */
  readonly tenant: string | null;
  /** Rated as usage is: of closed months by their last books. @param from inclusive @param to exclusive, both ms since 1970 */
  rows(from: number, to: number): AsyncIterable<UsageRow>;
}

/** Terms that hold today. */
export type TodayTerms = Pick<Terms, 'commitments' | 'shares'>;

/** `all`: restated months count as they are now. `as-billed`: what restatements changed counts in the month that it was billed in. */
type Restated = 'all' | 'as-billed';

/** Months, both inclusive. */
export interface Months {
  readonly first: string;
  readonly last: string;
}

/** What a closed month was rated by before and after its last restatement, or one that is to be made. */
export interface Sides {
  readonly before: { readonly books: ClosedMonth['books']; readonly terms: MonthTerms };
  readonly after: { readonly books: ClosedMonth['books']; readonly terms: MonthTerms };
}

/** @param leafOf the number of a placement's leaf in its home's ledger */
export async function* chargesOf(
  source: ChargeSource,
  closed: ClosedMonths,
  today: TodayTerms,
  { first, last }: Months,
  leafOf: (placement: string) => Promise<number | null>,
): AsyncGenerator<FocusRow> {
  // Read where a month needs it: those that are closed keep their own.
  const openings = once(() => openingsOf(source, closed, today.shares, startOf(last), 'as-billed'));
  const keptTerms = (period: string): MonthTerms | null => {
    const month = closed.get(period);
    return month === undefined ? null : ratingAfter(month, 0).terms;
  };
  const burned = once(() =>
    burnedBefore(
      source,
      closed,
      periodsOf(first, last).map(period => ({
        period,
        commitments: (keptTerms(period) ?? today).commitments,
      })),
    ),
  );
  const terms = new Map<string, FocusTerms>();
  const termsOfMonth = async (period: string): Promise<FocusTerms> => {
    const known = terms.get(period);
    if (known !== undefined) return known;
    const made = keptTerms(period) ?? { ...today, opening: (await openings())(period) };
    const commitments = (await burned()).get(period) ?? new Burning(made.commitments);
    const focus = { currency: CURRENCY, commitments, shares: sharesOf(made, source.tenant) };
    terms.set(period, focus);
    return focus;
  };
  // Late ones are of closed months.
  const start = Math.min(startOf(first), ...[...closed.keys()].map(startOf));
  for await (const row of source.rows(start, endOf(last))) {
    const billed = billedIn(row, closed);
    if (billed.period < first || billed.period > last) continue;
    const month = closed.get(billed.period);
    const rated = month === undefined ? row : rate(row, month.books);
    yield* costAndUsage(rated, billed, await termsOfMonth(billed.period), await leafOf(row.id));
  }
  for (const month of closed.values()) {
    for (const restatement of month.restatements) {
      if (restatement.billedIn < first || restatement.billedIn > last) continue;
      const sides = sidesOf(month, restatement);
      if (sides !== null) yield* correctionsOf(source, closed, month, sides, restatement, leafOf);
    }
  }
}

function sidesOf(month: ClosedMonth, { number }: Restatement): Sides | null {
  const [before, after] = [ratingAfter(month, number - 1), ratingAfter(month, number)];
  // A restatement keeps its terms, and what kept none before it goes by those.
  if (before.terms === null || after.terms === null) return null;
  return { before: { ...before, terms: before.terms }, after: { ...after, terms: after.terms } };
}

/** The differences that a restatement makes, call by call. */
export async function* correctionsOf(
  source: ChargeSource,
  closed: ClosedMonths,
  { period }: ClosedMonth,
  { before, after }: Sides,
  restatement: Pick<Restatement, 'id' | 'billedIn'>,
  leafOf: (placement: string) => Promise<number | null>,
): AsyncGenerator<FocusRow> {
  const shares = { before: sharesOf(before.terms, source.tenant), after: sharesOf(after.terms, source.tenant) };
  const burning = {
    before: await burnedAt(source, closed, period, before.terms.commitments),
    after: await burnedAt(source, closed, period, after.terms.commitments),
  };
  const side = (row: UsageRow, name: 'before' | 'after') => {
    const rated = rate(row, { before, after }[name].books);
    const shared = shares[name].reduce((all, share) => all + share.add(rated), 0n);
    const meters = METERS.filter(meter => rated.tokens[meter] > 0);
    const applied = new Map(meters.map(meter => [meter, appliedCosts(rated, meter, burning[name])] as const));
    return { row: rated, applied, shared };
  };
  for await (const row of billedRows(source, closed, period)) {
    const made = restatedRows(side(row, 'before'), side(row, 'after'), {
      ...restatement,
      currency: CURRENCY,
      leaf: null,
    });
    if (made.length === 0) continue;
    const leaf = await leafOf(row.id);
    for (const one of made) yield { ...one, x_PlacementLeafIndex: leaf === null ? null : String(leaf) };
  }
}

type Commitments = MonthTerms['commitments'];
interface MonthCommitments {
  readonly period: string;
  readonly commitments: Commitments;
}

/** The commitments of months as each stands where its month begins: what was billed before has burned them down. One look at what was. */
async function burnedBefore(
  source: ChargeSource,
  closed: ClosedMonths,
  months: readonly MonthCommitments[],
): Promise<ReadonlyMap<string, Burning<Commitments[number]>>> {
  const made = new Map(months.map(({ period, commitments }) => [period, new Burning(commitments)] as const));
  const asked = months.filter(({ commitments }) => commitments.length > 0).map(({ period }) => period);
  const last = asked.at(-1);
  if (last === undefined) return made;
  for await (const row of source.rows(0, startOf(last))) {
    const { period } = billedIn(row, closed);
    for (const one of asked) if (period < one) made.get(one)?.add(row);
  }
  return made;
}

async function burnedAt(
  source: ChargeSource,
  closed: ClosedMonths,
  period: string,
  commitments: Commitments,
): Promise<Burning<Commitments[number]>> {
  return (await burnedBefore(source, closed, [{ period, commitments }])).get(period) ?? new Burning(commitments);
}

/** The rows of a closed month as they were billed in it: those of its calls in time, and late ones of months before. */
async function* billedRows(source: ChargeSource, closed: ClosedMonths, period: string): AsyncGenerator<UsageRow> {
  const start = Math.min(startOf(period), ...[...closed.keys()].map(startOf));
  for await (const row of source.rows(start, endOf(period))) if (billedIn(row, closed).period === period) yield row;
}

function sharesOf({ shares, opening }: MonthTerms, tenant: string | null): readonly AccruingShare[] {
  return shares.map(term => {
    const bases = Object.entries(opening[shareKey(term)] ?? {});
    const own = bases.filter(([one]) => tenant === null || one === tenant);
    return new AccruingShare(
      term,
      own.reduce((all, [, base]) => all + base, 0n),
    );
  });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}

function shareKey({ contract, id }: { readonly contract: string; readonly id: string }): string {
  return `${contract}/${id}`;
}

/** What was earned in the base of each share before a month. A share's cap and its rounding know what was billed before. */
export async function openingsOf(
  source: ChargeSource,
  closed: ClosedMonths,
  shares: TodayTerms['shares'],
  until: number,
  restated: Restated,
): Promise<(period: string) => OpeningBases> {
  const earned: { readonly period: string; readonly share: string; readonly tenant: string; revenue: bigint }[] = [];
  const index = new Map<string, (typeof earned)[number]>();
  const earn = (period: string, share: string, tenant: string, revenue: bigint): void => {
    const key = JSON.stringify([period, share, tenant]);
    const known = index.get(key) ?? { period, share, tenant, revenue: 0n };
    if (!index.has(key)) {
      index.set(key, known);
      earned.push(known);
    }
    known.revenue += revenue;
  };
  if (shares.length > 0) {
    for await (const row of source.rows(0, until)) {
      for (const { period, revenue } of revenuesOf(row, closed, restated)) {
        for (const term of shares)
          if (inBase(term, { ...row, revenue })) earn(period, shareKey(term), row.tenant, revenue);
      }
    }
  }
  return before => {
    const opening: { [share: string]: { [tenant: string]: bigint } } = {};
    for (const { period, share, tenant, revenue } of earned) {
      if (period >= before) continue;
      const bases = (opening[share] ??= {});
      bases[tenant] = (bases[tenant] ?? 0n) + revenue;
    }
    return opening;
  };
}

/** What a call brought, by the months in which it was billed. */
function revenuesOf(
  row: UsageRow,
  closed: ClosedMonths,
  restated: Restated,
): readonly { readonly period: string; readonly revenue: bigint }[] {
  const { period } = billedIn(row, closed);
  const month = closed.get(period);
  // It comes rated by the last books.
  if (month === undefined || restated === 'all') return [{ period, revenue: row.revenue }];
  let last = rate(row, month.books).revenue;
  const first = { period, revenue: last };
  return [
    first,
    ...month.restatements.map(one => {
      const now = rate(row, one.books).revenue;
      const difference = { period: one.billedIn, revenue: now - last };
      last = now;
      return difference;
    }),
  ];
}

/** Whole months: from that of `from` to that before `to`. */
export function monthsOf(from: number, to: number): Months {
  return { first: monthOf(from), last: monthOf(Math.max(from, to - 1)) };
}

/** Months in their order, both inclusive. */
function periodsOf(first: string, last: string): readonly string[] {
  const all: string[] = [];
  for (let period = first; period <= last; period = monthOf(endOf(period))) all.push(period);
  return all;
}

function startOf(period: string): number {
  return monthSpan(period)?.from ?? Number.NaN;
}

function endOf(period: string): number {
  return monthSpan(period)?.to ?? Number.NaN;
}
