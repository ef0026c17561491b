/** Shadow prices, solved by HiGHS: against what can be computed by hand, and what must hold of any program. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommitmentTerm } from '../../money/commitments.ts';
import { DAY_MS } from '../../money/calendar.ts';
import { type ShadowInput, shadowPrices, shadowProgram, type ShadowResult, TIE_PPM } from '../../money/shadow.ts';
import { simulate } from './simulation.test-support.ts';
import { solve } from './solve.ts';
import { solveInThread } from './thread.ts';

const NOW = Date.UTC(2026, 2, 1);
const DOLLAR = 1_000_000;
const TARGETS = [
  { id: 'a', cloud: 'azure', callsADay: null },
  { id: 'b', cloud: 'aws', callsADay: null },
];

function commitment(remaining: number, more: Partial<CommitmentTerm> = {}): ShadowInput['commitments'][number] {
  const term: CommitmentTerm = {
    id: 'c',
    payer: 'us',
    payee: 'them',
    amount: BigInt(remaining),
    from: NOW - DAY_MS,
    to: NOW + 100 * DAY_MS,
    cloud: 'aws',
    shortfall: 'owed',
    ...more,
  };
  return { key: `own/${term.id}`, term, remaining: BigInt(remaining) };
}

/** Ten dollars a day on azure, twelve on aws. */
const DEMAND = { calls: 1000, daily: { a: 10 * DOLLAR, b: 12 * DOLLAR } };

async function priced(input: Partial<ShadowInput>): Promise<ShadowResult> {
  const all: ShadowInput = { classes: [DEMAND], targets: TARGETS, commitments: [], now: NOW, ...input };
  const program = shadowProgram(all);
  return program === null ? { commitments: [], targets: {} } : shadowPrices(all, await solve(program));
}

describe('a commitment', () => {
  it('that half of the calls can meet is worth what the calls cost more there', async () => {
    const found = await priced({ commitments: [commitment(600 * DOLLAR)] });
    // $12 there in place of $10: a sixth of what is spent there is the difference.
    expect(found.commitments).toMatchObject([{ key: 'own/c', ppm: 166_667, shortfall: 0 }]);
    expect(found.targets).toEqual({ b: 166_667 + TIE_PPM });
  });

  it('that cannot be met is worth a dollar for each dollar', async () => {
    const found = await priced({ commitments: [commitment(2000 * DOLLAR)] });
    expect(found.commitments).toMatchObject([{ ppm: 1_000_000, shortfall: 800 * DOLLAR }]);
    expect(found.targets).toEqual({ b: 1_000_000 });
  });

  it.each([
    ['is met', commitment(0)],
    ['has ended', commitment(600 * DOLLAR, { to: NOW })],
    ['has no end', commitment(600 * DOLLAR, { to: null })],
    ['is forgiven', commitment(600 * DOLLAR, { shortfall: 'forgiven' })],
    ['is where the calls go anyway', commitment(600 * DOLLAR, { cloud: 'azure' })],
  ])('that %s has no price', async (_, one) => {
    expect((await priced({ commitments: [one] })).targets).toEqual({});
  });

  it('that begins later is planned for, and steers nothing yet', async () => {
    const later = commitment(700 * DOLLAR, { from: NOW + 50 * DAY_MS });
    const found = await priced({ commitments: [later] });
    expect(found.commitments).toMatchObject([{ ppm: 1_000_000, shortfall: 100 * DOLLAR }]);
    expect(found.targets).toEqual({});
  });

  it('is met within the room that its targets have', async () => {
    const targets = [TARGETS[0], { id: 'b', cloud: 'aws', callsADay: 250 }].filter(one => one !== undefined);
    const found = await priced({ commitments: [commitment(600 * DOLLAR)], targets });
    expect(found.commitments).toMatchObject([{ ppm: 1_000_000, shortfall: 300 * DOLLAR }]);
  });

  it('is not met by calls that may not go there', async () => {
    const classes = [{ calls: 10, daily: { a: 10 * DOLLAR } }];
    const found = await priced({ commitments: [commitment(600 * DOLLAR)], classes });
    expect(found.commitments).toMatchObject([{ shortfall: 600 * DOLLAR }]);
  });
});

