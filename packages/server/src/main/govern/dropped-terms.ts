/** Money terms that an activation ends before their time: they run, and the new set has none of the same kind and id. */
import type { DroppedTerm } from '@perdure/protocol';
import type { Contract } from '../../contract/contract.ts';
import { dayOrNull } from '../../kernel/day.ts';
import { type Events, trancheState } from '../../money/tranches.ts';
import { type Terms, termsOf, termsSource } from '../money/terms.ts';

/**
 * @param at when the new set comes into force, in the time that contracts see, ms since 1970
 * @param events that tranches wait for
 */
export function droppedTerms(
  before: readonly Contract[],
  after: readonly Contract[],
  at: number,
  events: Events,
): readonly DroppedTerm[] {
  const next = runningTerms(termsOf(after.map(termsSource)), Number.NEGATIVE_INFINITY, events);
  const kept = new Set(next.map(({ kind, id }) => `${kind} ${id}`));
  return runningTerms(termsOf(before.map(termsSource)), at, events).filter(
    ({ kind, id }) => !kept.has(`${kind} ${id}`),
  );
}

/** Those that have not ended at a time. A tranche has only where it lapsed: that it was paid is not known. */
function runningTerms({ commitments, shares, tranches }: Terms, at: number, events: Events): readonly DroppedTerm[] {
  const runs = ({ to }: { readonly to: number | null }): boolean => to === null || to > at;
  return [
    ...commitments
      .filter(runs)
      .map(({ id, contract, amount, to }) => dropped('commitment', id, contract, amount, null, to)),
    ...shares.filter(runs).map(({ id, contract, cap, rate, to }) => {
      return dropped('share', id, contract, cap, `${rate.num}/${rate.den}`, to);
    }),
    ...tranches
      .filter(term => trancheState(term, events, at).status !== 'lapsed')
      .map(({ id, contract, amount, before }) => dropped('tranche', id, contract, amount, null, before)),
  ];
}

function dropped(
  kind: DroppedTerm['kind'],
  id: string,
  contract: string,
  amount: bigint | null,
  rate: string | null,
  to: number | null,
): DroppedTerm {
  return { kind, id, contract, amount_micro_usd: amount === null ? null : String(amount), rate, to: dayOrNull(to) };
}
