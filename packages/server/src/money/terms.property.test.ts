import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capacityAt } from './capacity.ts';
import { burnDown, type CommitmentTerm } from './commitments.ts';
import { prepaidState } from './prepaid.ts';
import { MARCH, someRows } from './rows.test-support.ts';
import { AccruingShare, shareDue, shareState, type ShareTerm } from './shares.ts';

const DAY = 86_400_000;
const amount = fc.bigInt({ min: 1n, max: 10n ** 18n });
const someDay = fc.integer({ min: MARCH - 10 * DAY, max: MARCH + 80 * DAY });

const someShare: fc.Arbitrary<ShareTerm> = fc.record({
  id: fc.constant('s'),
  payer: fc.constant('openai'),
  payee: fc.constant('microsoft'),
  rate: fc.record({ num: fc.bigInt({ min: 0n, max: 100n }), den: fc.constantFrom(100n, 3n, 7n) }),
  vendor: fc.constantFrom('openai', 'other'),
  clouds: fc.option(fc.constantFrom(['azure'], ['aws', 'azure'])),
  cap: fc.option(fc.bigInt({ min: 0n, max: 10n ** 9n })),
  from: fc.option(someDay),
  to: fc.option(someDay),
});

describe('shares', () => {
  it('stop at the cap to the micro-unit', () => {
    fc.assert(
      fc.property(someRows, someShare, ({ rows }, term) => {
        const { due, base, capLeft } = shareState(term, rows, Number.POSITIVE_INFINITY);
        const exact = base * term.rate.num;
        if (term.cap === null) expect(2n * due * term.rate.den - 2n * exact <= term.rate.den).toBe(true);
        else {
          expect(due <= term.cap).toBe(true);
          expect(due + (capLeft ?? 0n)).toBe(term.cap);
          if (exact >= term.cap * term.rate.den) expect(due).toBe(term.cap);
        }
      }),
    );
  });

  it('stop at the date to the millisecond', () => {
    fc.assert(
      fc.property(someRows, someShare, fc.nat(100), ({ rows }, term, pick) => {
        const to = rows[pick % Math.max(1, rows.length)]?.at ?? MARCH;
        const ended = { ...term, to };
        const before = rows.filter(row => row.at < to);
        expect(shareState(ended, rows, Number.POSITIVE_INFINITY).due).toBe(
          shareState(ended, before, Number.POSITIVE_INFINITY).due,
        );
        expect(shareState(ended, rows, Number.POSITIVE_INFINITY).base).toBe(
          shareState({ ...term, to: null }, before, Number.POSITIVE_INFINITY).base,
        );
      }),
    );
  });

  it('accrue in parts that sum to what is due, in any order', () => {
    fc.assert(
      fc.property(someRows, someShare, ({ rows }, term) => {
        const parts = (list: typeof rows): bigint => {
          const share = new AccruingShare(term);
          return list.reduce((all, row) => all + share.add(row), 0n);
        };
        const { due } = shareState(term, rows, Number.POSITIVE_INFINITY);
        expect(parts(rows)).toBe(due);
        expect(parts(rows.toReversed())).toBe(due);
      }),
    );
  });

  it('of $190B at 20% up to $38B is the cap exactly, and a micro-dollar less before it', () => {
    const rate = { num: 20n, den: 100n };
    const term = { id: 's', payer: 'a', payee: 'b', rate, vendor: 'v', clouds: null, cap: 38_000_000_000_000_000n };
    const whole: ShareTerm = { ...term, from: null, to: null };
    expect(shareDue(whole, 190_000_000_000_000_000n)).toBe(38_000_000_000_000_000n);
    expect(shareDue(whole, 190_000_000_000_000_000n - 5n)).toBe(38_000_000_000_000_000n - 1n);
    expect(shareDue(whole, 500_000_000_000_000_000n)).toBe(38_000_000_000_000_000n);
  });
});

const someCommitment: fc.Arbitrary<CommitmentTerm> = fc.record({
  id: fc.constant('c'),
  payer: fc.constant('p'),
  payee: fc.constant('q'),
  amount,
  from: someDay,
  to: fc.option(someDay.map(day => day + 90 * DAY)),
  cloud: fc.constantFrom('azure', 'aws'),
  shortfall: fc.constant('owed' as const),
});

