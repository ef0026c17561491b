/**
 * Sums that are kept day by day, so that a window costs its days and not its calls.
 *
 * K1  What a window comes to is the same as from its rows. A day that a moment cuts, so that calls of it lie on both sides, is not taken from the sums.
 * K2  Memory is bounded: where the sums are too many the oldest days go, and are read anew whenever somebody asks for them.
 */
import { spanOfDay, type Span } from './calendar.ts';
import { type Dimension, type Facts, plus, type Sum, sumOf, type Totals, valueIn } from './totals.ts';
import type { UsageRow } from './usage.ts';

/** Sums that one set of days keeps; each is about a kilobyte at most. */
export const SUMS_MOST = 20_000;

interface Day {
  /** The first and the last call, ms since 1970. */
  first: number;
  last: number;
  readonly sums: Map<string, { readonly facts: Facts; totals: Totals }>;
}

/** A window in two parts that lie beside each other. */
export interface Parts {
  readonly sums: readonly Sum[];
  /** What must be read. */
  readonly spans: readonly Span[];
}

export class DaySums {
  readonly #by: readonly Dimension[];
  readonly #most: number;
  readonly #days = new Map<number, Day>();
  #from: number;
  #size = 0;

  /**
   * @param by what sums are told apart by, beside the day: nothing else may be asked of them
   * @param from days before this one's are not kept, ms since 1970
   */
  constructor(by: readonly Dimension[], from: number, most: number = SUMS_MOST) {
    this.#by = by;
    this.#from = spanOfDay(from).from;
    this.#most = most;
  }

  /** Days from this one on are kept, ms since 1970: later than what was asked for, if the oldest ones went. */
  get from(): number {
    return this.#from;
  }

  get size(): number {
    return this.#size;
  }

  add(row: UsageRow): void {
    const { from } = spanOfDay(row.at);
    if (from < this.#from) return;
    const { facts, totals } = sumOf(row);
    const id = JSON.stringify(this.#by.map(dimension => valueIn(row, dimension)));
    let day = this.#days.get(from);
    const known = day?.sums.get(id);
    if (known === undefined) {
      while (this.#size >= this.#most && from >= this.#from) this.#dropOldest(from);
      if (from < this.#from) return;
      day = this.#days.get(from);
      if (day === undefined) this.#days.set(from, (day = { first: row.at, last: row.at, sums: new Map() }));
      day.sums.set(id, { facts: told(facts), totals });
      this.#size += 1;
    } else known.totals = plus(known.totals, totals);
    if (day === undefined) return;
    day.first = Math.min(day.first, row.at);
    day.last = Math.max(day.last, row.at);
  }

  /** @param adding the day that makes it too many: it may be the one that goes */
  #dropOldest(adding: number): void {
    const oldest = [...this.#days.keys()].reduce((a, b) => Math.min(a, b), adding);
    this.#size -= this.#days.get(oldest)?.sums.size ?? 0;
    this.#days.delete(oldest);
    this.#from = spanOfDay(oldest).to;
  }

  /** @param cuts moments on whose sides calls count differently, besides the window's own */
  parts({ from, to }: Span, cuts: readonly number[] = []): Parts {
    const sums: Sum[] = [];
    const spans: Span[] = [];
    if (from < Math.min(to, this.#from)) spans.push({ from, to: Math.min(to, this.#from) });
    const moments = [from, to, ...cuts];
    for (const [at, { first, last, sums: kept }] of this.#days) {
      if (last < from || first >= to) continue;
      if (!moments.some(moment => first < moment && moment <= last))
        for (const sum of kept.values()) sums.push({ ...sum });
      else spans.push({ from: Math.max(from, at), to: Math.min(to, spanOfDay(at).to) });
    }
    return { sums, spans };
  }
}

/** Of a row only that: it holds much more. */
function told(facts: Facts): Facts {
  const { at, clauses, contracts, tenant, key, product, channel, seller, segment } = facts;
  const { target, cloud, region, accelerator, vendor, model, purpose, outcome, metered } = facts;
  const place = { target, cloud, region, accelerator, vendor, model };
  return {
    at,
    clauses,
    contracts,
    tenant,
    key,
    product,
    channel,
    seller,
    segment,
    ...place,
    purpose,
    outcome,
    metered,
  };
}