describe('a commitment on top of another', () => {
  const on = (id: string, remaining: number, more: Partial<CommitmentTerm> = {}) =>
    commitment(remaining * DOLLAR, { id, ...more });
  const top = (remaining: number, more: Partial<CommitmentTerm> = {}) =>
    on('top', remaining, { onTopOf: 'first', ...more });

  it('is worth what both together ask for: a dollar is not saved twice', async () => {
    // 100 days of $12 are $1,200. Together they are met, or missed, as one of the sum is.
    const apart = await priced({ commitments: [on('first', 600), on('top', 300)] });
    expect(apart.targets['b']).toBe(166_667 + TIE_PPM);
    const met = await priced({ commitments: [on('first', 600), top(300)] });
    expect(met.commitments).toMatchObject([
      { ppm: 166_667, shortfall: 0 },
      { ppm: 166_667, shortfall: 0 },
    ]);
    const { commitments, targets } = await priced({ commitments: [on('first', 900), top(400)] });
    expect(commitments.map(({ shortfall }) => shortfall).reduce((a, b) => a + b)).toBe(100 * DOLLAR);
    expect(commitments[0]?.ppm).toBe(1_000_000);
    expect(targets).toEqual({ b: 1_000_000 });
  });

  it('gets what comes once the first is full or has ended', async () => {
    const early = { to: NOW + 50 * DAY_MS };
    const full = await priced({ commitments: [on('first', 100, early), top(1200)] });
    expect(full.commitments.map(({ shortfall }) => shortfall).reduce((a, b) => a + b)).toBe(100 * DOLLAR);
    // $600 in its time: the first misses $400, the other has the $600 of the rest.
    const missed = await priced({ commitments: [on('first', 1000, early), top(600)] });
    expect(missed.commitments.map(({ shortfall }) => shortfall).reduce((a, b) => a + b)).toBe(400 * DOLLAR);
    const over = await priced({ commitments: [on('first', 1000, { to: NOW }), top(1200)] });
    expect(over.commitments).toMatchObject([{ key: 'own/top', shortfall: 0 }]);
  });

  it('waits for one that has no end or whose shortfall is forgiven, too', async () => {
    for (const more of [{ to: null }, { shortfall: 'forgiven' as const }]) {
      const found = await priced({ commitments: [on('first', 900, more), top(400)] });
      expect(found.commitments).toMatchObject([{ key: 'own/top', shortfall: 100 * DOLLAR }]);
    }
  });
});

it('the calls that cost least more go first, and prices stay between 0 and 1', async () => {
  const dollars = fc.integer({ min: 1, max: 100 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ a: dollars, b: dollars }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 20_000 }),
      async (days, remaining) => {
        const classes = days.map(({ a, b }) => ({ calls: 1, daily: { a: a * DOLLAR, b: b * DOLLAR } }));
        const { commitments } = await priced({ classes, commitments: [commitment(remaining * DOLLAR)] });
        const [found] = commitments;
        // By hand: classes in the order of what they cost more for each dollar there, until the commitment is met.
        let [left, price] = [remaining, 0];
        for (const { a, b } of days.toSorted((x, y) => (x.b - x.a) / x.b - (y.b - y.a) / y.b)) {
          if (left <= 0) break;
          price = Math.max(0, (b - a) / b);
          left -= b * 100;
        }
        const expected = left > 0 ? 1 : price;
        expect(found?.shortfall).toBeCloseTo(Math.max(0, left) * DOLLAR, -2);
        // Exactly met: any price up to the next one is a dual.
        if (left !== 0) expect(Math.abs((found?.ppm ?? 0) - expected * 1_000_000)).toBeLessThanOrEqual(2);
      },
    ),
    { numRuns: 60 },
  );
});

it('is solved in a thread of its own, in bounded time', async () => {
  const input: ShadowInput = { classes: [DEMAND], targets: TARGETS, commitments: [commitment(600 * DOLLAR)], now: NOW };
  const program = shadowProgram(input) ?? '';
  expect(shadowPrices(input, await solveInThread(program, 30_000)).targets).toEqual({ b: 166_667 + TIE_PPM });
  await expect(solveInThread(program, 1)).rejects.toThrow('were not computed in 1 ms');
  await expect(solveInThread('nonsense', 30_000)).rejects.toThrow();
});

it('over a season of noisy demand they meet commitments that price alone misses, near the least that it can cost', async () => {
  for (const seed of [1, 2]) {
    const { byPrice, withShadow, least } = await simulate(seed);
    expect(byPrice.shortfall).toBeGreaterThan(0);
    expect(withShadow.total).toBeLessThan(byPrice.total);
    expect(withShadow.shortfall).toBe(0);
    // Forecasts err, and are made from the past alone.
    expect(withShadow.total).toBeLessThan(least * 1.02);
  }
}, 120_000);
