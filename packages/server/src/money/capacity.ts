/** Capacity terms: so much of an accelerator, in a time. They bind no call, and how much of one is used is not measured: a report says what ran on it. */
import { type Changing, heldSpan } from './held.ts';
import { METERS } from './prices.ts';
import type { Sum } from './totals.ts';

export interface CapacityTerm extends Changing {
  readonly id: string;
  readonly provider: string;
  /** Where its accelerators are. */
  readonly cloud: string;
  readonly accelerator: string;
  readonly amount: number;
  readonly unit: string;
  /** ms since 1970, inclusive. */
  readonly from: number;
  /** Exclusive; null: no end. */
  readonly to: number | null;
}

/** Calls, their tokens of all kinds, and what they cost. */
export interface Ran {
  readonly calls: number;
  readonly tokens: number;
  readonly cost: bigint;
}

export interface CapacityState<Term extends CapacityTerm = CapacityTerm> {
  readonly term: Term;
  /** On its accelerator, at its cloud, in its time. */
  readonly ran: Ran;
  /** Anywhere, in its time. */
  readonly all: Ran;
}

/** Sums what runs in the time of a term. */
export class CapacityUse<Term extends CapacityTerm> {
  readonly #term: Term;
  readonly #span: ReturnType<typeof heldSpan>;
  #ran: Ran = { calls: 0, tokens: 0, cost: 0n };
  #all: Ran = this.#ran;

  constructor(term: Term) {
    this.#term = term;
    this.#span = heldSpan(term, term.from, term.to);
  }

  add({ facts, totals }: Sum): void {
    const { from, to } = this.#span;
    if ((from !== null && facts.at < from) || (to !== null && facts.at >= to)) return;
    this.#all = plus(this.#all, totals);
    const { cloud, accelerator } = this.#term;
    if (facts.cloud === cloud && facts.accelerator === accelerator) this.#ran = plus(this.#ran, totals);
  }

  get state(): CapacityState<Term> {
    return { term: this.#term, ran: this.#ran, all: this.#all };
  }
}

function plus(sum: Ran, { calls, tokens, cost }: Sum['totals']): Ran {
  const all = METERS.reduce((counted, meter) => counted + tokens[meter], 0);
  return { calls: sum.calls + calls, tokens: sum.tokens + all, cost: sum.cost + cost };
}
