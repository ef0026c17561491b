/** Price books, rate cards and caps, from the file's form. */
import { dayStart } from '../../money/calendar.ts';
import type { CapTerm } from '../../money/caps.ts';
import {
  type DatedPrices,
  type PriceBook,
  pricesAt,
  type Rate,
  type RateCard,
  type TokenPrices,
} from '../../money/prices.ts';
import type { Prices } from '../../placement/facts.ts';
import type { FileConfig, FileDatedPrices, FilePrices, FileRate, FileTarget } from './file-form.ts';

const MICRO = 1_000_000;

/** The schema admits no more than six decimals, so that this rounds away the binary fraction only. */
export function microUsd(usd: number): number {
  return Math.round(usd * MICRO);
}

function tokenPrices(prices: FilePrices): TokenPrices {
  const { input, cached_input: cached, cache_write: written, output, reasoning } = prices;
  return {
    input: microUsd(input),
    cached: microUsd(cached ?? input),
    written: microUsd(written ?? input),
    output: microUsd(output),
    reasoning: microUsd(reasoning ?? output),
  };
}

function dated(prices: FileDatedPrices): DatedPrices {
  return { from: typeof prices.from === 'string' ? dayStart(prices.from) : null, prices: tokenPrices(prices) };
}

/** In the order of their days; those that hold always come first. */
export function priceBookOf({ prices, price_book: book }: Pick<FileTarget, 'prices' | 'price_book'>): PriceBook {
  if (prices !== null && prices !== undefined) return [dated(prices)];
  return (book ?? []).map(dated).toSorted((a, b) => (a.from ?? -Infinity) - (b.from ?? -Infinity) || 0);
}

/** What placement compares by, and what rates a call once no price book names its target any more. */
export function scorePrices(book: PriceBook, at: number): Prices | null {
  const prices = pricesAt(book, at);
  if (prices === null) return null;
  return {
    inputPerMtok: prices.input,
    cachedInputPerMtok: prices.cached,
    outputPerMtok: prices.output,
    // Left out where they say nothing: the version of such a snapshot is what it always was.
    ...(prices.written !== prices.input && { cacheWritePerMtok: prices.written }),
    ...(prices.reasoning !== prices.output && { reasoningPerMtok: prices.reasoning }),
  };
}

export function rateCardOf({ rates, products, channels }: FileConfig): RateCard {
  return [
    ...(rates ?? []).map(rate => rateOf(rate, {})),
    ...(products ?? []).flatMap(({ id, rates: own }) => (own ?? []).map(rate => rateOf(rate, { product: id }))),
    ...(channels ?? []).flatMap(({ id, rates: own }) => (own ?? []).map(rate => rateOf(rate, { channel: id }))),
  ];
}

function rateOf(rate: FileRate, of: { readonly product?: string; readonly channel?: string }): Rate {
  const { product, channel, model } = rate;
  return {
    ...dated(rate),
    product: of.product ?? product ?? null,
    channel: of.channel ?? channel ?? null,
    model: model ?? null,
  };
}

export function capsOf({ caps }: FileConfig): readonly CapTerm[] {
  return (caps ?? []).map(({ id, tenant, product, key, period, amount_usd: usd }) => ({
    id,
    tenant: tenant ?? null,
    product: product ?? null,
    channel: null,
    cloud: null,
    key: key ?? null,
    period,
    amount: BigInt(microUsd(usd)),
  }));
}
