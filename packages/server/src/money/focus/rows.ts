/**
 * FOCUS 1.3 rows. Billed and effective cost are our whole micro-units, so that they sum to the usage exactly; list and contracted cost are unit
 * price times quantity, as the specification wants it, exact to a millionth of a micro-unit.
 */
import { decimalText, unitText } from '../amounts.ts';
import type { CapacityTerm } from '../capacity.ts';
import { monthSpan } from '../calendar.ts';
import type { BillingPlace } from '../closing.ts';
import type { Burning } from '../burning.ts';
import type { CommitmentTerm } from '../commitments.ts';
import { type Held, heldSpan } from '../held.ts';
import { METERS, type MeterName } from '../prices.ts';
import type { AccruingShare } from '../shares.ts';
import type { UsageRow } from '../usage.ts';
import type { FocusRow } from './columns.ts';

export interface FocusTerms {
  readonly currency: string;
  /** They burn down over one export, */
  readonly commitments: Burning<CommitmentTerm & { readonly contract: string }>;
  /** and these accrue over one export: its rows are given in one go. */
  readonly shares: readonly AccruingShare[];
}

/** Tags are ours, not the user's: their keys begin so. */
const TAGS = 'perdure/';
const UNIT = 'Tokens';
const METER_WORDS: { readonly [meter in MeterName]: string } = {
  input: 'Input Tokens',
  cached: 'Cached Input Tokens',
  written: 'Cache Write Tokens',
  output: 'Output Tokens',
  reasoning: 'Reasoning Tokens',
};

/** Without fractions of a second, in UTC. */
function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/**
 * A row for each meter that counted something.
 * @param leaf the number of the placement's leaf in its home's ledger; null if it is not sealed
 */
export function costAndUsage(
  row: UsageRow,
  billed: BillingPlace,
  terms: FocusTerms,
  leaf: number | null = null,
): readonly FocusRow[] {
  // What the call adds to the shares stands in its first row: a share is of the call's whole revenue.
  let shared = terms.shares.reduce((all, share) => all + share.add(row), 0n);
  return METERS.filter(meter => row.tokens[meter] > 0).map(meter => {
    const made = meterRow(row, meter, billed, {
      currency: terms.currency,
      shared,
      applied: appliedCosts(row, meter, terms.commitments),
    });
    shared = 0n;
    return { ...made, x_PlacementLeafIndex: leaf === null ? null : String(leaf) };
  });
}

export interface MeterMoney {
  readonly currency: string;
  /** What the call adds to the shares of revenue. */
  readonly shared: bigint;
  readonly applied: ReadonlyMap<string, Applied>;
}

export function meterRow(
  row: UsageRow,
  meter: MeterName,
  { period, correction }: BillingPlace,
  { currency, shared, applied }: MeterMoney,
): Omit<FocusRow, 'x_PlacementLeafIndex'> {
  const month = monthSpan(period);
  const start = Math.floor(row.at / 1000) * 1000;
  const tokens = String(row.tokens[meter]);
  const cost = unitText(row.costLines[meter]);
  const sku = `${row.vendor}/${row.model}/${meter}`;
  const price = row.prices?.[meter];
  // Micro-units a million tokens are pico-units a token.
  const unitPrice = price === undefined ? null : decimalText(BigInt(price), 12);
  const exact = price === undefined ? cost : decimalText(BigInt(price) * BigInt(row.tokens[meter]), 12);
  const priced = unitPrice !== null;
  return {
    BilledCost: cost,
    BillingAccountId: row.tenant,
    BillingAccountName: null,
    BillingCurrency: currency,
    BillingPeriodEnd: timeText(month?.to ?? Number.NaN),
    BillingPeriodStart: timeText(month?.from ?? Number.NaN),
    ChargeCategory: 'Usage',
    ChargeClass: correction ? 'Correction' : null,
    ChargeDescription: `${METER_WORDS[meter]} of ${row.model} on ${row.target}`,
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: timeText(start + 1000),
    ChargePeriodStart: timeText(start),
    CommitmentDiscountCategory: null,
    CommitmentDiscountId: null,
    CommitmentDiscountName: null,
    CommitmentDiscountQuantity: null,
    CommitmentDiscountStatus: null,
    CommitmentDiscountType: null,
    CommitmentDiscountUnit: null,
    ConsumedQuantity: priced ? tokens : null,
    ConsumedUnit: priced ? UNIT : null,
    ContractApplied: contractApplied(applied),
    ContractedCost: exact,
    ContractedUnitPrice: unitPrice,
    EffectiveCost: cost,
    HostProviderName: row.cloud,
    InvoiceIssuerName: row.cloud,
    ListCost: exact,
    ListUnitPrice: unitPrice,
    PricingCategory: priced ? 'Standard' : null,
    PricingQuantity: priced ? tokens : null,
    PricingUnit: priced ? UNIT : null,
    ProviderName: row.vendor,
    PublisherName: row.vendor,
    RegionId: row.region,
    RegionName: row.region,
    ResourceId: row.target,
    // It has no name besides its id, and FOCUS wants no copy of that.
    ResourceName: null,
    ResourceType: 'Model Deployment',
    ServiceCategory: 'AI and Machine Learning',
    ServiceName: row.model,
    ServiceProviderName: row.vendor,
    ServiceSubcategory: 'Generative AI',
    SkuId: sku,
    SkuMeter: METER_WORDS[meter],
    SkuPriceDetails: null,
    // The same whatever the price comes to: it is looked up by this, and may change.
    SkuPriceId: priced ? `${row.target}/${row.model}/${meter}` : null,
    SubAccountId: row.key,
    SubAccountName: row.key,
    Tags: JSON.stringify({
      [`${TAGS}product`]: row.product,
      [`${TAGS}channel`]: row.channel,
      [`${TAGS}seller`]: row.seller,
      [`${TAGS}segment`]: row.segment,
      [`${TAGS}purpose`]: row.purpose,
      [`${TAGS}session`]: row.session,
    }),
    x_ClauseIds: row.clauses.length === 0 ? null : row.clauses.join(' '),
    x_Metered: row.metered,
    x_PlacementId: row.id,
    x_Reading: row.contracts.length === 0 ? null : row.contracts.join(' '),
    x_Restatement: null,
    x_Revenue: unitText(row.revenueLines[meter]),
    x_RevenueShare: unitText(shared),
    x_Tokens: tokens,
    x_UpstreamRequestId: row.upstream.request ?? row.upstream.response,
  };
}

