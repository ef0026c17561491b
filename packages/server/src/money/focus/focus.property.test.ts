import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { monthOf } from '../calendar.ts';
import { billedIn } from '../closing.ts';
import { Burning } from '../burning.ts';
import type { CommitmentTerm } from '../commitments.ts';
import { CALL, MARCH, someRows } from '../rows.test-support.ts';
import { AccruingShare, shareState, type ShareTerm } from '../shares.ts';
import { grandTotal, sum } from '../totals.ts';
import { rate } from '../usage.ts';
import { CONTRACT_COMMITMENT, COST_AND_USAGE } from './columns.ts';
import { capacityCommitment, costAndUsage, spendCommitment } from './rows.ts';
import { CONTRACT_COMMITMENT_SPEC, COST_AND_USAGE_SPEC } from './spec-1-3.test-support.ts';
import { chargeFaults, columnFaults, commitmentFaults, pico } from './validate.test-support.ts';

const commitment: CommitmentTerm & { readonly contract: string } = {
  id: 'edp',
  contract: 'acme',
  payer: 'acme',
  payee: 'amazon',
  cloud: 'aws',
  shortfall: 'owed' as const,
  amount: 10n ** 12n,
  from: MARCH,
  to: MARCH + 30 * 86_400_000,
};
const share: ShareTerm = {
  id: 's',
  payer: 'a',
  payee: 'b',
  rate: { num: 1n, den: 3n },
  vendor: 'openai',
  clouds: null,
  cap: 5000n,
  from: null,
  to: null,
};
const terms = (commitments: readonly (typeof commitment)[] = [commitment]) => ({
  currency: 'USD',
  commitments: new Burning(commitments),
  shares: [new AccruingShare(share)],
});

describe.each([
  ['Cost and Usage', COST_AND_USAGE, COST_AND_USAGE_SPEC],
  ['Contract Commitment', CONTRACT_COMMITMENT, CONTRACT_COMMITMENT_SPEC],
])('the columns of %s', (_, columns, spec) => {
  const ours = columns.filter(({ name }) => !name.startsWith('x_'));

  const names = ours.map(({ name }) => name);

  it('are the specification’s, in its order, each once', () => {
    expect(names).toEqual(spec.map(({ name }) => name).filter(name => names.includes(name)));
    expect(new Set(names).size).toBe(names.length);
  });

  it('none that is mandatory is missing', () => {
    const mandatory = spec.filter(({ level }) => level === 'Mandatory').map(({ name }) => name);
    expect(mandatory.length).toBeGreaterThan(10);
    expect(mandatory.filter(name => !names.includes(name))).toEqual([]);
  });

  it.each(ours.map(column => [column.name, column] as const))('%s is as its section says', (name, column) => {
    const said = spec.find(one => one.name === name);
    expect(column.type).toBe(said?.type);
    // Never null where it may be null is allowed; the other way round is not.
    if (said?.nulls === false) expect(column.nullable).toBe(false);
    if (said?.allowed === null) expect(column.allowed).toBeUndefined();
    else for (const value of column.allowed ?? ['no values at all']) expect(said?.allowed).toContain(value);
  });
});

it('what is left out of Cost and Usage is what we have nothing to say of: no zones, invoices, reservations, kinds of accounts or second currency', () => {
  const written = new Set(COST_AND_USAGE.map(({ name }) => name));
  const left = COST_AND_USAGE_SPEC.filter(({ name }) => !written.has(name));
  expect(left.map(({ name, level }) => `${name} ${level}`)).toEqual([
    'AvailabilityZone Recommended',
    'BillingAccountType Conditional',
    'CapacityReservationId Conditional',
    'CapacityReservationStatus Conditional',
    'InvoiceId Recommended',
    'PricingCurrency Conditional',
    'PricingCurrencyContractedUnitPrice Conditional',
    'PricingCurrencyEffectiveCost Conditional',
    'PricingCurrencyListUnitPrice Conditional',
    'SubAccountType Conditional',
  ]);
  // Whose type and nulls are not looked up is not written.
  expect(COST_AND_USAGE_SPEC.filter(({ type, nulls }) => type === null || nulls === null)).toEqual(left);
});

