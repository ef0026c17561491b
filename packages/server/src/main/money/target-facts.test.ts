/** Prices as placements keep them, and what rating makes of them. */
import { expect, it } from 'vitest';
import type { TokenPrices } from '../../money/prices.ts';
import { scorePrices } from '../config/money.ts';
import { placePrices } from './target-facts.ts';

const PRICES: TokenPrices = { input: 4, cached: 1, written: 4, output: 8, reasoning: 8 };
const kept = (prices: TokenPrices): ReturnType<typeof scorePrices> => scorePrices([{ from: null, prices }], 0);

it.each<[string, TokenPrices]>([
  ['that say nothing of their own', PRICES],
  ['of writing to the cache', { ...PRICES, written: 5 }],
  ['of reasoning', { ...PRICES, reasoning: 9 }],
  ['of both, for nothing', { ...PRICES, written: 0, reasoning: 0 }],
  ['of writing to the cache alone', { input: 0, cached: 0, written: 3, output: 0, reasoning: 0 }],
])('prices %s are rated as they were', (_, prices) => {
  const snapshot = kept(prices);
  expect(snapshot === null ? null : placePrices(snapshot)).toEqual(prices);
});

it('what says nothing of its own is not kept: the version of such a snapshot is what it always was', () => {
  expect(kept(PRICES)).toEqual({ inputPerMtok: 4, cachedInputPerMtok: 1, outputPerMtok: 8 });
});

it('zeros are no prices', () => {
  expect(placePrices({ inputPerMtok: 0, cachedInputPerMtok: 0, outputPerMtok: 0 })).toBeNull();
});
