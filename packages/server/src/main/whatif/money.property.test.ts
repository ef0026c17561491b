/** Money terms on both sides of a what-if come to what the terms themselves say of the same days; and groupings lose nothing. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { percent, units } from '../../money/amounts.ts';
import { DAY_MS } from '../../money/calendar.ts';
import { burnDown } from '../../money/commitments.ts';
import { shareState } from '../../money/shares.ts';
import type { Day } from '../../placement/tally.ts';
import type { Terms } from '../money/terms.ts';
import { commitmentsOf, sharesOf } from './money.ts';

const CLOUDS = ['aws', 'azure', 'gcp'];
const micro = fc.bigInt({ min: 0n, max: 10n ** 15n });
const days: fc.Arbitrary<readonly Day[]> = fc.array(
  fc.record({
    day: fc.integer({ min: 0, max: 30 }),
    cloud: fc.constantFrom(...CLOUDS),
    vendor: fc.constantFrom('openai', 'anthropic'),
    wasCost: micro,
    wouldCost: micro,
    wasRevenue: micro,
    wouldRevenue: micro,
  }),
  { maxLength: 60 },
);
const span = fc.tuple(fc.integer({ min: 0, max: 31 }), fc.option(fc.integer({ min: 0, max: 31 })));
const IN_CONTRACT = { contract: 'c', contractFrom: null, contractTo: null, payer: 'a', payee: 'b' };
const NO_TERMS: Terms = { commitments: [], shares: [], tranches: [], prepaid: [], capacity: [] };

const commitment = fc.tuple(span, fc.constantFrom(...CLOUDS)).map(([[from, to], cloud]) => ({
  ...IN_CONTRACT,
  id: 'k',
  amount: units(1_000_000),
  cloud,
  shortfall: 'owed' as const,
  from: from * DAY_MS,
  to: to === null ? null : to * DAY_MS,
}));
const sharing = fc
  .tuple(span, fc.option(fc.subarray(CLOUDS)), fc.integer({ min: 0, max: 100 }), fc.option(micro))
  .map(([[from, to], clouds, rate, cap]) => ({
    ...IN_CONTRACT,
    id: 's',
    rate: percent(rate),
    vendor: 'openai',
    clouds,
    cap,
    from: from * DAY_MS,
    to: to === null ? null : to * DAY_MS,
  }));
const END = 1000 * DAY_MS;

test('a commitment counts what its own burn-down counts, a share what its own state does', () => {
  fc.assert(
    fc.property(days, commitment, commitment, sharing, sharing, (list, before, after, share, other) => {
      const terms = {
        recorded: { ...NO_TERMS, commitments: [before], shares: [share] },
        supposed: { ...NO_TERMS, commitments: [after], shares: [other] },
      };
      const spends = (cost: (day: Day) => bigint) =>
        list.map(day => ({ at: day.day * DAY_MS, cloud: day.cloud, cost: cost(day) }));
      const [was, would] = [
        burnDown(
          before,
          spends(day => day.wasCost),
          END,
        ).spent,
        burnDown(
          after,
          spends(day => day.wouldCost),
          END,
        ).spent,
      ];
      expect(commitmentsOf(terms, list)).toMatchObject([
        {
          recorded_micro_usd: String(was),
          supposed_micro_usd: String(would),
          difference_micro_usd: String(would - was),
        },
      ]);
      const earnings = (revenue: (day: Day) => bigint) =>
        list.map(day => ({ at: day.day * DAY_MS, cloud: day.cloud, vendor: day.vendor, revenue: revenue(day) }));
      const [first, second] = [
        shareState(
          share,
          earnings(day => day.wasRevenue),
          END,
        ),
        shareState(
          other,
          earnings(day => day.wouldRevenue),
          END,
        ),
      ];
      expect(sharesOf(terms, list)).toMatchObject([
        {
          recorded: { base_micro_usd: String(first.base), due_micro_usd: String(first.due) },
          supposed: { base_micro_usd: String(second.base), due_micro_usd: String(second.due) },
          due_difference_micro_usd: String(second.due - first.due),
        },
      ]);
    }),
  );
});

test('commitments on every cloud, without dates, are together all that was spent', () => {
  fc.assert(
    fc.property(days, list => {
      const commitments = CLOUDS.map(cloud => ({
        ...IN_CONTRACT,
        id: cloud,
        cloud,
        amount: units(1),
        shortfall: 'owed' as const,
        from: 0,
        to: null,
      }));
      const terms = { ...NO_TERMS, commitments };
      const figures = commitmentsOf({ recorded: terms, supposed: terms }, list);
      const total = (of: (one: (typeof figures)[number]) => string | null): bigint =>
        figures.reduce((sum, one) => sum + BigInt(of(one) ?? 0), 0n);
      expect(total(one => one.recorded_micro_usd)).toBe(list.reduce((sum, day) => sum + day.wasCost, 0n));
      expect(total(one => one.supposed_micro_usd)).toBe(list.reduce((sum, day) => sum + day.wouldCost, 0n));
    }),
  );
});

test('a term of one side alone is nothing on the other', () => {
  const term = {
    ...IN_CONTRACT,
    id: 'k',
    amount: units(5),
    cloud: 'aws',
    shortfall: 'owed' as const,
    from: 0,
    to: null,
  };
  const day = { day: 1, cloud: 'aws', vendor: 'openai', wasCost: 3n, wouldCost: 4n, wasRevenue: 0n, wouldRevenue: 0n };
  const figures = commitmentsOf({ recorded: { ...NO_TERMS, commitments: [term] }, supposed: NO_TERMS }, [day]);
  expect(figures).toMatchObject([{ recorded_micro_usd: '3', supposed_micro_usd: null, difference_micro_usd: '-3' }]);
});
