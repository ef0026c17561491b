/**
 * What FOCUS 1.3 says of its columns, those that we do not write too: a row for each, from the section of the specification that has the column's
 * display name ("Content Constraints" and "Allowed values" there), under "Cost and Usage Columns" or "Contract Commitment Columns": version 1.3,
 * https://focus.finops.org. Written down from the specification, and compared with `columns.ts`, so that neither is the other's copy. The columns
 * of split cost allocation (`Allocated...`), of which none is mandatory, are not in it.
 */
import type { ColumnType } from './columns.ts';

export type FeatureLevel = 'Mandatory' | 'Conditional' | 'Recommended';

export interface SpecColumn {
  /** The heading of its section. */
  readonly section: string;
  readonly name: string;
  readonly level: FeatureLevel;
  /** Null, as of the type: of a column that we do not write, and not looked up. */
  readonly nulls: boolean | null;
  readonly type: ColumnType | null;
  readonly allowed: readonly string[] | null;
}

const of = (
  type: ColumnType,
  level: FeatureLevel,
  nulls: boolean,
  section: string,
  name: string,
  allowed: readonly string[] | null = null,
): SpecColumn => ({ section, name, level, nulls, type, allowed });

const [M, C, R] = ['Mandatory', 'Conditional', 'Recommended'] as const;

/** Of a column that we do not write. */
const unwritten = (level: FeatureLevel, section: string, name: string): SpecColumn => ({
  section,
  name,
  level,
  nulls: null,
  type: null,
  allowed: null,
});

const SERVICE_CATEGORIES = [
  'AI and Machine Learning',
  'Analytics',
  'Business Applications',
  'Compute',
  'Databases',
  'Developer Tools',
  'Multicloud',
  'Identity',
  'Integration',
  'Internet of Things',
  'Management and Governance',
  'Media',
  'Migration',
  'Mobile',
  'Networking',
  'Security',
  'Storage',
  'Web',
  'Other',
];

/** Of those whose parent is "AI and Machine Learning". */
const AI_SUBCATEGORIES = [
  'AI Platforms',
  'Bots',
  'Generative AI',
  'Machine Learning',
  'Natural Language Processing',
  'Other (AI and Machine Learning)',
];

