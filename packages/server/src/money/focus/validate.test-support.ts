/** The rules that FOCUS 1.3 has for rows of ours. Written from the specification, not from the code that makes them. */
import type { Column, FocusRow } from './columns.ts';

const DATETIME = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
/** No exponent, no plus, no comma, no unit (NumericFormat). */
const NUMERIC = /^-?\d+(\.\d+)?$/;

/** Every breach in a row of either dataset; empty if it is as the columns say. */
export function columnFaults(row: FocusRow, columns: readonly Column[]): readonly string[] {
  const faults = Object.keys(row).filter(name => !columns.some(column => column.name === name));
  return [
    ...faults.map(name => `${name}: is no column`),
    ...columns.flatMap(({ name, type, nullable, allowed }) => {
      const cell = row[name];
      if (cell === undefined) return [`${name}: is missing`];
      if (cell === null) return nullable ? [] : [`${name}: must not be null`];
      if (!/^(x_)?[A-Z][A-Za-z]*$/.test(name)) return [`${name}: is not PascalCase`];
      if (type === 'string' && (cell === '' || cell !== cell.trim())) return [`${name}: "${cell}" is empty or padded`];
      if (type === 'decimal' && !NUMERIC.test(cell)) return [`${name}: ${cell} is no number`];
      if (type === 'datetime' && !DATETIME.test(cell)) return [`${name}: ${cell} is no time`];
      if (type === 'json' && typeof JSON.parse(cell) !== 'object') return [`${name}: ${cell} is no object`];
      return allowed !== undefined && !allowed.includes(cell) ? [`${name}: ${cell} is not allowed`] : [];
    }),
  ];
}

/** Decimals without loss: the digits as an integer of 10^-12. */
export function pico(text: string | null | undefined): bigint {
  const [whole = '0', rest = ''] = (text ?? '0').replace('-', '').split('.');
  const size = BigInt(whole + rest.padEnd(12, '0'));
  return (text ?? '').startsWith('-') ? -size : size;
}

/** What columns of a Cost and Usage row say of one another. */
export function chargeFaults(row: FocusRow): readonly string[] {
  const faults: string[] = [];
  const must = (holds: boolean, what: string): void => void (holds || faults.push(what));
  const is = (name: string): string => row[name] ?? '';
  const usage = row['ChargeCategory'] === 'Usage';
  const correction = row['ChargeClass'] === 'Correction';
  must(is('BillingPeriodStart') < is('BillingPeriodEnd'), 'the billing period is empty');
  must(is('ChargePeriodStart') < is('ChargePeriodEnd'), 'the charge period is empty');
  const within = is('ChargePeriodStart') >= is('BillingPeriodStart') && is('ChargePeriodEnd') <= is('BillingPeriodEnd');
  must(within || correction, 'the charge period is outside of the billing period');
  must(!usage || is('ChargeFrequency') === 'Usage-Based', 'usage is charged as it comes');
  must(/^[A-Z]{3}$/.test(is('BillingCurrency')), 'the currency is no ISO 4217 code');
  for (const name of [
    'PricingQuantity',
    'PricingUnit',
    'PricingCategory',
    'ConsumedQuantity',
    'ListUnitPrice',
    'ContractedUnitPrice',
  ]) {
    if (row['SkuPriceId'] === null) must(row[name] === null, `${name} must be null without a SkuPriceId`);
    else if (usage && !correction) must(row[name] !== null, `${name} must not be null for usage`);
  }
  must(
    (row['ConsumedQuantity'] === null) === (row['ConsumedUnit'] === null),
    'ConsumedUnit goes with ConsumedQuantity',
  );
  must((row['PricingQuantity'] === null) === (row['PricingUnit'] === null), 'PricingUnit goes with PricingQuantity');
  must(row['SkuId'] !== null || (row['SkuMeter'] === null && row['SkuPriceId'] === null), 'a price needs a SKU');
  for (const [cost, price] of [
    ['ListCost', 'ListUnitPrice'],
    ['ContractedCost', 'ContractedUnitPrice'],
  ] as const) {
    const unit = row[price] ?? null;
    if (unit === null) must(is(cost) === is('BilledCost'), `${cost} must be the billed cost without a unit price`);
    else
      must(
        pico(is(cost)) === pico(unit) * BigInt(is('PricingQuantity')),
        `${cost} is not ${price} times PricingQuantity`,
      );
  }
  const discount = Object.entries(row).filter(([name]) => name.startsWith('CommitmentDiscount'));
  must(
    row['CommitmentDiscountId'] !== null || discount.every(([, cell]) => cell === null),
    'a discount without its id',
  );
  for (const element of elementsOf(row['ContractApplied'] ?? null)) {
    must(typeof element['ContractId'] === 'string', 'ContractApplied without ContractId');
    must(typeof element['ContractCommitmentID'] === 'string', 'ContractApplied without ContractCommitmentID');
    must(typeof element['ContractCommitmentAppliedCost'] === 'number', 'ContractApplied without a cost');
    const [quantity, unit] = [element['ContractCommitmentAppliedQuantity'], element['ContractCommitmentAppliedUnit']];
    must(quantity !== undefined && unit !== undefined, 'ContractApplied without one of its four properties');
    must((quantity === null) === (unit === null), 'ContractApplied: a quantity needs its unit');
    const known = /^(ContractId|ContractCommitment(ID|Applied(Cost|Quantity|Unit))|x_.+)$/;
    must(
      Object.keys(element).every(key => known.test(key)),
      'ContractApplied with a property that is neither known nor x_',
    );
  }
  for (const [key, value] of Object.entries(JSON.parse(row['Tags'] ?? '{}') as object)) {
    must(typeof value === 'string', 'a tag is no text');
    must(/^[a-z]+\/./.test(key), 'a tag of the provider without its prefix');
  }
  must((row['RegionId'] === null) === (row['RegionName'] === null), 'RegionName goes with RegionId');
  must((row['SubAccountId'] === null) === (row['SubAccountName'] === null), 'SubAccountName goes with SubAccountId');
  must((row['ResourceId'] === null) === (row['ResourceType'] === null), 'ResourceType goes with ResourceId');
  must(row['ResourceName'] !== row['ResourceId'], 'ResourceName is a copy of ResourceId');
  for (const price of ['ListUnitPrice', 'ContractedUnitPrice'])
    must(!is(price).startsWith('-'), `${price} is below nothing`);
  return faults;
}

function elementsOf(text: string | null): readonly { readonly [key: string]: unknown }[] {
  if (text === null) return [];
  return (JSON.parse(text) as { Elements: { readonly [key: string]: unknown }[] }).Elements;
}

export function commitmentFaults(row: FocusRow): readonly string[] {
  const faults: string[] = [];
  const spend = row['ContractCommitmentCategory'] === 'Spend';
  if (spend && row['BillingCurrency'] === null) faults.push('a spend commitment without its currency');
  if (!spend && row['ContractCommitmentQuantity'] === null) faults.push('a usage commitment without its quantity');
  if (spend && row['ContractCommitmentCost'] === null) faults.push('a spend commitment without its cost');
  if ((row['ContractCommitmentQuantity'] === null) !== (row['ContractCommitmentUnit'] === null))
    faults.push('a quantity needs its unit');
  return faults;
}