it('every row is as FOCUS 1.3 wants it, and they sum to the usage, to the micro-unit', () => {
  fc.assert(
    fc.property(someRows, fc.boolean(), ({ rows }, marchIsClosed) => {
      const closed = new Map(
        marchIsClosed ? [['2026-03', { period: '2026-03', cutoff: MARCH + 31 * 86_400_000 }]] : [],
      );
      const open = terms();
      const made = rows.flatMap(row => costAndUsage(row, billedIn(row, closed), open));
      for (const row of made) expect([...columnFaults(row, COST_AND_USAGE), ...chargeFaults(row)]).toEqual([]);
      const all = grandTotal(sum(rows, ['cloud']));
      const summed = (name: string): bigint => made.reduce((total, row) => total + pico(row[name]), 0n);
      expect(summed('BilledCost')).toBe(all.cost * 1_000_000n);
      expect(summed('EffectiveCost')).toBe(all.cost * 1_000_000n);
      expect(summed('x_Revenue')).toBe(all.revenue * 1_000_000n);
      expect(summed('x_Tokens')).toBe(BigInt(Object.values(all.tokens).reduce((a, b) => a + b, 0)) * 10n ** 12n);
      const billable = rows.filter(row => Object.values(row.tokens).some(count => count > 0));
      expect(summed('x_RevenueShare')).toBe(shareState(share, billable, Number.POSITIVE_INFINITY).due * 1_000_000n);
      for (const row of made)
        expect(row['ChargeClass'] === 'Correction').toBe(
          row['BillingPeriodStart']?.slice(0, 7) !== row['ChargePeriodStart']?.slice(0, 7),
        );
    }),
  );
});

it('what is metered late of a closed month is a correction in the open one, and no closed row changes', () => {
  fc.assert(
    fc.property(someRows, fc.integer({ min: 0, max: 10 * 86_400_000 }), ({ rows }, grace) => {
      const closed = new Map([['2026-03', { period: '2026-03', cutoff: MARCH + 31 * 86_400_000 + grace }]]);
      const march = (list: typeof rows) =>
        list.map(row => ({ row, place: billedIn(row, closed) })).filter(({ place }) => place.period === '2026-03');
      // At the moment of closing only these meters were there.
      const known = rows.filter(row => row.meteredAt <= MARCH + 31 * 86_400_000 + grace);
      expect(march(rows)).toEqual(march(known));
      expect(march(rows).some(({ place }) => place.correction)).toBe(false);
      const late = rows.filter(row => monthOf(row.at) === '2026-03' && !known.includes(row));
      for (const row of late) expect(billedIn(row, closed)).toEqual({ period: '2026-04', correction: true });
    }),
  );
});

it('what is applied of a charge to a chain of commitments is never more than the charge, and to each never more than its amount', () => {
  const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 7n }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(someRows, amounts, ({ rows }, chain) => {
      const commitments = chain.map((amount, i) => ({
        ...commitment,
        id: `c${i}`,
        amount,
        ...(i > 0 && { onTopOf: `c${i - 1}` }),
      }));
      const open = terms(commitments);
      const made = rows.flatMap(row => costAndUsage(row, billedIn(row, new Map()), open));
      const applied = new Map<string, bigint>();
      for (const row of made) {
        const parts = appliedOf(row['ContractApplied'] ?? null);
        expect(parts.reduce((sum, [, part]) => sum + part, 0n) <= pico(row['BilledCost'])).toBe(true);
        for (const [id, part] of parts) applied.set(id, (applied.get(id) ?? 0n) + part);
      }
      const spent = rows
        .filter(({ at, cloud }) => cloud === 'aws' && at < MARCH + 30 * 86_400_000)
        .reduce((sum, { cost }) => sum + cost, 0n);
      let left = spent * 1_000_000n;
      for (const { id, amount } of commitments) {
        const filled = left < amount * 1_000_000n ? left : amount * 1_000_000n;
        expect(applied.get(`acme/${id}`) ?? 0n).toBe(filled);
        left -= filled;
      }
    }),
  );
});

