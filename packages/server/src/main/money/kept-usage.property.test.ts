/** Sums that are kept come to what the log comes to, whatever arrives, is closed, restated or asked for in between. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAID, MeteredLog } from '../../engine/metered-log.test-support.ts';
import { UsageFollower } from '../../engine/usage-follower.ts';
import { usagePages } from '../../engine/usage.ts';
import type { TenantId } from '../../kernel/ids.ts';
import { DAY_MS } from '../../money/calendar.ts';
import type { ClosedMonth, ClosedMonths } from '../../money/closing.ts';
import type { Books } from '../../money/prices.ts';
import { MARCH, someBooks } from '../../money/rows.test-support.ts';
import { DIMENSIONS } from '../../money/totals.ts';
import { BY_ALL, BY_TERMS, KeptUsage } from './kept-usage.ts';
import { type Terms, termsOf } from './terms.ts';
import { statementOf, summed, type UsageDesk } from './usage-view.ts';
import { groupWire, statementWire } from './wire.ts';

const DAYS = 40;
const tenants = ['acme', 'rival'] as TenantId[];
const moment = fc.integer({ min: MARCH, max: MARCH + DAYS * DAY_MS });
const place = { contract: 'k', contractFrom: null, contractTo: null };
const parties = { payer: 'a', payee: 'b' };

/** Terms that begin and end at any moment. */
const someTerms: fc.Arbitrary<Terms> = fc
  .record({ from: moment, to: fc.option(moment), cloud: fc.constantFrom('azure', 'aws'), since: fc.option(moment) })
  .map(({ from, to, cloud, since }) => {
    const held = { since, until: null, earlier: null };
    return {
      ...termsOf([]),
      commitments: [{ id: 'c', ...place, ...parties, amount: 50n, from, to, cloud, shortfall: 'owed' }],
      shares: [
        {
          id: 's',
          ...place,
          ...parties,
          rate: { num: 1n, den: 3n },
          vendor: 'openai',
          clouds: null,
          cap: null,
          from,
          to,
          held,
        },
      ],
      prepaid: [{ id: 'p', ...place, payer: 'a', to: 'b', amount: 90n, cloud: null, from, until: to }],
      capacity: [
        { id: 'q', ...place, provider: 'aws', cloud: 'aws', accelerator: 'trn', amount: 1, unit: 'GW', from, to, held },
      ],
    };
  });

const someStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('place' as const),
      /** After the last one; a little back, too. */
      later: fc.integer({ min: -1_800_000, max: 3 * DAY_MS }),
      tenant: fc.constantFrom(...tenants),
      product: fc.constantFrom('api', 'frontier'),
      vendor: fc.constantFrom('openai', 'other'),
      target: fc.constantFrom('azure-east', 'aws-east', 'gone'),
      tokens: fc.integer({ min: 0, max: 2_000_000 }),
      ended: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('end' as const),
      which: fc.nat(),
      late: fc.integer({ min: 0, max: 20 * DAY_MS }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('close' as const),
      period: fc.constantFrom('2026-03', '2026-04'),
      books: someBooks,
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restart' as const), books: someBooks }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('state' as const), terms: someTerms, asOf: moment }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('sum' as const),
      of: fc.subarray(tenants, { minLength: 1 }),
      ends: fc.tuple(moment, moment),
      by: fc.subarray([...DIMENSIONS], { maxLength: 3 }),
    }),
  },
);

/** Closed for the first time, or restated. */
function closing(months: ClosedMonths, period: string, books: Books): ClosedMonths {
  const known = months.get(period);
  const cutoff = MARCH + 45 * DAY_MS;
  const rating = { books, terms: null };
  const made: ClosedMonth =
    known === undefined
      ? { period, cutoff, ...rating, restatements: [] }
      : {
          ...known,
          restatements: [
            ...known.restatements,
            { ...rating, number: known.restatements.length + 1, id: 'r', billedIn: '2026-06' },
          ],
        };
  return new Map([...months, [period, made]]);
}

