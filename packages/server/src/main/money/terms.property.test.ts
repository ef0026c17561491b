/** Of contracts that supersede each other, each dollar falls under one term of an id at most. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Burning } from '../../money/burning.ts';
import { DAY_MS } from '../../money/calendar.ts';
import { holdsAt } from '../../money/held.ts';
import { inBase } from '../../money/shares.ts';
import { dayOf } from '../../kernel/day.ts';
import { termsAt, type TermsSource, termsOf } from './terms.ts';

const START = Date.UTC(2026, 0, 1);
const parties = { payer: 'a', payee: 'b' };
const cloud = fc.constantFrom('aws', 'azure');
const someDay = fc.integer({ min: 0, max: 40 });

/** A chain: each supersedes the one before it, and of those before that some; it has the terms or not, and begins whenever. */
const chain: fc.Arbitrary<readonly TermsSource[]> = fc
  .array(
    fc.record({
      begins: fc.option(someDay),
      ends: fc.option(someDay),
      also: fc.array(fc.nat(5), { maxLength: 2 }),
      has: fc.boolean(),
      cloud,
      first: someDay,
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map(list =>
    list.map(({ begins, ends, also, has, cloud: one, first }, i): TermsSource => {
      const share = { id: 's', ...parties, percent: 20, base: { revenue_of: 'openai', clouds: 'any' as const } };
      const spend = { id: 'c', ...parties, amount_usd: 5, from: dayOf(START + first * DAY_MS), to: null };
      const before = [i - 1, ...also.map(back => i - 1 - back)].filter(at => at >= 0 && at < i);
      return {
        id: `k${i}`,
        effective: {
          from: begins === null ? null : START + begins * DAY_MS,
          to: ends === null ? null : START + ends * DAY_MS,
        },
        supersedes: before.map(at => `k${at}`),
        money: {
          commitments: has ? [{ ...spend, counts: { cloud: one }, shortfall: 'owed' as const, on_top_of: null }] : [],
          shares: has ? [{ ...share, cap_usd: null, to: null }] : [],
          capacity: [],
          prepaid: [],
          tranches: [],
          caps: [],
        },
      };
    }),
  );

test('at any time the terms hold by the words of one contract: the last that has begun and has them', () => {
  fc.assert(
    fc.property(chain, fc.integer({ min: -2, max: 42 }), cloud, (contracts, day, on) => {
      const terms = termsOf(contracts);
      const at = START + day * DAY_MS;
      const bases = terms.shares.filter(term => inBase(term, { at, vendor: 'openai', cloud: on, revenue: 1n }));
      expect(bases.length).toBeLessThanOrEqual(1);
      expect(new Burning(terms.commitments).add({ at, cloud: on, cost: 3n }).length).toBeLessThanOrEqual(1);
      const having = contracts.filter(({ money }) => money.shares.length > 0);
      const last = having.findLast(({ effective }) => (effective.from ?? at) <= at) ?? null;
      const held = termsAt(terms, at).shares.map(({ contract }) => contract);
      if (last !== null) expect(held).toEqual([last.id]);
      else expect(held.length).toBe(having.length === 0 ? 0 : 1);
    }),
  );
});

test('what burned under earlier words and is in the time of the later ones is burned for them, and no dollar twice', () => {
  const spends = fc.array(
    fc.record({ day: fc.integer({ min: -2, max: 42 }), cloud, cost: fc.bigInt({ min: 0n, max: 3_000_000n }) }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(chain, spends, (contracts, list) => {
      const { commitments } = termsOf(contracts);
      const burning = new Burning(commitments);
      const burned = new Map<string, bigint>();
      for (const spend of list.toSorted((a, b) => a.day - b.day)) {
        const at = START + spend.day * DAY_MS;
        for (const { term, burned: part, beyond } of burning.add({ ...spend, at })) {
          expect(holdsAt(term, at)).toBe(true);
          expect(part + beyond).toBe(spend.cost);
          // Later words with a first day before this find it burned.
          for (const one of commitments)
            if ((one.held?.since ?? at) >= (term.held?.since ?? at) && one.from <= at)
              burned.set(one.contract, (burned.get(one.contract) ?? 0n) + part);
          expect((burned.get(term.contract) ?? 0n) <= term.amount).toBe(true);
        }
      }
    }),
  );
});