/** Digit by digit: the cells hold numbers that a double may not. */
function appliedOf(cell: string | null): readonly (readonly [string, bigint])[] {
  const parts = (cell ?? '').matchAll(/"ContractCommitmentID":"([^"]+)","ContractCommitmentAppliedCost":([0-9.]+)/g);
  return [...parts].map(([, id = '', cost]) => [id, pico(cost)] as const);
}

it('is pinned', () => {
  const prices = { input: 1_250_000, cached: 125_000, written: 1_562_500, output: 10_000_000, reasoning: 10_000_000 };
  const row = rate(
    { ...CALL, cloud: 'aws' },
    { currency: 'USD', costs: { 'azure-east': [{ from: null, prices }] }, rates: [] },
  );
  const [first, ...rest] = costAndUsage(row, billedIn(row, new Map()), terms());
  expect(rest.map(({ SkuMeter, BilledCost, ListCost }) => [SkuMeter, BilledCost, ListCost])).toEqual([
    ['Cached Input Tokens', '0.000025', '0.000025'],
    ['Output Tokens', '0.0004', '0.0004'],
    ['Reasoning Tokens', '0.0001', '0.0001'],
  ]);
  expect(first).toMatchObject({
    BilledCost: '0.001',
    BillingPeriodStart: '2026-03-01T00:00:00Z',
    BillingPeriodEnd: '2026-04-01T00:00:00Z',
    ChargePeriodStart: '2026-03-01T00:00:00Z',
    ChargePeriodEnd: '2026-03-01T00:00:01Z',
    ListUnitPrice: '0.00000125',
    PricingQuantity: '800',
    SkuPriceId: 'azure-east/gpt/input',
    ContractApplied:
      '{"Elements":[{"ContractId":"acme","ContractCommitmentID":"acme/edp","ContractCommitmentAppliedCost":0.001,' +
      '"ContractCommitmentAppliedQuantity":null,"ContractCommitmentAppliedUnit":null}]}',
    x_UpstreamRequestId: 'up_req',
  });
});

it('contract commitments are as FOCUS 1.3 wants them', () => {
  const contract = { contractFrom: null, contractTo: MARCH };
  const spend = spendCommitment({ ...commitment, ...contract, to: null }, 'USD');
  const term = {
    id: 't',
    contract: 'acme',
    provider: 'amazon',
    cloud: 'aws',
    accelerator: 'trainium',
    amount: 2,
    unit: 'GW',
    from: MARCH,
    to: null,
  };
  const capacity = capacityCommitment({ ...term, ...contract }, 'USD');
  for (const row of [spend, capacity])
    expect([...columnFaults(row, CONTRACT_COMMITMENT), ...commitmentFaults(row)]).toEqual([]);
  expect(spend).toMatchObject({
    ContractCommitmentCost: '1000000',
    ContractCommitmentPeriodEnd: '9999-12-31T00:00:00Z',
  });
  expect(capacity).toMatchObject({
    ContractCommitmentQuantity: '2',
    ContractCommitmentUnit: 'GW',
    ContractCommitmentCost: null,
  });
});

it('the validator notices', () => {
  const row = rate(CALL, {
    currency: 'USD',
    costs: { 'azure-east': [{ from: null, prices: { input: 1, cached: 1, written: 1, output: 1, reasoning: 1 } }] },
    rates: [],
  });
  const [good] = costAndUsage(row, billedIn(row, new Map()), terms());
  const faults = (change: { readonly [name: string]: string | null }) => {
    const bad = { ...good, ...change };
    return [...columnFaults(bad, COST_AND_USAGE), ...chargeFaults(bad)].length;
  };
  expect(faults({})).toBe(0);
  for (const change of [
    { BilledCost: '1e3' },
    { BilledCost: null },
    { ListCost: '5' },
    { ChargeClass: 'correction' },
    { ChargePeriodStart: '2026-03-01T00:00:00.000Z' },
    { ChargePeriodStart: '2026-02-01T00:00:00Z' },
    { SkuPriceId: null },
    { BillingCurrency: 'dollars' },
    { Extra: 'x' },
    { CommitmentDiscountStatus: 'Used' },
  ])
    expect(faults(change), JSON.stringify(change)).toBeGreaterThan(0);
});