export interface Applied {
  readonly contract: string;
  readonly cost: bigint;
}

/** By `contract/id`: what of the meter's cost burns each commitment down, which counts it. */
export function appliedCosts(
  row: UsageRow,
  meter: MeterName,
  commitments: FocusTerms['commitments'],
): ReadonlyMap<string, Applied> {
  const applied = commitments.add({ ...row, cost: row.costLines[meter] }).filter(({ burned }) => burned > 0n);
  return new Map(
    applied.map(({ term: { contract, id }, burned }) => [`${contract}/${id}`, { contract, cost: burned }]),
  );
}

export function contractApplied(applied: ReadonlyMap<string, Applied>): string | null {
  if (applied.size === 0) return null;
  // The cost as a number of JSON, digit by digit. FOCUS 1.3 writes `ContractId` and `ContractCommitmentID`, and wants all four of the latter.
  const elements = [...applied].map(
    ([id, { contract, cost }]) =>
      `{"ContractId":${JSON.stringify(contract)},"ContractCommitmentID":${JSON.stringify(id)},` +
      `"ContractCommitmentAppliedCost":${unitText(cost)},` +
      '"ContractCommitmentAppliedQuantity":null,"ContractCommitmentAppliedUnit":null}',
  );
  return `{"Elements":[${elements.join(',')}]}`;
}

/** For periods without a known end, since the column may not be null. */
export const NO_END = '9999-12-31T00:00:00Z';
/** And without a known beginning. */
export const NO_START = '1970-01-01T00:00:00Z';

interface InContract {
  readonly contract: string;
  /** ms since 1970; null: open. */
  readonly contractFrom: number | null;
  readonly contractTo: number | null;
  readonly held?: Pick<Held<unknown>, 'since' | 'until'>;
}

export function spendCommitment(term: Omit<CommitmentTerm, 'held'> & InContract, currency: string): FocusRow {
  return {
    ...periods(term, currency),
    ContractCommitmentCategory: 'Spend',
    ContractCommitmentCost: unitText(term.amount),
    ContractCommitmentDescription: `${term.payer} spends on ${term.cloud}, owed to ${term.payee}; a shortfall is ${term.shortfall}`,
    ContractCommitmentQuantity: null,
    ContractCommitmentType: 'Spend Commitment',
    ContractCommitmentUnit: null,
  };
}

export function capacityCommitment(term: Omit<CapacityTerm, 'held'> & InContract, currency: string): FocusRow {
  return {
    ...periods(term, currency),
    ContractCommitmentCategory: 'Usage',
    ContractCommitmentCost: null,
    ContractCommitmentDescription: `${term.accelerator} of ${term.provider}`,
    ContractCommitmentQuantity: String(term.amount),
    ContractCommitmentType: 'Capacity',
    ContractCommitmentUnit: term.unit,
  };
}

function periods(
  term: InContract & { readonly id: string; readonly from: number | null; readonly to: number | null },
  currency: string,
): FocusRow {
  const { from, to } = heldSpan(term, term.from, term.to);
  return {
    BillingCurrency: currency,
    ContractCommitmentId: `${term.contract}/${term.id}`,
    ContractCommitmentPeriodEnd: to === null ? NO_END : timeText(to),
    ContractCommitmentPeriodStart: from === null ? NO_START : timeText(from),
    ContractId: term.contract,
    ContractPeriodEnd: term.contractTo === null ? NO_END : timeText(term.contractTo),
    ContractPeriodStart: term.contractFrom === null ? NO_START : timeText(term.contractFrom),
  };
}
