/**
 * Amounts: integers of micro-units of a currency, as `bigint`. $1 is 1,000,000. Shares and prices per token are exact rationals, and become
 * an amount once, by one rule: half up, away from zero.
 */
export type Micro = bigint;

export const MICRO_PER_UNIT = 1_000_000n;

/** An exact rational. `den` is positive. */
export interface Ratio {
  readonly num: bigint;
  readonly den: bigint;
}

/** `num / den` to the nearest integer; a half goes away from zero. `den` must be positive. */
export function roundHalfUp(num: bigint, den: bigint): bigint {
  if (den <= 0n) throw new RangeError('a denominator must be positive');
  const size = num < 0n ? -num : num;
  const rounded = (2n * size + den) / (2n * den);
  return num < 0n ? -rounded : rounded;
}

/** A decimal number exactly as it is written: 12.5 is 125/10. @throws RangeError if it takes an exponent to write it */
function decimal(written: number): Ratio {
  const [, whole, rest = ''] = /^(-?\d+)(?:\.(\d+))?$/.exec(String(written)) ?? [];
  if (whole === undefined) throw new RangeError(`not a decimal number: ${written}`);
  return { num: BigInt(whole + rest), den: 10n ** BigInt(rest.length) };
}

export function percent(written: number): Ratio {
  const { num, den } = decimal(written);
  return { num, den: den * 100n };
}

export function share(amount: Micro, { num, den }: Ratio): Micro {
  return roundHalfUp(amount * num, den);
}

export const smaller = (a: Micro, b: Micro): Micro => (a < b ? a : b);
export const larger = (a: Micro, b: Micro): Micro => (a > b ? a : b);

/** The amount of so many units, with at most six decimals. @throws RangeError if it has more */
export function units(written: number): Micro {
  const { num, den } = decimal(written);
  if (MICRO_PER_UNIT % den !== 0n) throw new RangeError(`not whole in micro-units: ${written}`);
  return num * (MICRO_PER_UNIT / den);
}

/** As a decimal number with up to `decimals` places: `-12.5`, `0.000001`. Exact if `value` has no more. */
export function decimalText(value: bigint, decimals: number): string {
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const rest = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return `${sign}${whole}${rest === '' ? '' : `.${rest}`}`;
}

/** The amount in units, as a decimal number. */
export function unitText(amount: Micro): string {
  return decimalText(amount, 6);
}

/** For people: `$1,234.50`, at least two decimals, at most six. */
export function dollars(amount: Micro): string {
  const [whole = '0', rest = ''] = unitText(amount < 0n ? -amount : amount).split('.');
  return `${amount < 0n ? '-' : ''}$${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${rest.padEnd(2, '0')}`;
}

/** Reads a decimal number of units, as in a bill. Null if it is none. More than six places are rounded. */
export function parseUnits(text: string): Micro | null {
  const found = /^(-?)\$?(\d{1,18})(?:\.(\d{1,18}))?$/.exec(text.trim().replaceAll(',', ''));
  if (found === null) return null;
  const [, sign = '', whole = '0', rest = ''] = found;
  const size = roundHalfUp(BigInt(whole + rest) * MICRO_PER_UNIT, 10n ** BigInt(rest.length));
  return sign === '-' ? -size : size;
}
