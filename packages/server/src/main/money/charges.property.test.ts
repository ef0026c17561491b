/** What is billed of random calls: closed months stand, and restatements come to the difference, to the micro-unit. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { monthSpan } from '../../money/calendar.ts';
import { type ClosedMonth, closedBooks, type ClosedMonths, type MonthTerms, ratingAfter } from '../../money/closing.ts';
import type { CommitmentTerm } from '../../money/commitments.ts';
import type { FocusRow } from '../../money/focus/columns.ts';
import { pico } from '../../money/focus/validate.test-support.ts';
import type { Books } from '../../money/prices.ts';
import { MARCH, someBooks, someCall } from '../../money/rows.test-support.ts';
import { shareState, type ShareTerm } from '../../money/shares.ts';
import { type MeteredCall, rate } from '../../money/usage.ts';
import { chargesOf, type ChargeSource, correctionsOf, openingsOf, type Sides, type TodayTerms } from './charges.ts';

const DAY = 86_400_000;
const APRIL = MARCH + 31 * DAY;
const someMonth = fc.constantFrom('2026-03', '2026-04', '2026-05');
const leafOf = (): Promise<null> => Promise.resolve(null);

const someTerms: fc.Arbitrary<TodayTerms> = fc.record({
  commitments: fc.uniqueArray(fc.constantFrom('azure', 'aws'), { maxLength: 2 }).map(clouds =>
    clouds.map(cloud => {
      const term: Omit<CommitmentTerm, 'held'> = {
        id: `c-${cloud}`,
        payer: 'a',
        payee: 'b',
        amount: 10n ** 12n,
        from: MARCH,
        to: null,
        cloud,
        shortfall: 'owed',
      };
      return { ...term, contract: 'k', contractFrom: null, contractTo: null };
    }),
  ),
  shares: fc
    .array(fc.record({ num: fc.bigInt(0n, 100n), cap: fc.option(fc.bigInt(0n, 50_000_000n)) }), { maxLength: 2 })
    .map(list =>
      list.map(({ num, cap }, i) => {
        const term: Omit<ShareTerm, 'held'> = {
          id: `s${i}`,
          payer: 'a',
          payee: 'b',
          rate: { num, den: 300n },
          vendor: 'openai',
          clouds: null,
          cap,
          from: null,
          to: null,
        };
        return { ...term, contract: 'k', contractFrom: null, contractTo: null };
      }),
    ),
});

function sourceOf(
  calls: readonly MeteredCall[],
  today: Books,
  closed: ClosedMonths,
  tenant: string | null = null,
): ChargeSource {
  return {
    tenant,
    async *rows(from, to) {
      for (const call of calls)
        if (call.at >= from && call.at < to && (tenant === null || call.tenant === tenant))
          yield rate(call, closedBooks(call, closed) ?? today);
    },
  };
}

async function all(rows: AsyncIterable<FocusRow>): Promise<readonly FocusRow[]> {
  const made: FocusRow[] = [];
  for await (const row of rows) made.push(row);
  return made;
}

const MONTHS = { first: '2026-03', last: '2026-06' };
const of = (period: string) => (row: FocusRow) => row['BillingPeriodStart']?.startsWith(period) === true;

function sums(rows: readonly FocusRow[], by: string): { readonly [key: string]: string } {
  const found: { [key: string]: bigint } = {};
  for (const row of rows) {
    for (const column of ['BilledCost', 'EffectiveCost', 'x_Revenue', 'x_RevenueShare', 'x_Tokens']) {
      const key = `${row[by] ?? '-'} ${column}`;
      found[key] = (found[key] ?? 0n) + pico(row[column]);
    }
    const { Elements: elements } = JSON.parse(row['ContractApplied'] ?? '{"Elements":[]}') as {
      Elements: { ContractCommitmentID: string; ContractCommitmentAppliedCost: number }[];
    };
    for (const { ContractCommitmentID: id, ContractCommitmentAppliedCost: cost } of elements) {
      const key = `${row[by] ?? '-'} ${id}`;
      found[key] = (found[key] ?? 0n) + BigInt(Math.round(cost * 1e6));
    }
  }
  return Object.fromEntries(
    Object.entries(found)
      .filter(([, sum]) => sum !== 0n)
      .map(([key, sum]) => [key, String(sum)])
      .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  );
}

const GROUPINGS = [
  'BillingAccountId',
  'ResourceId',
  'HostProviderName',
  'SkuMeter',
  'x_ClauseIds',
  'Tags',
  'x_PlacementId',
  'x_Metered',
];

test('a closed month stands; it and its corrections sum to the month as it is rated anew, in every grouping; again is nothing', async () => {
  const stage = fc.tuple(someBooks, someTerms);
  await fc.assert(
    fc.asyncProperty(
      fc.array(someCall, { maxLength: 20 }),
      fc.integer({ min: 0, max: 3 * DAY }),
      fc.array(stage, { minLength: 2, maxLength: 4 }),
      async (calls, grace, stages) => {
        const [[books, today]] = stages as [(typeof stages)[number]];
        const cutoff = APRIL + grace;
        const march = { period: '2026-03', cutoff };
        const asClosed = new Map([['2026-03', { ...march, books, terms: null, restatements: [] }]]);
        const source = sourceOf(calls, books, asClosed);
        const opening = (await openingsOf(source, asClosed, today.shares, MARCH, 'as-billed'))('2026-03');
        let month: ClosedMonth = { ...march, books, terms: { ...today, opening }, restatements: [] };
        const closedNow = () => new Map([['2026-03', month]]);
        const original = (await all(chargesOf(source, closedNow(), today, MONTHS, leafOf))).filter(of('2026-03'));
        // Before it was closed, those of its calls that were metered in time came out the same.
        const openMarch = await all(
          chargesOf(
            sourceOf(
              calls.filter(one => one.meteredAt <= cutoff),
              books,
              new Map(),
            ),
            new Map(),
            today,
            MONTHS,
            leafOf,
          ),
        );
        expect(original).toEqual(openMarch.filter(of('2026-03')));

        for (const [i, [nowBooks, nowTerms]] of stages.slice(1).entries()) {
          const now = sourceOf(calls, nowBooks, closedNow());
          const base = (await openingsOf(now, closedNow(), nowTerms.shares, MARCH, 'all'))('2026-03');
          const terms: MonthTerms = { ...nowTerms, opening: base };
          const before = ratingAfter(month, month.restatements.length);
          const sides: Sides = {
            before: { books: before.books, terms: before.terms ?? terms },
            after: { books: nowBooks, terms },
          };
          const restatement = { id: `rst_${i}`, number: i + 1, billedIn: `2026-0${5 + (i % 2)}` };
          month = { ...month, restatements: [...month.restatements, { ...restatement, books: nowBooks, terms }] };
          const laid = await all(correctionsOf(now, closedNow(), month, sides, restatement, leafOf));

          const after = await all(
            chargesOf(sourceOf(calls, nowBooks, closedNow()), closedNow(), nowTerms, MONTHS, leafOf),
          );
          expect(after.filter(of('2026-03'))).toEqual(original);
          expect(after.filter(row => row['x_Restatement'] === restatement.id)).toEqual(laid);
          const anew = new Map([
            ['2026-03', { ...march, ...month.restatements[i], books: nowBooks, terms, restatements: [] }],
          ]);
          const expected = (
            await all(chargesOf(sourceOf(calls, nowBooks, anew), anew, nowTerms, MONTHS, leafOf))
          ).filter(of('2026-03'));
          const billed = [...original, ...after.filter(row => row['x_Restatement'] !== null)];
          for (const by of GROUPINGS) expect(sums(billed, by)).toEqual(sums(expected, by));
          // Whole: what is billed of all calls is what usage says of them.
          const cost = calls.reduce(
            (sum, call) => sum + rate(call, closedBooks(call, closedNow()) ?? nowBooks).cost,
            0n,
          );
          expect(after.reduce((sum, row) => sum + pico(row['BilledCost']), 0n)).toBe(cost * 1_000_000n);
          const again = { before: sides.after, after: sides.after };
          expect(await all(correctionsOf(now, closedNow(), month, again, restatement, leafOf))).toEqual([]);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a share goes on from month to month, over closed ones too, and a tenant sees its own part of it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someCall, { maxLength: 20 }),
      someBooks,
      someTerms,
      someMonth,
      async (calls, books, today, period) => {
        const open = await all(chargesOf(sourceOf(calls, books, new Map()), new Map(), today, MONTHS, leafOf));
        const rated = calls.map(call => rate(call, books));
        const due = today.shares.reduce((sum, term) => sum + shareState(term, rated, Number.POSITIVE_INFINITY).due, 0n);
        expect(open.reduce((sum, row) => sum + pico(row['x_RevenueShare']), 0n)).toBe(due * 1_000_000n);
        const bare = { period, cutoff: Number.MAX_SAFE_INTEGER, books, terms: null, restatements: [] };
        const asClosed = new Map([[period, bare]]);
        const source = sourceOf(calls, books, asClosed);
        const opening = (await openingsOf(source, asClosed, today.shares, monthSpan(period)?.from ?? 0, 'all'))(period);
        const closed = new Map([[period, { ...bare, terms: { ...today, opening } }]]);
        const rows = await all(chargesOf(sourceOf(calls, books, closed), closed, today, MONTHS, leafOf));
        expect(rows).toEqual(open);
        for (const first of ['2026-03', '2026-04', '2026-05']) {
          const part = await all(
            chargesOf(sourceOf(calls, books, closed), closed, today, { first, last: first }, leafOf),
          );
          expect(part).toEqual(open.filter(of(first)));
        }
        const acme = await all(chargesOf(sourceOf(calls, books, closed, 'acme'), closed, today, MONTHS, leafOf));
        expect(acme).toEqual(
          await all(chargesOf(sourceOf(calls, books, new Map(), 'acme'), new Map(), today, MONTHS, leafOf)),
        );
      },
    ),
    { numRuns: 100 },
  );
});
