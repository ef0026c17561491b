/**
 * Sums of usage that a running server keeps: what has ended since the last question is rated and added, and no call is rated twice. They are those of
 * the log to the micro-dollar, and are made anew from it when what calls are rated by changes: a month was closed, or restated.
 */
import { TooManyOpen, type UsageFollower } from '../../engine/usage-follower.ts';
import type { UsageWindow } from '../../engine/usage.ts';
import { type ClosedMonths, NONE_CLOSED } from '../../money/closing.ts';
import { DaySums, type Parts, SUMS_MOST } from '../../money/day-sums.ts';
import { spanOfDay } from '../../money/calendar.ts';
import { type Dimension, DIMENSIONS } from '../../money/totals.ts';
import { type Rating, raterOf } from './rated.ts';

/** What tells sums apart that any grouping can be made of. */
export const BY_ALL: readonly Dimension[] = DIMENSIONS.filter(one => one !== 'day' && one !== 'month');
/** What money terms ask of calls. They are over all tenants. */
export const BY_TERMS: readonly Dimension[] = ['vendor', 'cloud', 'accelerator'];

interface Kept {
  /** What was asked for; the sums may begin later. */
  readonly from: number;
  readonly months: ClosedMonths;
  readonly sums: DaySums;
  readonly follower: Pick<UsageFollower, 'next'>;
}

/** With the months that the sums were rated by: what is read must be, too. */
export interface KeptParts extends Parts {
  readonly months: ClosedMonths;
}

export class KeptUsage {
  readonly #by: readonly Dimension[];
  readonly #follow: (from: number) => Pick<UsageFollower, 'next'>;
  readonly #rating: Rating;
  readonly #most: number;
  #kept: Kept | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @param by without `tenant` only all tenants together may be asked for */
  constructor(
    by: readonly Dimension[],
    follow: (from: number) => Pick<UsageFollower, 'next'>,
    rating: Rating,
    most: number = SUMS_MOST,
  ) {
    this.#by = by;
    this.#follow = follow;
    this.#rating = rating;
    this.#most = most;
  }

  /** The window as sums, and what of it must be read from the log. One look at the log at a time. @throws StoreError */
  parts(window: UsageWindow, cuts: readonly number[] = []): Promise<KeptParts> {
    const look = (): Promise<KeptParts> => this.#look(window, cuts);
    const parts = this.#last.then(look, look);
    this.#last = parts;
    return parts;
  }

  async #look(window: UsageWindow, cuts: readonly number[]): Promise<KeptParts> {
    const kept = this.#keptFor(window.from);
    const { months } = kept;
    const rated = raterOf(this.#rating, months);
    try {
      for await (const calls of kept.follower.next(window.tenants))
        for (const call of calls) kept.sums.add(rated(call));
    } catch (error) {
      // A part may be in the sums: they are no more what the log holds.
      this.#kept = null;
      if (error instanceof TooManyOpen) return { sums: [], spans: [window], months };
      throw error;
    }
    const { sums, spans } = kept.sums.parts(window, cuts);
    if (!this.#by.includes('tenant')) return { sums, spans, months };
    const tenants: ReadonlySet<string> = new Set(window.tenants);
    return { sums: sums.filter(({ facts }) => tenants.has(facts.tenant)), spans, months };
  }

  #keptFor(asked: number): Kept {
    const months = this.#rating.closed?.() ?? NONE_CLOSED;
    const known = this.#kept;
    // Days that went for want of room would go again.
    const reaches = known !== null && (asked >= known.from || known.sums.from > known.from);
    if (known !== null && reaches && known.months === months) return known;
    const from = Math.max(0, spanOfDay(Math.min(asked, known?.from ?? asked)).from);
    this.#kept = { from, months, sums: new DaySums(this.#by, from, this.#most), follower: this.#follow(from) };
    return this.#kept;
  }
}
