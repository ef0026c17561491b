/** The three shipped eras together, over 27 April 2026: one set of terms at any time, in statements, exports and what-if. */
import { describe, expect, it } from 'vitest';
import type { UsagePage } from '../../engine/usage.ts';
import type { HomeId, TenantId } from '../../kernel/ids.ts';
import { Burning } from '../../money/burning.ts';
import { monthOf } from '../../money/calendar.ts';
import { costAndUsage, spendCommitment } from '../../money/focus/rows.ts';
import { CALL } from '../../money/rows.test-support.ts';
import { AccruingShare } from '../../money/shares.ts';
import { rate } from '../../money/usage.ts';
import { shippedFiles } from '../../placement/fixture.test-support.ts';
import type { PlacementRecord } from '../../placement/record.ts';
import { loadContract } from '../../contract/load.ts';
import { commitmentsOf, sharesOf } from '../whatif/money.ts';
import { chargesOf } from './charges.ts';
import { type Terms, type TermsSource, termsAt, termsOf, termsSource } from './terms.ts';
import { statementOf } from './usage-view.ts';
import { statementWire } from './wire.ts';

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);
const APRIL = day('2026-04-27');

const ERAS: readonly TermsSource[] = ['openai-2025-10', 'openai-2026-02', 'openai-2026-04'].map(name => {
  const { contract } = loadContract(shippedFiles(name));
  if (contract === null) throw new Error(name);
  return termsSource(contract);
});
const [OCTOBER, FEBRUARY, RENEWED] = ERAS;
if (OCTOBER === undefined || FEBRUARY === undefined || RENEWED === undefined) throw new Error('three eras');

/** $1 a token of input, cost and revenue. */
const dollar = { input: 10 ** 12, cached: 0, written: 0, output: 0, reasoning: 0 };
const books = {
  currency: 'USD',
  costs: {},
  rates: [{ product: null, channel: null, model: null, from: null, prices: dollar }],
};
const call = (at: number, usd: number, cloud: string) => ({
  ...CALL,
  at,
  cloud,
  seen: dollar,
  usage: { input: usd, cached: 0, output: 0, reasoning: 0 },
});
type Call = ReturnType<typeof call>;

async function stated(terms: Terms, calls: readonly Call[], asOf: number) {
  const cursor = { home: 'local' as HomeId, tenant: 'acme' as TenantId, position: 1 };
  const desk = {
    async *usage({ from, to }: { readonly from: number; readonly to: number }): AsyncGenerator<UsagePage> {
      const inside = calls.filter(({ at }) => at >= from && at < to);
      yield { calls: inside.map(one => ({ ...one, seq: 1, record: {} as PlacementRecord })), open: [], cursor };
    },
    tenants: async () => [cursor.tenant],
    balances: () => null,
    books,
    terms,
    now: () => asOf,
  };
  return statementWire(await statementOf(desk, asOf));
}

const usd = (whole: number): string => String(BigInt(whole) * 1_000_000n);
const BILLION = 1_000_000_000;

describe('the share, on either side of 27 April', () => {
  // A hundred dollars in each era, and on the last and the first moment of two.
  const calls = [day('2026-01-10'), day('2026-03-20'), APRIL - 1, APRIL, day('2026-06-01')].map(at =>
    call(at, 100, 'azure'),
  );
  const terms = termsOf(ERAS);

  it('is stated once, with what fell due before', async () => {
    expect((await stated(terms, calls, APRIL)).shares).toMatchObject([
      { contract: 'openai-2026-04', due_micro_usd: '0', due_before_micro_usd: usd(60), to: '2031-01-01' },
    ]);
    expect((await stated(terms, calls, APRIL - 1)).shares).toMatchObject([
      { contract: 'openai-2025-10', due_micro_usd: usd(40), due_before_micro_usd: '0', cap_micro_usd: null },
    ]);
    expect((await stated(terms, calls, day('2026-07-01'))).shares).toMatchObject([
      { due_micro_usd: usd(40), due_before_micro_usd: usd(60), cap_left_micro_usd: usd(38 * BILLION - 40) },
    ]);
  });

  it('is a fifth of each call in the export, never two', () => {
    const open = {
      currency: 'USD',
      commitments: new Burning(terms.commitments),
      shares: terms.shares.map(term => new AccruingShare(term)),
    };
    const rows = calls.flatMap(one =>
      costAndUsage(rate(one, books), { period: monthOf(one.at), correction: false }, open),
    );
    expect(rows.map(row => row['x_RevenueShare'])).toEqual(['20', '20', '20', '20', '20']);
  });

  it('is counted once in a what-if', () => {
    const days = calls.map(({ at, cloud }) => {
      const amount = 100_000_000n;
      const amounts = { wasCost: amount, wouldCost: amount, wasRevenue: amount, wouldRevenue: amount };
      return { day: Math.floor(at / 86_400_000), cloud, vendor: 'openai', ...amounts };
    });
    const shares = sharesOf({ recorded: terms, supposed: terms }, days);
    expect(shares.map(({ contract, recorded }) => [contract, recorded?.due_micro_usd])).toEqual([
      ['openai-2025-10', usd(60)],
      ['openai-2026-04', usd(40)],
    ]);
    const spent = commitmentsOf({ recorded: terms, supposed: terms }, days);
    expect(spent.map(({ id, recorded_micro_usd: was }) => [id, was])).toEqual([
      ['aws-38', '0'],
      ['azure-250', usd(500)],
      ['aws-8y', '0'],
    ]);
  });

  it('runs through 31 December 2030, and reaches its cap by what is due under it', async () => {
    const last = call(day('2031-01-01') - 1, 100, 'aws');
    const late = [last, { ...last, at: day('2031-01-01') }];
    expect((await stated(terms, late, day('2031-01-01') - 1)).shares[0]?.stopped).toBeNull();
    expect((await stated(terms, late, day('2031-06-01'))).shares).toMatchObject([
      { due_micro_usd: usd(20), stopped: 'date' },
    ]);
    const before = call(APRIL - 1, 1_000 * BILLION, 'azure');
    const states = async (revenue: number) =>
      (await stated(terms, [before, call(APRIL, revenue, 'azure')], day('2026-07-01'))).shares[0];
    expect(await states(190 * BILLION - 5)).toMatchObject({ cap_left_micro_usd: usd(1), stopped: null });
    expect(await states(190 * BILLION)).toMatchObject({ due_micro_usd: usd(38 * BILLION), stopped: 'cap' });
  });
});