export const COST_AND_USAGE_SPEC: readonly SpecColumn[] = [
  unwritten(R, 'Availability Zone', 'AvailabilityZone'),
  of('decimal', M, false, 'Billed Cost', 'BilledCost'),
  of('string', M, false, 'Billing Account ID', 'BillingAccountId'),
  of('string', M, true, 'Billing Account Name', 'BillingAccountName'),
  unwritten(C, 'Billing Account Type', 'BillingAccountType'),
  of('string', M, false, 'Billing Currency', 'BillingCurrency'),
  of('datetime', M, false, 'Billing Period End', 'BillingPeriodEnd'),
  of('datetime', M, false, 'Billing Period Start', 'BillingPeriodStart'),
  unwritten(C, 'Capacity Reservation ID', 'CapacityReservationId'),
  unwritten(C, 'Capacity Reservation Status', 'CapacityReservationStatus'),
  of('string', M, false, 'Charge Category', 'ChargeCategory', ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']),
  of('string', M, true, 'Charge Class', 'ChargeClass', ['Correction']),
  of('string', M, true, 'Charge Description', 'ChargeDescription'),
  of('string', R, false, 'Charge Frequency', 'ChargeFrequency', ['One-Time', 'Recurring', 'Usage-Based']),
  of('datetime', M, false, 'Charge Period End', 'ChargePeriodEnd'),
  of('datetime', M, false, 'Charge Period Start', 'ChargePeriodStart'),
  of('string', C, true, 'Commitment Discount Category', 'CommitmentDiscountCategory', ['Spend', 'Usage']),
  of('string', C, true, 'Commitment Discount ID', 'CommitmentDiscountId'),
  of('string', C, true, 'Commitment Discount Name', 'CommitmentDiscountName'),
  of('decimal', C, true, 'Commitment Discount Quantity', 'CommitmentDiscountQuantity'),
  of('string', C, true, 'Commitment Discount Status', 'CommitmentDiscountStatus', ['Used', 'Unused']),
  of('string', C, true, 'Commitment Discount Type', 'CommitmentDiscountType'),
  of('string', C, true, 'Commitment Discount Unit', 'CommitmentDiscountUnit'),
  of('decimal', C, true, 'Consumed Quantity', 'ConsumedQuantity'),
  of('string', C, true, 'Consumed Unit', 'ConsumedUnit'),
  of('json', C, true, 'Contract Applied', 'ContractApplied'),
  of('decimal', M, false, 'Contracted Cost', 'ContractedCost'),
  of('decimal', C, true, 'Contracted Unit Price', 'ContractedUnitPrice'),
  of('decimal', M, false, 'Effective Cost', 'EffectiveCost'),
  of('string', M, true, 'Host Provider Name', 'HostProviderName'),
  unwritten(R, 'Invoice ID', 'InvoiceId'),
  of('string', M, false, 'Invoice Issuer Name', 'InvoiceIssuerName'),
  of('decimal', M, false, 'List Cost', 'ListCost'),
  of('decimal', C, true, 'List Unit Price', 'ListUnitPrice'),
  of('string', C, true, 'Pricing Category', 'PricingCategory', ['Standard', 'Dynamic', 'Committed', 'Other']),
  unwritten(C, 'Pricing Currency', 'PricingCurrency'),
  unwritten(C, 'Pricing Currency Contracted Unit Price', 'PricingCurrencyContractedUnitPrice'),
  unwritten(C, 'Pricing Currency Effective Cost', 'PricingCurrencyEffectiveCost'),
  unwritten(C, 'Pricing Currency List Unit Price', 'PricingCurrencyListUnitPrice'),
  of('decimal', M, true, 'Pricing Quantity', 'PricingQuantity'),
  of('string', M, true, 'Pricing Unit', 'PricingUnit'),
  of('string', M, false, 'Provider - DEPRECATED', 'ProviderName'),
  of('string', M, false, 'Publisher - DEPRECATED', 'PublisherName'),
  of('string', C, true, 'Region ID', 'RegionId'),
  of('string', C, true, 'Region Name', 'RegionName'),
  of('string', C, true, 'Resource ID', 'ResourceId'),
  of('string', C, true, 'Resource Name', 'ResourceName'),
  of('string', C, true, 'Resource Type', 'ResourceType'),
  of('string', M, false, 'Service Category', 'ServiceCategory', SERVICE_CATEGORIES),
  of('string', M, false, 'Service Name', 'ServiceName'),
  of('string', M, false, 'Service Provider Name', 'ServiceProviderName'),
  of('string', R, false, 'Service Subcategory', 'ServiceSubcategory', AI_SUBCATEGORIES),
  of('string', C, true, 'SKU ID', 'SkuId'),
  of('string', C, true, 'SKU Meter', 'SkuMeter'),
  of('json', C, true, 'SKU Price Details', 'SkuPriceDetails'),
  of('string', C, true, 'SKU Price ID', 'SkuPriceId'),
  of('string', C, true, 'Sub Account ID', 'SubAccountId'),
  of('string', C, true, 'Sub Account Name', 'SubAccountName'),
  unwritten(C, 'Sub Account Type', 'SubAccountType'),
  of('json', C, true, 'Tags', 'Tags'),
];

/** "Allows nulls" says True of some whose requirements say that they must not be null: the requirements count. */
export const CONTRACT_COMMITMENT_SPEC: readonly SpecColumn[] = [
  of('string', M, true, 'Billing Currency', 'BillingCurrency'),
  of('string', M, false, 'Contract Commitment Category', 'ContractCommitmentCategory', ['Spend', 'Usage']),
  of('decimal', M, true, 'Contract Commitment Cost', 'ContractCommitmentCost'),
  of('string', M, true, 'Contract Commitment Description', 'ContractCommitmentDescription'),
  of('string', M, false, 'Contract Commitment ID', 'ContractCommitmentId'),
  of('datetime', M, false, 'Contract Commitment Period End', 'ContractCommitmentPeriodEnd'),
  of('datetime', M, false, 'Contract Commitment Period Start', 'ContractCommitmentPeriodStart'),
  of('decimal', M, true, 'Contract Commitment Quantity', 'ContractCommitmentQuantity'),
  of('string', M, false, 'Contract Commitment Type', 'ContractCommitmentType'),
  of('string', M, true, 'Contract Commitment Unit', 'ContractCommitmentUnit'),
  of('string', M, false, 'Contract ID', 'ContractId'),
  of('datetime', M, false, 'Contract Period End', 'ContractPeriodEnd'),
  of('datetime', M, false, 'Contract Period Start', 'ContractPeriodStart'),
];
