/** Crossings, on both sides of their bounds. */
import { describe, expect, it } from 'vitest';
import { units } from './amounts.ts';
import { dayStart } from './calendar.ts';
import { burnDown } from './commitments.ts';
import {
  commitmentCrossings,
  prepaidCrossings,
  shareCrossings,
  shortfallCrossing,
  trancheCrossings,
} from './crossings.ts';
import { prepaidState } from './prepaid.ts';
import { shareState } from './shares.ts';
import { trancheState, type TrancheTerm } from './tranches.ts';

const day = (text: string): number => dayStart(text) ?? Number.NaN;
const parties = { payer: 'a', payee: 'b' };
const PERCENTS = [50, 100];
const [FROM, NOW] = [day('2026-03-01'), day('2026-03-20')];

describe('a commitment', () => {
  const term = { id: 'c', ...parties, amount: 1_000n, from: FROM, to: null, cloud: 'aws', shortfall: 'owed' as const };
  const told = (cost: bigint) =>
    commitmentCrossings(burnDown(term, [{ at: FROM, cloud: 'aws', cost }], NOW), 'own', PERCENTS);

  it.each([
    [0n, []],
    [499n, []],
    [500n, [50]],
    [999n, [50]],
    [1_000n, [50, 100]],
    [9_000n, [50, 100]],
  ])('of which %d of 1000 are spent: %j', (cost, percents) => {
    expect(told(cost).map(({ threshold }) => threshold)).toEqual(percents);
  });

  it('tells which, and how much', () => {
    expect(told(500n)).toEqual([
      {
        type: 'commitment.threshold',
        subject: 'commitment own/c',
        period: 'term',
        threshold: 50,
        data: {
          contract: 'own',
          commitment: 'c',
          percent: 50,
          amount_usd: '0.001',
          threshold_usd: '0.0005',
          spent_usd: '0.0005',
        },
      },
    ]);
  });

  it('whose forecast misses by a micro-dollar is told, one that meets it is not, nor one that has not begun', () => {
    const ends = { ...term, amount: units(40), to: FROM + 40 * 86_400_000 };
    const spends = Array.from({ length: 19 }, (_, i) => ({ at: FROM + i * 86_400_000, cloud: 'aws', cost: units(1) }));
    const state = burnDown(ends, spends, NOW);
    expect(shortfallCrossing(state, 'own')).toBeNull();
    const short = { ...ends, amount: units(40) + 1n };
    expect(shortfallCrossing(burnDown(short, spends, NOW), 'own')).toMatchObject({
      period: '2026-03',
      data: { shortfall_usd: '0.000001', basis: 'trend' },
    });
    const later = burnDown({ ...short, from: NOW + 1 }, spends, NOW);
    expect(shortfallCrossing(later, 'own')).toBeNull();
  });
});

describe('a share', () => {
  const term = {
    id: 's',
    ...parties,
    rate: { num: 20n, den: 100n },
    vendor: 'openai',
    clouds: null,
    cap: 1_000n,
    from: null,
    to: null,
  };
  const told = (revenue: bigint, cap: bigint | null = 1_000n) => {
    const earning = { at: FROM, vendor: 'openai', cloud: 'aws', revenue };
    return shareCrossings(shareState({ ...term, cap }, [earning], NOW), 'own', PERCENTS);
  };

  it.each([
    [2_497n, []],
    [2_498n, [50]],
    [4_997n, [50]],
    [4_998n, [50, 100]],
    [99_999n, [50, 100]],
  ])('a fifth of %d under a cap of 1000: %j', (revenue, percents) => {
    expect(told(revenue).map(({ threshold }) => threshold)).toEqual(percents);
  });

  it('without a cap comes near none', () => {
    expect(told(10n ** 18n, null)).toEqual([]);
  });

  it('tells which, and how much', () => {
    expect(told(2_500n)[0]).toMatchObject({
      type: 'share.threshold',
      subject: 'share own/s',
      data: { contract: 'own', share: 's', percent: 50, cap_usd: '0.001', due_usd: '0.0005' },
    });
  });
});

describe('prepaid credits', () => {
  const term = { id: 'p', payer: 'a', to: 'b', amount: 1_000n, cloud: 'azure', from: null, until: null };
  const told = (cost: bigint) =>
    prepaidCrossings(prepaidState(term, [{ at: FROM, cloud: 'azure', cost }], NOW), 'own', PERCENTS);

  it.each([
    [499n, []],
    [500n, [50]],
    [999n, [50]],
    [1_000n, [50, 100]],
    [5_000n, [50, 100]],
  ])('of which %d of 1000 are used: %j', (cost, percents) => {
    expect(told(cost).map(({ threshold }) => threshold)).toEqual(percents);
  });

  it('tells how much is left, and on which day it was used up', () => {
    expect(told(500n)[0]?.data).toMatchObject({
      prepaid: 'p',
      used_usd: '0.0005',
      left_usd: '0.0005',
      used_up_on: null,
    });
    expect(told(1_000n)[1]).toMatchObject({
      type: 'prepaid.threshold',
      subject: 'prepaid own/p',
      data: { left_usd: '0', used_up_on: '2026-03-01' },
    });
  });
});

describe('a tranche', () => {
  const term: TrancheTerm = {
    id: 't',
    ...parties,
    amount: units(5),
    due: { any: ['ipo-filed'] },
    before: day('2026-04-01'),
    noticeBusinessDays: 5,
  };
  const told = (asOf: number, filed: string | null, of: TrancheTerm = term) =>
    trancheCrossings(trancheState(of, filed === null ? {} : { 'ipo-filed': day(filed) }, asOf), 'own').map(
      ({ type, period }) => `${type} ${period}`,
    );

  it('is told of from the day of its event on, and again on the day on which it is payable', () => {
    // Friday 20 March: five business days later is Friday 27 March.
    const notice = 'tranche.notice 2026-03-27';
    expect(told(day('2026-03-20') - 1, '2026-03-20')).toEqual([]);
    expect(told(day('2026-03-20'), '2026-03-20')).toEqual([notice]);
    expect(told(day('2026-03-27') - 1, '2026-03-20')).toEqual([notice]);
    expect(told(day('2026-03-27'), '2026-03-20')).toEqual([notice, 'tranche.payable 2026-03-27']);
  });

  it('is not told of while it waits, nor once it has lapsed', () => {
    expect([told(day('2026-03-31'), null), told(day('2026-04-01'), null)]).toEqual([[], []]);
    expect([told(day('2026-05-01'), '2026-03-31').length, told(day('2026-05-01'), '2026-04-01').length]).toEqual([
      2, 0,
    ]);
  });

  it('on a day has no notice', () => {
    const fixed = { ...term, due: { on: day('2026-03-31') }, before: null };
    expect(told(day('2026-03-31') - 1, null, fixed)).toEqual([]);
    expect(told(day('2026-03-31'), null, fixed)).toEqual(['tranche.payable 2026-03-31']);
  });
});