it('an IPO on the last day of 2028 is in time, one on the next is not', async () => {
  const terms = termsOf(ERAS);
  const desk = {
    usage: async function* () {},
    tenants: async () => [],
    balances: () => null,
    books,
    terms,
    now: () => 0,
  };
  const status = async (ipo: string) =>
    (await statementOf(desk, day('2029-03-01'), { 'ipo-filed': day(ipo) })).tranches.find(
      ({ term }) => term.id === 'amzn-2',
    )?.status;
  expect([await status('2028-12-31'), await status('2029-01-01')]).toEqual(['payable', 'lapsed']);
});

it('the $100B are burned on top of the $38B: one AWS dollar burns one of them', async () => {
  const terms = termsOf(ERAS);
  const first = call(day('2026-03-01'), 37 * BILLION, 'aws');
  const both = [first, call(day('2026-05-01'), 3 * BILLION, 'aws')];
  const spent = async (calls: readonly Call[]) =>
    (await stated(terms, calls, day('2026-07-01'))).commitments.map(one => [one.id, one.spent_micro_usd]);
  expect(await spent([first])).toEqual([
    ['azure-250', '0'],
    ['aws-38', usd(37 * BILLION)],
    ['aws-8y', '0'],
  ]);
  expect(await spent(both)).toEqual([
    ['azure-250', '0'],
    ['aws-38', usd(38 * BILLION)],
    ['aws-8y', usd(2 * BILLION)],
  ]);
});

it('what ran on Trainium is stated beside the gigawatts', async () => {
  const at = day('2026-03-01');
  const calls = [
    { ...call(at, 30, 'aws'), accelerator: 'trainium' },
    { ...call(at, 10, 'aws'), accelerator: 'gpu' },
    { ...call(day('2026-02-26'), 10, 'aws'), accelerator: 'trainium' },
  ];
  expect((await stated(termsOf(ERAS), calls, day('2026-07-01'))).capacity).toEqual([
    {
      id: 'trainium-2gw',
      contract: 'openai-2026-02',
      provider: 'amazon',
      cloud: 'aws',
      accelerator: 'trainium',
      amount: 2,
      unit: 'GW',
      from: '2026-02-27',
      to: null,
      ran: { calls: 1, tokens: 30, cost_micro_usd: usd(30) },
      all: { calls: 2, tokens: 40, cost_micro_usd: usd(40) },
    },
  ]);
});

