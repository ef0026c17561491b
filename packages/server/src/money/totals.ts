/** Sums over any grouping. A sum holds counts and integers only, so that any order and any grouping come to the same. */
import { dayOf, monthOf } from './calendar.ts';
import type { MeterName } from './prices.ts';
import type { UsageRow } from './usage.ts';

export const DIMENSIONS = [
  'tenant',
  'key',
  'product',
  'channel',
  'seller',
  'segment',
  'target',
  'cloud',
  'region',
  'accelerator',
  'vendor',
  'model',
  'purpose',
  'clause',
  'contract',
  'outcome',
  'metered',
  'day',
  'month',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Groups that one sum may have. */
export const GROUPS_MOST = 10_000;

export interface Totals {
  readonly calls: number;
  /** Of them metered at their bound. */
  readonly bound: number;
  /** Of them without a known price. */
  readonly unpriced: number;
  readonly tokens: { readonly [meter in MeterName]: number };
  readonly cost: bigint;
  readonly revenue: bigint;
}

export interface Group {
  readonly key: { readonly [dimension in Dimension]?: string };
  readonly totals: Totals;
}

/** What tells calls apart that are summed. */
export type Facts = Pick<UsageRow, Exclude<Dimension, 'clause' | 'contract' | 'day' | 'month'>> &
  Pick<UsageRow, 'at' | 'clauses' | 'contracts'>;

/** Calls that are alike, and what they come to together. */
export interface Sum {
  /** Of one of them. */
  readonly facts: Facts;
  readonly totals: Totals;
}

export const NOTHING: Totals = {
  calls: 0,
  bound: 0,
  unpriced: 0,
  tokens: { input: 0, cached: 0, written: 0, output: 0, reasoning: 0 },
  cost: 0n,
  revenue: 0n,
};

export function plus(a: Totals, b: Totals): Totals {
  const tokens = (meter: MeterName): number => a.tokens[meter] + b.tokens[meter];
  return {
    calls: a.calls + b.calls,
    bound: a.bound + b.bound,
    unpriced: a.unpriced + b.unpriced,
    tokens: {
      input: tokens('input'),
      cached: tokens('cached'),
      written: tokens('written'),
      output: tokens('output'),
      reasoning: tokens('reasoning'),
    },
    cost: a.cost + b.cost,
    revenue: a.revenue + b.revenue,
  };
}

export function totalsOf(row: UsageRow): Totals {
  return {
    calls: 1,
    bound: row.metered === 'bound' ? 1 : 0,
    unpriced: row.priced ? 0 : 1,
    tokens: row.tokens,
    cost: row.cost,
    revenue: row.revenue,
  };
}

/** What a row is in a dimension. Of several clauses or contracts it is all of them together, so that a call is in one group only. */
export function valueIn(row: Facts, dimension: Dimension): string {
  switch (dimension) {
    case 'day':
      return dayOf(row.at);
    case 'month':
      return monthOf(row.at);
    case 'clause':
      return row.clauses.toSorted().join(' ') || '-';
    case 'contract':
      return row.contracts.toSorted().join(' ') || '-';
    case 'accelerator':
      return row.accelerator ?? '-';
    default:
      return row[dimension];
  }
}

/** A grouping has more than `GROUPS_MOST` groups. */
export class TooManyGroups extends Error {
  override readonly name = 'TooManyGroups';
}

/** A row as a sum of its own. */
export function sumOf(row: UsageRow): Sum {
  return { facts: row, totals: totalsOf(row) };
}

/** A running sum. Its memory grows with the groups, never with the rows. */
export class Summing {
  readonly #by: readonly Dimension[];
  readonly #groups = new Map<string, { readonly values: readonly string[]; totals: Totals }>();

  constructor(by: readonly Dimension[]) {
    this.#by = by;
  }

  /** @throws TooManyGroups */
  add({ facts, totals }: Sum): void {
    const values = this.#by.map(dimension => valueIn(facts, dimension));
    const id = JSON.stringify(values);
    const group = this.#groups.get(id);
    if (group !== undefined) group.totals = plus(group.totals, totals);
    else if (this.#groups.size >= GROUPS_MOST) throw new TooManyGroups(`there are more than ${GROUPS_MOST} groups`);
    else this.#groups.set(id, { values, totals });
  }

  /** In the order of their values. */
  groups(): readonly Group[] {
    return [...this.#groups.values()]
      .toSorted((a, b) => compare(a.values, b.values))
      .map(({ values, totals }) => ({
        key: Object.fromEntries(this.#by.map((dimension, i) => [dimension, values[i] ?? '-'])),
        totals,
      }));
  }
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? '';
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

export function sum(rows: Iterable<UsageRow>, by: readonly Dimension[]): readonly Group[] {
  const summing = new Summing(by);
  for (const row of rows) summing.add(sumOf(row));
  return summing.groups();
}

export function grandTotal(groups: readonly Group[]): Totals {
  return groups.reduce((all, { totals }) => plus(all, totals), NOTHING);
}
