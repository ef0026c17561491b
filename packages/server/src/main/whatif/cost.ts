/** What replayed calls cost: rated as usage is, so that both say the same of the same call. */
import type { Books } from '../../money/prices.ts';
import type { CostOf } from '../../placement/replay.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { spendPricesOf } from '../money/books.ts';

/** By the configured price books, at the prices of the call's day; a target without one by the prices that placements saw. */
export function costByBooks(books: Books): (recorded: Snapshot) => CostOf {
  const prices = spendPricesOf(books);
  return recorded => {
    const seen = new Map(
      recorded.places.flatMap(place => {
        if (place.kind !== 'target') return [];
        const { inputPerMtok: input, cachedInputPerMtok: cached, outputPerMtok: output } = place.prices;
        return [[place.id, { input, cached, output, reasoning: output }] as const];
      }),
    );
    return (target, { reasoning = 0, ...usage }, at) =>
      prices.cost(target, at, { ...usage, reasoning }, seen.get(target) ?? null);
  };
}