describe('a term that a contract changes', () => {
  const changed = (money: Partial<TermsSource['money']>): Terms =>
    termsOf([OCTOBER, FEBRUARY, { ...RENEWED, money: { ...RENEWED.money, ...money } }]);
  const [azure] = OCTOBER.money.commitments;
  const [credits] = OCTOBER.money.prepaid;
  const [paid] = FEBRUARY.money.tranches;
  const [trainium] = FEBRUARY.money.capacity;
  if (azure === undefined || credits === undefined || paid === undefined || trainium === undefined)
    throw new Error('terms');
  const calls = [call(day('2026-03-01'), 30, 'azure'), call(day('2026-05-01'), 7, 'azure')];
  const AFTER = day('2026-07-01');

  it('a commitment that goes on keeps what was burned, is stated once, and is applied once', async () => {
    const terms = changed({ commitments: [{ ...azure, amount_usd: 35 }] });
    const found = async (asOf: number) =>
      (await stated(terms, calls, asOf)).commitments.filter(({ id }) => id === 'azure-250');
    expect(await found(AFTER)).toMatchObject([
      { contract: 'openai-2026-04', spent_micro_usd: usd(37), remaining_micro_usd: '0' },
    ]);
    expect(await found(APRIL - 1)).toMatchObject([{ contract: 'openai-2025-10', spent_micro_usd: usd(30) }]);
    const rows = terms.commitments.filter(({ id }) => id === 'azure-250').map(term => spendCommitment(term, 'USD'));
    expect(
      rows.map(row => [
        row['ContractCommitmentPeriodStart']?.slice(0, 10),
        row['ContractCommitmentPeriodEnd']?.slice(0, 10),
      ]),
    ).toEqual([
      ['2025-10-28', '2026-04-27'],
      ['2026-04-27', '9999-12-31'],
    ]);
    const burning = new Burning(terms.commitments);
    const applied = calls.map(one => burning.add(rate(one, books)).map(({ term, burned }) => [term.contract, burned]));
    expect(applied).toEqual([[['openai-2025-10', 30_000_000n]], [['openai-2026-04', 5_000_000n]]]);
  });

  it('a commitment with another first day begins afresh; what another cloud burned before counts by the words of then', async () => {
    const spent = async (words: Partial<typeof azure>) =>
      (await stated(changed({ commitments: [{ ...azure, ...words }] }), calls, AFTER)).commitments.find(
        ({ id }) => id === 'azure-250',
      )?.spent_micro_usd;
    expect(await spent({ from: '2026-04-27' })).toBe(usd(7));
    expect(await spent({ counts: { cloud: 'aws' } })).toBe(usd(30));
  });

  it('credits keep what was used', async () => {
    const terms = changed({ prepaid: [{ ...credits, amount_usd: 35 }] });
    expect((await stated(terms, calls, AFTER)).prepaid).toMatchObject([
      { contract: 'openai-2026-04', used_micro_usd: usd(35), status: 'used_up', used_up_on: '2026-05-01' },
    ]);
  });

  it('credits count what was spent before by the days of the words of then', async () => {
    const before = { ...OCTOBER, money: { ...OCTOBER.money, prepaid: [{ ...credits, from: '2026-03-02' }] } };
    const after = { ...RENEWED, money: { ...RENEWED.money, prepaid: [credits] } };
    const used = async (at: string) =>
      (await stated(termsOf([before, after]), [call(day(at), 30, 'azure')], AFTER)).prepaid[0]?.used_micro_usd;
    expect([await used('2026-03-01'), await used('2026-03-02')]).toEqual(['0', usd(30)]);
  });

  it('what was billed before the export has burned already', async () => {
    const terms = changed({ commitments: [{ ...azure, amount_usd: 35 }] });
    const source = {
      tenant: null,
      async *rows(from: number, to: number) {
        for (const one of calls) if (one.at >= from && one.at < to) yield rate(one, books);
      },
    };
    const applied: (string | null | undefined)[] = [];
    const may = { first: '2026-05', last: '2026-05' };
    for await (const row of chargesOf(source, new Map(), terms, may, async () => null))
      applied.push(row['ContractApplied']);
    expect(applied).toEqual([expect.stringContaining('"ContractCommitmentAppliedCost":5,')]);
  });

  it('a tranche that was payable before is payable once, as it was; one that was not is by the new words', async () => {
    const one = async (words: Partial<typeof paid>, asOf = AFTER) =>
      (await stated(changed({ tranches: [{ ...paid, ...words }] }), [], asOf)).tranches.filter(
        ({ id }) => id === paid.id,
      );
    expect(await one({ amount_usd: 1, due: { on: '2026-09-01' } })).toMatchObject([
      { contract: 'openai-2026-02', amount_micro_usd: usd(15 * BILLION), status: 'payable', payable_on: '2026-03-31' },
    ]);
    const late = { ...FEBRUARY, money: { ...FEBRUARY.money, tranches: [{ ...paid, due: { on: '2026-04-27' } }] } };
    const next = {
      ...RENEWED,
      money: { ...RENEWED.money, tranches: [{ ...paid, amount_usd: 1, due: { on: '2026-09-01' } }] },
    };
    expect((await stated(termsOf([late, next]), [], AFTER)).tranches).toMatchObject([
      { contract: 'openai-2026-04', amount_micro_usd: usd(1), status: 'waiting' },
    ]);
  });

  it('capacity counts what ran while its words held', async () => {
    const on = calls.map(one => ({ ...one, cloud: 'aws', accelerator: 'trainium' }));
    const terms = changed({ capacity: [{ ...trainium, amount: 3 }] });
    expect((await stated(terms, on, AFTER)).capacity).toMatchObject([{ amount: 3, ran: { calls: 1, tokens: 7 } }]);
    expect((await stated(terms, on, APRIL - 1)).capacity).toMatchObject([{ amount: 2, ran: { calls: 1, tokens: 30 } }]);
  });

  it('holds by the last contract that has it, whatever the order in which they are configured', () => {
    for (const list of [ERAS, ERAS.toReversed()]) {
      const shares = (at: number) => termsAt(termsOf(list), at).shares.map(({ contract }) => contract);
      expect([shares(APRIL - 1), shares(APRIL)]).toEqual([['openai-2025-10'], ['openai-2026-04']]);
    }
  });
});