describe('commitments', () => {
  it('burn-down and remaining are the amount; a forecast is never below what is spent; nothing depends on the order', () => {
    fc.assert(
      fc.property(someRows, someCommitment, someDay, ({ rows }, term, asOf) => {
        const state = burnDown(term, rows, asOf);
        expect(state.burned + state.remaining).toBe(term.amount);
        expect(state.burned >= 0n && state.remaining >= 0n).toBe(true);
        expect(burnDown(term, rows.toReversed(), asOf)).toEqual(state);
        if (state.trend !== null) expect(state.trend >= state.spent).toBe(true);
        if (term.to === null) expect([state.straightLine, state.trend]).toEqual([null, null]);
        if (term.to !== null && asOf >= term.to) {
          expect(state.shortfall.actual).toBe(state.remaining);
          expect(state.trend).toBe(state.spent);
        }
      }),
    );
  });

  it('of a steady $1 a day come to $1 for each of their days, by both forecasts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 0, max: 400 }), (past, future) => {
        const term: CommitmentTerm = {
          id: 'c',
          payer: 'p',
          payee: 'q',
          cloud: 'aws',
          shortfall: 'owed',
          amount: 10n ** 12n,
          from: MARCH,
          to: MARCH + (past + future) * DAY,
        };
        const spends = Array.from({ length: past }, (_, day) => ({
          at: MARCH + day * DAY,
          cloud: 'aws',
          cost: 1_000_000n,
        }));
        const state = burnDown(term, spends, MARCH + past * DAY);
        expect(state.straightLine).toBe(BigInt(past + future) * 1_000_000n);
        expect(state.trend).toBe(BigInt(past + future) * 1_000_000n);
      }),
    );
  });

  it('the trend is the line summed day by day, where it is above nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 80 }),
        fc.integer({ min: 1, max: 120 }),
        (days, future) => {
          const term: CommitmentTerm = {
            id: 'c',
            payer: 'p',
            payee: 'q',
            cloud: 'aws',
            shortfall: 'owed',
            amount: 10n ** 12n,
            from: MARCH,
            to: MARCH + (days.length + future) * DAY,
          };
          const spends = days.map((cost, day) => ({ at: MARCH + day * DAY, cloud: 'aws', cost: BigInt(cost) }));
          const n = days.length;
          const meanX = (n - 1) / 2;
          const meanY = days.reduce((all, one) => all + one, 0) / n;
          const slope =
            days.reduce((all, y, x) => all + (x - meanX) * (y - meanY), 0) /
            days.reduce((all, _, x) => all + (x - meanX) ** 2, 0);
          let ahead = 0;
          for (let x = n; x < n + future; x++) ahead += Math.max(0, meanY + slope * (x - meanX));
          const spent = days.reduce((all, one) => all + one, 0);
          const { trend } = burnDown(term, spends, MARCH + n * DAY);
          expect(Math.abs(Number(trend) - (spent + ahead))).toBeLessThanOrEqual(0.51);
        },
      ),
    );
  });
});

it('prepaid: used and left are the amount, and all spending is used or beyond', () => {
  fc.assert(
    fc.property(someRows, amount, fc.constantFrom('azure', null), ({ rows }, whole, cloud) => {
      const state = prepaidState({ id: 'p', payer: 'a', to: 'b', amount: whole, cloud }, rows);
      expect(state.used + state.left).toBe(whole);
      const spent = rows.reduce((all, row) => all + (cloud === null || row.cloud === cloud ? row.cost : 0n), 0n);
      expect(state.used + state.beyond).toBe(spent);
    }),
  );
});

it('capacity holds from its first day to before its last', () => {
  const term = {
    id: 't',
    provider: 'amazon',
    accelerator: 'trainium',
    amount: 2,
    unit: 'GW',
    from: MARCH,
    to: MARCH + DAY,
  };
  expect(capacityAt([term, { ...term, id: 'u' }], MARCH)).toEqual([{ accelerator: 'trainium', unit: 'GW', amount: 4 }]);
  expect(capacityAt([term], MARCH - 1)).toEqual([]);
  expect(capacityAt([term], MARCH + DAY)).toEqual([]);
});
