import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { dayStart } from '../../money/calendar.ts';
import type { Config } from './config.ts';
import { CONFIG_BOUNDS } from './limits.ts';
import { parseConfig } from './load.ts';
import { ConfigError } from './problem.ts';

const target = (more: string): string =>
  `{id: t, vendor: openai, model: gpt, cloud: azure, region: eastus2, base_url: "http://127.0.0.1/v1"${more}}`;
const file = (targetMore: string, more = ''): string => `targets: [${target(targetMore)}]\n${more}`;
const read = (text: string): { config: Config; warnings: readonly string[] } => {
  const { config, warnings } = parseConfig(text, { file: 'f', env: {}, base: tmpdir() });
  return { config, warnings: warnings.map(({ message }) => message) };
};
const errors = (text: string): readonly string[] => {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.flatMap(({ level, path, message }) => (level === 'error' ? [`${path}: ${message}`] : []));
  }
};
const flat = (micro: number): object => ({
  input: micro,
  cached: micro,
  written: micro,
  output: micro,
  reasoning: micro,
});

test('a price book has its versions in the order of their days', () => {
  const book =
    ', price_book: [{from: 2026-07-01, input: 1.1, cache_write: 1.375, output: 9, reasoning: 8}, {input: 1.25, cached_input: 0.125, output: 10}, ' +
    '{from: 9000-01-01, input: 0.000001, output: 0}]';
  const [one] = read(file(book)).config.targets;
  expect(one?.priceBook).toEqual([
    {
      from: null,
      prices: { input: 1_250_000, cached: 125_000, written: 1_250_000, output: 10_000_000, reasoning: 10_000_000 },
    },
    {
      from: dayStart('2026-07-01'),
      prices: { input: 1_100_000, cached: 1_100_000, written: 1_375_000, output: 9_000_000, reasoning: 8_000_000 },
    },
    { from: dayStart('9000-01-01'), prices: { input: 1, cached: 1, written: 1, output: 0, reasoning: 0 } },
  ]);
  expect(read(file(', prices: {input: 2, output: 2}')).config.targets[0]?.priceBook).toEqual([
    { from: null, prices: flat(2_000_000) },
  ]);
  expect(read(file('')).config.targets[0]).toMatchObject({ priceBook: [] });
});

test('rates stand at the top, on a product or on a channel', () => {
  const more =
    'rates: [{input: 1, output: 1, product: api, channel: direct, model: gpt}]\n' +
    'products: [{id: bot, vendor: acme, kind: runtime, rates: [{from: 2026-04-01, input: 2, output: 2, channel: shop}]}]\n' +
    'channels: [{id: shop, kind: third-party, seller: shop, rates: [{input: 3, output: 3}]}]\n';
  const { rates, products } = read(file('', more)).config;
  expect(rates).toEqual([
    { from: null, prices: flat(1_000_000), product: 'api', channel: 'direct', model: 'gpt' },
    { from: dayStart('2026-04-01'), prices: flat(2_000_000), product: 'bot', channel: 'shop', model: null },
    { from: null, prices: flat(3_000_000), product: null, channel: 'shop', model: null },
  ]);
  expect(products.find(({ id }) => id === 'bot')).toEqual({ id: 'bot', vendor: 'acme', kind: 'runtime' });
});

test('caps become whole micro-dollars', () => {
  const priced = ', prices: {input: 1, output: 1}';
  const { config, warnings } = read(file(priced, 'caps: [{id: a, tenant: acme, period: month, amount_usd: 0.000001}]'));
  expect(config.caps).toEqual([
    { id: 'a', tenant: 'acme', product: null, channel: null, cloud: null, key: null, period: 'month', amount: 1n },
  ]);
  expect(warnings).toEqual([]);
  const most = CONFIG_BOUNDS.amountUsd;
  expect(read(file(priced, `caps: [{id: a, period: day, amount_usd: ${most}}]`)).config.caps[0]?.amount).toBe(
    BigInt(most) * 1_000_000n,
  );
  expect(read(file('', 'caps: [{id: a, period: day, amount_usd: 1}]')).warnings).toEqual([
    expect.stringContaining('has no prices'),
  ]);
});

test.each([
  [
    'a day that there is not',
    file(', price_book: [{from: 2026-02-30, input: 1, output: 1}]'),
    'must be a day as 2026-03-20',
  ],
  ['a seventh decimal', file(', price_book: [{input: 0.0000001, output: 1}]'), 'has more than six decimals'],
  ['two price books', file(', prices: {input: 1, output: 1}, price_book: []'), 'is given beside prices'],
  ['an unknown product of a rate', file('', 'rates: [{product: ap, input: 1, output: 1}]'), 'did you mean api?'],
  [
    'an unknown product of a cap',
    file('', 'caps: [{id: a, product: ap, period: day, amount_usd: 1}]'),
    'did you mean api?',
  ],
  [
    'an unknown channel of a product',
    file('', 'products: [{id: x, vendor: y, kind: api, rates: [{channel: dirct, input: 1, output: 1}]}]'),
    'did you mean direct?',
  ],
  [
    'two caps of one name',
    file('', 'caps: [{id: a, period: day, amount_usd: 1}, {id: a, period: day, amount_usd: 1}]'),
    'a is given twice',
  ],
  ['a cap below nothing', file('', 'caps: [{id: a, period: day, amount_usd: -1}]'), 'must be at least 0'],
  [
    'a cap too large',
    file('', `caps: [{id: a, period: day, amount_usd: ${CONFIG_BOUNDS.amountUsd + 1}}]`),
    'must be at most',
  ],
  [
    'a cap of a seventh decimal',
    file('', 'caps: [{id: a, period: day, amount_usd: 0.0000001}]'),
    'has more than six decimals',
  ],
])('%s is told', (_, text, wanted) => expect(errors(text)).toEqual([expect.stringContaining(wanted)]));

test('lists are bounded on both sides', () => {
  const many = (count: number): string => Array.from({ length: count }, () => '{input: 1, output: 1}').join(', ');
  expect(errors(file(`, price_book: [${many(CONFIG_BOUNDS.rates)}]`))).toEqual([]);
  expect(errors(file(`, price_book: [${many(CONFIG_BOUNDS.rates + 1)}]`))).toEqual([
    expect.stringContaining('at most'),
  ]);
  const caps = (count: number): string =>
    Array.from({ length: count }, (_, i) => `{id: c${i}, period: day, amount_usd: 1}`).join(', ');
  expect(errors(file('', `caps: [${caps(CONFIG_BOUNDS.caps)}]`))).toEqual([]);
  expect(errors(file('', `caps: [${caps(CONFIG_BOUNDS.caps + 1)}]`))).toEqual([expect.stringContaining('at most')]);
});
