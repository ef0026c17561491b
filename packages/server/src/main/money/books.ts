/** The price books and rate cards of the configuration, as rating and spend caps take them. */
import type { SpendPrices } from '../../engine/spend.ts';
import { type BooksAt, booksByTime } from '../../money/closing.ts';
import { boundOf, type Books, priceOf, pricesAt, tokensOf } from '../../money/prices.ts';
import { costPrices } from '../../money/usage.ts';
import type { Config } from '../config/config.ts';
import { closedMonths } from './closes.ts';

export const CURRENCY = 'USD';

export function booksOf({ targets, rates }: Pick<Config, 'targets' | 'rates'>): Books {
  const priced = targets.filter(({ priceBook }) => priceBook.length > 0);
  return { currency: CURRENCY, costs: Object.fromEntries(priced.map(({ id, priceBook }) => [id, priceBook])), rates };
}

/** Those of closed months as they were closed or last restated. @throws PerdureError closed_month_unreadable */
export function booksOfMonths(config: Pick<Config, 'data' | 'targets' | 'rates'>): BooksAt {
  return booksByTime(closedMonths(config.data), booksOf(config));
}

export function spendPricesOf(books: Books): SpendPrices {
  return {
    bound: (target, at, reserved) => {
      const prices = pricesAt(books.costs[target] ?? [], at);
      return prices === null ? 0n : boundOf(reserved, prices);
    },
    cost: (target, at, usage, seen) => {
      const prices = costPrices(books, { target, at, seen });
      return prices === null ? 0n : priceOf(tokensOf(usage), prices);
    },
  };
}
