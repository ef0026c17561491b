import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Burning, burnDowns } from './burning.ts';
import { CapacityUse } from './capacity.ts';
import { burnDown, type CommitmentTerm } from './commitments.ts';
import { prepaidState } from './prepaid.ts';
import { CALL, MARCH, someRows } from './rows.test-support.ts';
import { sumOf } from './totals.ts';
import { rate } from './usage.ts';
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

describe('commitments on top of one another', () => {
  const chain = (amounts: readonly bigint[]): readonly CommitmentTerm[] =>
    amounts.map((one, i) => ({
      id: `c${i}`,
      payer: 'p',
      payee: 'q',
      cloud: 'aws',
      shortfall: 'owed' as const,
      amount: one,
      from: MARCH,
      to: MARCH + (30 + 30 * i) * DAY,
      ...(i > 0 && { onTopOf: `c${i - 1}` }),
    }));
  const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 8n }), { minLength: 1, maxLength: 4 });

  it('take each cost once: the first that has room, then the next; what none has room for stands with the last', () => {
    fc.assert(
      fc.property(someRows, amounts, ({ rows }, whole) => {
        const terms = chain(whole);
        const burning = new Burning(terms);
        const burned = new Map<string, bigint>();
        for (const row of rows.toSorted((a, b) => a.at - b.at)) {
          const parts = burning.add(row);
          const open = terms.filter(({ to }) => row.cloud === 'aws' && row.at < (to ?? 0));
          const sum = parts.reduce((all, part) => all + part.burned + part.beyond, 0n);
          expect(sum).toBe(open.length === 0 ? 0n : row.cost);
          for (const part of parts) {
            const before = terms.slice(0, terms.indexOf(part.term)).filter(one => open.includes(one));
            burned.set(part.term.id, (burned.get(part.term.id) ?? 0n) + part.burned);
            // Whoever comes later gets nothing while an earlier one has room.
            for (const one of before) expect(burned.get(one.id)).toBe(one.amount);
          }
        }
        for (const { id, amount: most } of terms) expect((burned.get(id) ?? 0n) <= most).toBe(true);
        const states = burnDowns(terms, rows, Number.MAX_SAFE_INTEGER);
        expect(states.map(one => one.burned)).toEqual(terms.map(({ id }) => burned.get(id) ?? 0n));
      }),
    );
  });

  it('are forecast together: what is to come fills the first, then the next', () => {
    // $10 a day: $100 are $30 short of the first; $900 more come until the second ends, and fill it up to $870.
    const [first, second] = chain([130_000_000n, 900_000_000n]).map(term => ({ ...term, to: MARCH + 100 * DAY }));
    if (first === undefined || second === undefined) throw new Error('two');
    const spends = Array.from({ length: 10 }, (_, i) => ({ at: MARCH + i * DAY, cloud: 'aws', cost: 10_000_000n }));
    const [one, two] = burnDowns([first, second], spends, MARCH + 10 * DAY);
    expect([one?.spent, one?.straightLine, one?.shortfall.trend]).toEqual([100_000_000n, 1_000_000_000n, 0n]);
    expect([two?.spent, two?.straightLine, two?.trend]).toEqual([0n, 870_000_000n, 870_000_000n]);
    expect(two?.shortfall.trend).toBe(30_000_000n);
    // Once the first has ended with something missing, all that comes is the second's.
    const short = { ...first, amount: 10n ** 12n, to: MARCH + 20 * DAY };
    const [, rest] = burnDowns([short, second], spends, MARCH + 10 * DAY);
    expect(rest?.straightLine).toBe(800_000_000n);
  });

  it('without a chain each count the whole cost', () => {
    const [a] = chain([5n]);
    if (a === undefined) throw new Error('one');
    const parts = new Burning([a, { ...a, id: 'other' }]).add({ at: MARCH, cloud: 'aws', cost: 7n });
    expect(parts.map(({ burned, beyond }) => [burned, beyond])).toEqual([
      [5n, 2n],
      [5n, 2n],
    ]);
  });
});

