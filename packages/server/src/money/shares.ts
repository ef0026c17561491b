/** Shares of revenue: a percentage of a base, up to a cap, until a day. */
import { larger, type Micro, type Ratio, share, smaller } from './amounts.ts';
import { type Changing, heldSpan, holdsAt } from './held.ts';
import type { UsageRow } from './usage.ts';

export interface ShareTerm extends Changing {
  readonly id: string;
  readonly payer: string;
  readonly payee: string;
  readonly rate: Ratio;
  /** Whose models' revenue it is a share of. */
  readonly vendor: string;
  /** Null: on any cloud. */
  readonly clouds: readonly string[] | null;
  /** Null: no cap. */
  readonly cap: Micro | null;
  /** ms since 1970, inclusive; null: from the beginning. */
  readonly from: number | null;
  /** Exclusive; null: no end. */
  readonly to: number | null;
}

export type Earning = Pick<UsageRow, 'at' | 'vendor' | 'cloud' | 'revenue'>;

/** Whether the revenue is in the base: of the vendor, on the clouds, in its time, while its words hold. */
export function inBase(term: ShareTerm, { at, vendor, cloud }: Earning): boolean {
  return (
    holdsAt(term, at) &&
    vendor === term.vendor &&
    (term.clouds === null || term.clouds.includes(cloud)) &&
    at >= (term.from ?? Number.NEGATIVE_INFINITY) &&
    at < (term.to ?? Number.POSITIVE_INFINITY)
  );
}

/** What is due of so much revenue: the exact share of all of it, rounded once, half up; never above the cap, never below nothing. */
export function shareDue(term: ShareTerm, base: Micro): Micro {
  const due = larger(share(base, term.rate), 0n);
  return term.cap === null ? due : smaller(due, term.cap);
}

export interface ShareState {
  readonly term: ShareTerm;
  /** Revenue in the base. */
  readonly base: Micro;
  readonly due: Micro;
  /** Null without a cap. */
  readonly capLeft: Micro | null;
  readonly stopped: 'cap' | 'date' | null;
}

export function shareState(term: ShareTerm, earnings: Iterable<Earning>, asOf: number): ShareState {
  let base = 0n;
  for (const earning of earnings) if (earning.at < asOf && inBase(term, earning)) base += earning.revenue;
  const due = shareDue(term, base);
  const capLeft = term.cap === null ? null : term.cap - due;
  const { to } = heldSpan(term, term.from, term.to);
  const over = to !== null && asOf >= to;
  return { term, base, due, capLeft, stopped: capLeft === 0n ? 'cap' : over ? 'date' : null };
}

/** A share as it grows: each earning's part is what it adds to what is due, so that the parts sum to what is due, whatever their order. */
export class AccruingShare {
  readonly term: ShareTerm;
  #base: Micro;

  /** @param base what was earned before */
  constructor(term: ShareTerm, base: Micro = 0n) {
    this.term = term;
    this.#base = base;
  }

  add(earning: Earning): Micro {
    if (!inBase(this.term, earning)) return 0n;
    const before = shareDue(this.term, this.#base);
    this.#base += earning.revenue;
    return shareDue(this.term, this.#base) - before;
  }

  get due(): Micro {
    return shareDue(this.term, this.#base);
  }
}
