/** The price books and rate cards of the configuration, as rating and spend caps take them. */
import type { SpendPrices } from '../../engine/spend-prices.ts';
import { type BooksAt, booksByTime, closedBooks, type ClosedMonths } from '../../money/closing.ts';
import { boundOf, type Books, priceOf, pricesAt, tokensOf } from '../../money/prices.ts';
import { costPrices, type MeteredCall } from '../../money/usage.ts';
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

/** @param closed months that are rated by their own books; absent: none */
export function spendPricesOf(books: Books, closed?: () => ClosedMonths): SpendPrices {
  return {
    bound: (target, at, reserved) => {
      const prices = pricesAt(books.costs[target] ?? [], at);
      return prices === null ? 0n : boundOf(reserved, prices);
    },
    // What ends now is billed in an open month: in its own, or as a late one.
    cost: (target, at, usage, seen) => costOf(books, { target, at, usage, seen }),
    ...(closed !== undefined && {
      logged: () => {
        const months = closed();
        return call => costOf(closedBooks(call, months) ?? books, call);
      },
    }),
  };
}

function costOf(books: Books, call: Pick<MeteredCall, 'target' | 'at' | 'usage' | 'seen'>): bigint {
  const prices = costPrices(books, call);
  return prices === null ? 0n : priceOf(tokensOf(call.usage), prices);
}
