/**
 * The columns that we write of FOCUS 1.3 (focus.finops.org), with the rules that the specification gives each: whether it may be null, its type,
 * its allowed values. `x_` columns are ours.
 */
export type ColumnType = 'string' | 'decimal' | 'datetime' | 'json';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly allowed?: readonly string[];
}

/** A cell: null, or text as its type wants it. Decimals are texts too, so that none is rounded on its way. */
export type Cell = string | null;
export type FocusRow = { readonly [column: string]: Cell };

const column = (type: ColumnType, nullable: boolean, name: string, allowed?: readonly string[]): Column => ({
  name,
  type,
  nullable,
  ...(allowed !== undefined && { allowed }),
});
const text = (name: string, allowed?: readonly string[]): Column => column('string', false, name, allowed);
const textOrNull = (name: string, allowed?: readonly string[]): Column => column('string', true, name, allowed);
const decimal = (name: string): Column => column('decimal', false, name);
const decimalOrNull = (name: string): Column => column('decimal', true, name);
const time = (name: string): Column => column('datetime', false, name);
const json = (name: string): Column => column('json', true, name);

/** Cost and Usage: a row for each meter of each call. */
export const COST_AND_USAGE: readonly Column[] = [
  decimal('BilledCost'),
  text('BillingAccountId'),
  textOrNull('BillingAccountName'),
  text('BillingCurrency'),
  time('BillingPeriodEnd'),
  time('BillingPeriodStart'),
  text('ChargeCategory', ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']),
  textOrNull('ChargeClass', ['Correction']),
  textOrNull('ChargeDescription'),
  text('ChargeFrequency', ['One-Time', 'Recurring', 'Usage-Based']),
  time('ChargePeriodEnd'),
  time('ChargePeriodStart'),
  textOrNull('CommitmentDiscountCategory', ['Spend', 'Usage']),
  textOrNull('CommitmentDiscountId'),
  textOrNull('CommitmentDiscountName'),
  decimalOrNull('CommitmentDiscountQuantity'),
  textOrNull('CommitmentDiscountStatus', ['Used', 'Unused']),
  textOrNull('CommitmentDiscountType'),
  textOrNull('CommitmentDiscountUnit'),
  decimalOrNull('ConsumedQuantity'),
  textOrNull('ConsumedUnit'),
  json('ContractApplied'),
  decimal('ContractedCost'),
  decimalOrNull('ContractedUnitPrice'),
  decimal('EffectiveCost'),
  textOrNull('HostProviderName'),
  text('InvoiceIssuerName'),
  decimal('ListCost'),
  decimalOrNull('ListUnitPrice'),
  textOrNull('PricingCategory', ['Standard', 'Dynamic', 'Committed', 'Other']),
  decimalOrNull('PricingQuantity'),
  textOrNull('PricingUnit'),
  text('ProviderName'),
  text('PublisherName'),
  textOrNull('RegionId'),
  textOrNull('RegionName'),
  textOrNull('ResourceId'),
  textOrNull('ResourceName'),
  textOrNull('ResourceType'),
  text('ServiceCategory', ['AI and Machine Learning']),
  text('ServiceName'),
  text('ServiceProviderName'),
  text('ServiceSubcategory', ['Generative AI']),
  textOrNull('SkuId'),
  textOrNull('SkuMeter'),
  json('SkuPriceDetails'),
  textOrNull('SkuPriceId'),
  textOrNull('SubAccountId'),
  textOrNull('SubAccountName'),
  json('Tags'),
  textOrNull('x_ClauseIds'),
  text('x_Metered', ['exact', 'estimate', 'bound']),
  text('x_PlacementId'),
  decimalOrNull('x_PlacementLeafIndex'),
  textOrNull('x_Reading'),
  textOrNull('x_Restatement'),
  decimal('x_Revenue'),
  decimal('x_RevenueShare'),
  decimal('x_Tokens'),
  textOrNull('x_UpstreamRequestId'),
];

export const CONTRACT_COMMITMENT: readonly Column[] = [
  text('BillingCurrency'),
  text('ContractCommitmentCategory', ['Spend', 'Usage']),
  decimalOrNull('ContractCommitmentCost'),
  textOrNull('ContractCommitmentDescription'),
  text('ContractCommitmentId'),
  time('ContractCommitmentPeriodEnd'),
  time('ContractCommitmentPeriodStart'),
  decimalOrNull('ContractCommitmentQuantity'),
  text('ContractCommitmentType'),
  textOrNull('ContractCommitmentUnit'),
  text('ContractId'),
  time('ContractPeriodEnd'),
  time('ContractPeriodStart'),
];
