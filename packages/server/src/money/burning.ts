/**
 * Commitments together. One may be on top of another: then a cost burns down the other until that is full, and this one with the rest, so that it
 * never burns more than itself in one chain. Commitments in no chain together each count the whole cost.
 */
import { larger, type Micro, smaller } from './amounts.ts';
import { type BurnDown, burnDown, type CommitmentTerm, counts, type Spending } from './commitments.ts';
import { holdsAt } from './held.ts';

/** What of a cost went to a commitment. */
export interface Burned<Term> {
  readonly term: Term;
  /** Of its amount. */
  readonly burned: Micro;
  /** What the whole chain had no room for: it stands with the last of it. */
  readonly beyond: Micro;
}

/** Chains of those whose words hold at a time, each from the one that fills first. */
function chainsAt<Term extends CommitmentTerm>(terms: readonly Term[], at: number): readonly (readonly Term[])[] {
  const held = terms.filter(term => holdsAt(term, at));
  const ids = new Set(held.map(({ id }) => id));
  const withAbove = (term: Term): readonly Term[] => [
    term,
    ...held.filter(({ onTopOf }) => onTopOf === term.id).flatMap(withAbove),
  ];
  return held.filter(({ onTopOf }) => onTopOf === undefined || !ids.has(onTopOf)).map(withAbove);
}

/** Those that a commitment is on top of, from the one that fills first. */
export function below<Term extends CommitmentTerm>(terms: readonly Term[], term: Term): readonly Term[] {
  const found: Term[] = [];
  const byId = new Map(terms.map(one => [one.id, one]));
  for (let id = term.onTopOf; id !== undefined; ) {
    const next = byId.get(id);
    if (next === undefined || found.includes(next)) break;
    found.unshift(next);
    id = next.onTopOf;
  }
  return found;
}

/** Commitments as they burn down: each cost is told where it goes. Words of one id follow each other; what burned by earlier ones counts on. */
export class Burning<Term extends CommitmentTerm> {
  readonly #terms: readonly Term[];
  readonly #burned = new Map<Term, Micro>();
  readonly #edges: readonly number[];
  readonly #chains = new Map<number, readonly (readonly Term[])[]>();

  /** @param terms of one id all its words */
  constructor(terms: readonly Term[]) {
    this.#terms = terms;
    const edges = terms.flatMap(({ held }) => [held?.since, held?.until]).filter(at => at !== undefined && at !== null);
    this.#edges = [...new Set(edges)].toSorted((a, b) => a - b);
  }

  /** Nothing for what counts toward none. */
  add(spend: Spending): readonly Burned<Term>[] {
    return this.#chainsOf(spend.at).flatMap(chain => this.#fill(chain, spend));
  }

  #fill(chain: readonly Term[], spend: Spending): readonly Burned<Term>[] {
    const counting = chain.filter(term => counts(term, spend));
    let rest = spend.cost;
    return counting.flatMap((term, i) => {
      const burned = smaller(rest, larger(term.amount - this.#burnedOf(term), 0n));
      rest -= burned;
      const beyond = i === counting.length - 1 ? rest : 0n;
      if (burned === 0n && beyond === 0n) return [];
      // Later words of it find this burned already.
      for (const one of this.#terms)
        if (one.id === term.id && counts(one, spend)) this.#burned.set(one, this.#burnedOf(one) + burned);
      return [{ term, burned, beyond }];
    });
  }

  #burnedOf(term: Term): Micro {
    return this.#burned.get(term) ?? 0n;
  }

  #chainsOf(at: number): readonly (readonly Term[])[] {
    const era = this.#edges.findLastIndex(edge => edge <= at);
    let chains = this.#chains.get(era);
    if (chains === undefined) this.#chains.set(era, (chains = chainsAt(this.#terms, at)));
    return chains;
  }
}

/** Burn-downs of those whose words hold, in their order. Costs burn in the order of their time. */
export function burnDowns<Term extends CommitmentTerm>(
  terms: readonly Term[],
  spends: Iterable<Spending>,
  asOf: number,
): readonly BurnDown<Term>[] {
  const burning = new Burning(terms);
  const own = new Map<string, Spending[]>();
  const counted = [...spends].filter(({ at }) => at < asOf).toSorted((a, b) => a.at - b.at);
  for (const spend of counted) {
    for (const { term, burned, beyond } of burning.add(spend)) {
      const parts = own.get(term.id) ?? [];
      parts.push({ ...spend, cost: burned + beyond });
      own.set(term.id, parts);
    }
  }
  const held = terms.filter(term => holdsAt(term, asOf));
  const done = new Map<Term, BurnDown<Term>>();
  const burn = (term: Term): BurnDown<Term> => {
    const known = done.get(term);
    if (known !== undefined) return known;
    const before = below(held, term).map(one => ({ to: one.to, remaining: burn(one).remaining }));
    const state = burnDown(term, own.get(term.id) ?? [], asOf, { all: counted, before });
    done.set(term, state);
    return state;
  };
  return held.map(burn);
}