describe('prepaid credits', () => {
  const term = { id: 'p', payer: 'a', to: 'b', amount: 100n, cloud: 'azure', from: MARCH, until: MARCH + 10 * DAY };
  const spend = (day: number, cost: bigint, cloud = 'azure') => ({ at: MARCH + day * DAY, cloud, cost });

  it('used and left are the amount, and all spending is used or beyond', () => {
    fc.assert(
      fc.property(someRows, amount, fc.constantFrom('azure', null), ({ rows }, whole, cloud) => {
        const open = { ...term, amount: whole, cloud, from: null, until: null };
        const state = prepaidState(open, rows, Number.POSITIVE_INFINITY);
        expect(state.used + state.left).toBe(whole);
        const spent = rows.reduce((all, row) => all + (cloud === null || row.cloud === cloud ? row.cost : 0n), 0n);
        expect(state.used + state.beyond).toBe(spent);
      }),
    );
  });

  it('are drawn from their first day to before their end', () => {
    const used = (...spends: ReturnType<typeof spend>[]) => prepaidState(term, spends, MARCH + 50 * DAY).used;
    expect([used(spend(0, 3n)), used({ ...spend(0, 3n), at: MARCH - 1 })]).toEqual([3n, 0n]);
    expect([used({ ...spend(10, 3n), at: MARCH + 10 * DAY - 1 }), used(spend(10, 3n))]).toEqual([3n, 0n]);
    expect(used(spend(1, 3n, 'aws'))).toBe(0n);
  });

  it('are used up on the day whose spending drew the last of them', () => {
    const at = (day: number, ...spends: ReturnType<typeof spend>[]) => {
      const { usedUpOn, status } = prepaidState(term, spends, MARCH + day * DAY);
      return [usedUpOn, status];
    };
    expect(at(5, spend(3, 60n), spend(1, 39n))).toEqual([null, 'running']);
    expect(at(5, spend(3, 60n), spend(1, 40n), spend(4, 9n))).toEqual(['2026-03-04', 'used_up']);
    expect(at(3, spend(3, 60n), spend(1, 40n))).toEqual([null, 'running']);
    expect([at(-1), at(0), at(9), at(10)]).toEqual([
      [null, 'waiting'],
      [null, 'running'],
      [null, 'running'],
      [null, 'ended'],
    ]);
  });
});

it('capacity: what ran on its accelerator at its cloud, from its first day to before its end, beside all that ran', () => {
  const span = { from: MARCH, to: MARCH + DAY };
  const use = new CapacityUse({
    id: 't',
    provider: 'p',
    cloud: 'aws',
    accelerator: 'trn',
    amount: 2,
    unit: 'GW',
    ...span,
  });
  const prices = { input: 1_000_000, cached: 0, written: 0, output: 0, reasoning: 0 };
  const books = { currency: 'USD', costs: { 'azure-east': [{ from: null, prices }] }, rates: [] };
  const call = { ...CALL, cloud: 'aws', accelerator: 'trn', usage: { ...CALL.usage, written: 300 } };
  for (const more of [
    { at: MARCH },
    { at: MARCH + DAY - 1 },
    { at: MARCH - 1 },
    { at: MARCH + DAY },
    { at: MARCH, cloud: 'azure' },
    { at: MARCH, accelerator: 'gpu' },
    { at: MARCH, accelerator: null },
  ])
    use.add(sumOf(rate({ ...call, ...more }, books)));
  // 500 tokens of input, 200 cached, 300 written, 40 of output and 10 of reasoning each.
  expect(use.state.ran).toEqual({ calls: 2, tokens: 2100, cost: 1000n });
  expect(use.state.all).toEqual({ calls: 5, tokens: 5250, cost: 2500n });
});
