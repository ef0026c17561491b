import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { roundHalfUp } from './amounts.ts';
import { METERS, priceLines, priceOf, sumLines } from './prices.ts';
import { someRows } from './rows.test-support.ts';
import { DIMENSIONS, grandTotal, plus, NOTHING, sum, totalsOf } from './totals.ts';
import { OWN_PURPOSES } from './usage.ts';

const NO_PRICES = { input: 0, cached: 0, written: 0, output: 0, reasoning: 0 };
const grouping = fc.uniqueArray(fc.constantFrom(...DIMENSIONS), { maxLength: 5 });

it('sums over any grouping come to the sum of the rows, to the micro-unit', () => {
  fc.assert(
    fc.property(someRows, grouping, grouping, ({ rows }, by, other) => {
      const all = rows.reduce((total, row) => plus(total, totalsOf(row)), NOTHING);
      expect(grandTotal(sum(rows, by))).toEqual(all);
      expect(grandTotal(sum(rows, other))).toEqual(all);
    }),
  );
});

it('a sum does not depend on the order of the rows', () => {
  fc.assert(
    fc.property(someRows, grouping, fc.infiniteStream(fc.nat()), ({ rows }, by, random) => {
      const shuffled = rows
        .map(row => ({ row, at: random.next().value }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ row }) => row);
      expect(sum(shuffled, by)).toEqual(sum(rows, by));
    }),
  );
});

it('a coarser grouping is the sum of a finer one', () => {
  fc.assert(
    fc.property(someRows, ({ rows }) => {
      for (const group of sum(rows, ['cloud'])) {
        const fine = sum(rows, ['cloud', 'product', 'day']).filter(({ key }) => key.cloud === group.key.cloud);
        expect(grandTotal(fine)).toEqual(group.totals);
      }
    }),
  );
});

it('the lines of a row sum to what it costs and brings, none is below nothing, and it is the exact price within half a micro-unit', () => {
  fc.assert(
    fc.property(someRows, ({ rows, books }) => {
      for (const row of rows) {
        const lines = Object.values(row.costLines);
        expect(lines.reduce((all, line) => all + line, 0n)).toBe(row.cost);
        expect(Object.values(row.revenueLines).reduce((all, line) => all + line, 0n)).toBe(row.revenue);
        expect(lines.every(line => line >= 0n)).toBe(true);
        if (OWN_PURPOSES.has(row.purpose)) expect(row.revenue).toBe(0n);
        if (row.target !== 'aws-east') continue;
        const prices = books.costs['aws-east']?.[0]?.prices ?? NO_PRICES;
        const exact = METERS.reduce((all, meter) => all + BigInt(row.tokens[meter]) * BigInt(prices[meter]), 0n);
        const off = row.cost * 1_000_000n - exact;
        expect(off <= 500_000n && off > -500_000n).toBe(true);
      }
    }),
  );
});

it('a price in numbers is the price in integers without bound', () => {
  const some = (max: number) => fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max }));
  const each = (max: number) =>
    fc.record({ input: some(max), cached: some(max), written: some(max), output: some(max), reasoning: some(max) });
  fc.assert(
    fc.property(each(1_000_000_000), each(100_000_000_000), (tokens, prices) => {
      const lines = priceLines(tokens, prices);
      expect(priceOf(tokens, prices)).toBe(sumLines(lines));
      let exact = 0n;
      let before = 0n;
      for (const meter of METERS) {
        exact += BigInt(tokens[meter]) * BigInt(prices[meter]);
        const upTo = roundHalfUp(exact, 1_000_000n);
        expect(lines[meter]).toBe(upTo - before);
        before = upTo;
      }
    }),
    { numRuns: 1000 },
  );
  // On both sides of what a number holds.
  for (const input of [9_007_199_254_740_990, 9_007_199_253_740_991, 9_007_199_253_740_992, 9_007_199_254_740_991]) {
    const lines = priceLines({ ...NO_PRICES, input }, { ...NO_PRICES, input: 1 });
    expect(lines.input).toBe(roundHalfUp(BigInt(input), 1_000_000n));
  }
});