describe('kept sums', () => {
  it('come to what the log comes to', async () => {
    await fc.assert(
      fc.asyncProperty(
        someBooks,
        fc.array(someStep, { minLength: 5, maxLength: 40 }),
        fc.constantFrom(1, 3, 1000),
        async (first, steps, most) => {
          const log = new MeteredLog();
          let [books, months]: [Books, ClosedMonths] = [first, new Map()];
          const open: number[] = [];
          let at = MARCH;
          const closed = (): ClosedMonths => months;
          const keeping = (): NonNullable<UsageDesk['kept']> => {
            const follow = (from: number): UsageFollower => new UsageFollower(log.source, from);
            const rating = { books, closed };
            return {
              all: new KeptUsage(BY_ALL, follow, rating, most),
              terms: new KeptUsage(BY_TERMS, follow, rating, most),
            };
          };
          let kept = keeping();
          const desk = (terms: Terms): UsageDesk => ({
            usage: (window, after) => usagePages(log.source, window, after),
            tenants: async () => tenants,
            balances: () => null,
            books,
            closed,
            terms,
            now: () => at,
          });
          for (const step of steps) {
            if (step.what === 'place') {
              at = Math.max(MARCH, at + step.later);
              const n = await log.place({ ...step, at });
              if (step.ended) await log.end(n, at + 10);
              else open.push(n);
            } else if (step.what === 'end') {
              const [n] = open.splice(step.which % Math.max(1, open.length), 1);
              if (n !== undefined) await log.end(n, at + step.late);
            } else if (step.what === 'close') months = closing(months, step.period, step.books);
            else if (step.what === 'restart') {
              ({ books } = step);
              kept = keeping();
            } else if (step.what === 'state') {
              const fresh = desk(step.terms);
              const stated = statementWire(await statementOf({ ...fresh, kept }, step.asOf));
              expect(stated).toEqual(statementWire(await statementOf(fresh, step.asOf)));
            } else {
              const window = { tenants: step.of, from: Math.min(...step.ends), to: Math.max(...step.ends) };
              const fresh = desk(termsOf([]));
              const groups = await summed({ ...fresh, kept }, window, step.by);
              expect(groups.map(groupWire)).toEqual((await summed(fresh, window, step.by)).map(groupWire));
            }
          }
          const fresh = desk(termsOf([]));
          const whole = { tenants, from: MARCH, to: MARCH + 1000 * DAY_MS };
          const sums = await summed({ ...fresh, kept }, whole, ['day', 'target']);
          expect(sums.map(groupWire)).toEqual((await summed(fresh, whole, ['day', 'target'])).map(groupWire));
        },
      ),
      { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 150) },
    );
  }, 120_000);
});

describe('a question', () => {
  const books = { currency: 'USD', costs: {}, rates: [] };
  async function laid() {
    const log = new MeteredLog();
    for (let day = 0; day < 10; day++) {
      const at = MARCH + day * DAY_MS + 5;
      await log.end(await log.place({ ...LAID, at }), at);
    }
    const read = { followed: 0, paged: 0 };
    const follow = (from: number) => {
      const follower = new UsageFollower(log.source, from);
      return {
        async *next(of: readonly TenantId[]) {
          for await (const calls of follower.next(of)) {
            read.followed += calls.length;
            yield calls;
          }
        },
      };
    };
    const kept = new KeptUsage(BY_ALL, follow, { books });
    const desk: UsageDesk = {
      async *usage(window, after) {
        for await (const page of usagePages(log.source, window, after)) {
          read.paged += page.calls.length;
          yield page;
        }
      },
      tenants: async () => tenants,
      balances: () => null,
      books,
      terms: termsOf([]),
      now: () => MARCH,
      kept: { all: kept, terms: kept },
    };
    const asked = async (from: number, to: number): Promise<number | undefined> =>
      (await summed(desk, { tenants, from, to }, []))[0]?.totals.calls;
    return { log, read, asked };
  }
  const day = (n: number): number => MARCH + n * DAY_MS;

  it('reads what is new, and no call twice', async () => {
    const { log, read, asked } = await laid();
    expect(await asked(day(0), day(20))).toBe(10);
    expect(read).toEqual({ followed: 10, paged: 0 });
    expect(await asked(day(0), day(20))).toBe(10);
    await log.end(await log.place({ ...LAID, at: day(10) }), day(10));
    expect(await asked(day(0), day(20))).toBe(11);
    expect(await asked(day(3), day(5))).toBe(2);
    expect(read).toEqual({ followed: 11, paged: 0 });
  });

  it('reads the log again where it goes further back, and one day where it ends among its calls', async () => {
    const { log, read, asked } = await laid();
    expect(await asked(day(8), day(20))).toBe(2);
    expect(read.followed).toBe(2);
    expect(await asked(day(5), day(20))).toBe(5);
    expect(read).toEqual({ followed: 7, paged: 0 });
    await log.end(await log.place({ ...LAID, at: day(9) + 9 }), day(10));
    expect(await asked(day(5), day(9) + 9)).toBe(5);
    expect(read).toEqual({ followed: 8, paged: 1 });
  });

  it('that fails leaves nothing half added', async () => {
    const { log } = await laid();
    let fails = 1;
    const follow = (from: number) => ({
      async *next(of: readonly TenantId[]) {
        // As one that has told a part when the store is away, and would tell it again.
        yield* new UsageFollower(log.source, from).next(of);
        if (fails-- > 0) throw new Error('away');
      },
    });
    const kept = new KeptUsage(BY_ALL, follow, { books });
    const window = { tenants, from: day(0), to: day(20) };
    await expect(kept.parts(window)).rejects.toThrow('away');
    const { sums } = await kept.parts(window);
    expect(sums.reduce((all, { totals }) => all + totals.calls, 0)).toBe(10);
  });

  it('of more calls in flight than are remembered is answered from the log', async () => {
    const { log } = await laid();
    await log.place({ ...LAID, at: day(11) });
    const most = (open: number) => new KeptUsage(BY_ALL, from => new UsageFollower(log.source, from, open), { books });
    const window = { tenants, from: day(0), to: day(20) };
    expect((await most(1).parts(window)).spans).toEqual([]);
    expect(await most(0).parts(window)).toMatchObject({ sums: [], spans: [window] });
  });
});
