/** What replayed calls cost: rated as usage is, so that both say the same of the same call. */
import type { Books } from '../../money/prices.ts';
import type { CostOf } from '../../placement/replay.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { spendPricesOf } from '../money/books.ts';
import { placePrices } from '../money/target-facts.ts';

/** By the configured price books, at the prices of the call's day; a target without one by the prices that placements saw. */
export function costByBooks(books: Books): (recorded: Snapshot) => CostOf {
  const prices = spendPricesOf(books);
  return recorded => {
    const seen = new Map(
      recorded.places.flatMap(place =>
        place.kind === 'target' ? [[place.id, placePrices(place.prices)] as const] : [],
      ),
    );
    return (target, { reasoning = 0, ...usage }, at) =>
      prices.cost(target, at, { ...usage, reasoning }, seen.get(target) ?? null);
  };
}
