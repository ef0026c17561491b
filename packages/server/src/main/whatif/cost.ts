/** What replayed calls cost and bring: rated as usage is, so that both say the same of the same call. */
import type { BooksAt } from '../../money/closing.ts';
import { type Books, priceOf, type RateCard, rateAt, tokensOf } from '../../money/prices.ts';
import { costPrices, OWN_PURPOSES } from '../../money/usage.ts';
import type { CostOf, RevenueOf } from '../../placement/replay.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import { placePrices } from '../money/target-facts.ts';

/** The same books whenever a call was, or those of its month. */
export type BooksGiven = Books | BooksAt;

export function booksGiven(books: BooksGiven): BooksAt {
  return typeof books === 'function' ? books : () => books;
}

/** By the price books of the call's day, at its prices; a target without one by the prices that placements saw. */
export function costByBooks(books: BooksGiven): (recorded: Snapshot) => CostOf {
  const booksAt = booksGiven(books);
  return recorded => {
    const seen = new Map(
      recorded.places.flatMap(place =>
        place.kind === 'target' ? [[place.id, placePrices(place.prices)] as const] : [],
      ),
    );
    return (target, { reasoning = 0, ...usage }, at) => {
      const prices = costPrices(booksAt(at), { target, at, seen: seen.get(target) ?? null });
      return prices === null ? 0n : priceOf(tokensOf({ ...usage, reasoning }), prices);
    };
  };
}

/** By the rate cards of the call's day. What nobody is charged for brings nothing. */
export function revenueByBooks(books: BooksGiven): RevenueOf {
  const booksAt = booksGiven(books);
  return sale => {
    if (OWN_PURPOSES.has(sale.purpose)) return null;
    const fitting = new Map<RateCard, RateCard>();
    const fits = (rates: RateCard): RateCard => {
      let found = fitting.get(rates);
      if (found === undefined) {
        found = rates.filter(
          ({ product, channel, model }) =>
            (product === null || product === sale.product) &&
            (channel === null || channel === sale.channel) &&
            (model === null || model === sale.model),
        );
        fitting.set(rates, found);
      }
      return found;
    };
    if (typeof books !== 'function' && fits(books.rates).length === 0) return null;
    return ({ reasoning = 0, ...usage }, at) => {
      const prices = rateAt(fits(booksAt(at).rates), sale, at);
      return prices === null ? 0n : priceOf(tokensOf({ ...usage, reasoning }), prices);
    };
  };
}
