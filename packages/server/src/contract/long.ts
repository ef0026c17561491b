/** Cedar's Long: a 64-bit signed integer whose arithmetic fails on overflow instead of wrapping. */
import { EvaluationError, type Long } from './value.ts';

export const MAX_LONG: bigint = 2n ** 63n - 1n;
export const MIN_LONG: bigint = -(2n ** 63n);

/** The one representation of an exact integer, or an error outside 64 bits. */
export function toLong(exact: bigint, doing: string): Long {
  if (exact > MAX_LONG || exact < MIN_LONG) throw new EvaluationError(`integer overflow while ${doing}`);
  const small = Number(exact);
  return Number.isSafeInteger(small) ? small : exact;
}

// The result of a float operation on two safe integers is exact whenever it is itself a safe integer. `+ 0` turns -0 into 0.
export function addLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return toLong(BigInt(a) + BigInt(b), 'adding');
}

export function subtractLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return toLong(BigInt(a) - BigInt(b), 'subtracting');
}

export function multiplyLong(a: Long, b: Long): Long {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return toLong(BigInt(a) * BigInt(b), 'multiplying');
}

export function negateLong(a: Long): Long {
  return typeof a === 'number' ? 0 - a : toLong(-a, 'negating');
}

/** Quotient rounded toward zero. */
export function divideLong(a: Long, by: number): Long {
  return typeof a === 'number' ? Math.trunc(a / by) + 0 : toLong(a / BigInt(by), 'dividing');
}

/** Remainder in 0 <= r < by. */
export function moduloLong(a: Long, by: number): number {
  const rest = typeof a === 'number' ? a % by : Number(a % BigInt(by));
  return rest < 0 ? rest + by : rest + 0;
}
