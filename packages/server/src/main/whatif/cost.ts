/** What replayed calls cost and bring: rated as usage is, so that both say the same of the same call. */
import { type Books, priceOf, rateAt, tokensOf } from '../../money/prices.ts';
import { OWN_PURPOSES } from '../../money/usage.ts';
import type { CostOf, RevenueOf } from '../../placement/replay.ts';
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

/** By the configured rate cards. What nobody is charged for brings nothing. */
export function revenueByBooks({ rates }: Books): RevenueOf {
  return sale => {
    if (OWN_PURPOSES.has(sale.purpose)) return null;
    const fits = rates.filter(
      ({ product, channel, model }) =>
        (product === null || product === sale.product) &&
        (channel === null || channel === sale.channel) &&
        (model === null || model === sale.model),
    );
    if (fits.length === 0) return null;
    return ({ reasoning = 0, ...usage }, at) => {
      const prices = rateAt(fits, sale, at);
      return prices === null ? 0n : priceOf(tokensOf({ ...usage, reasoning }), prices);
    };
  };
}
