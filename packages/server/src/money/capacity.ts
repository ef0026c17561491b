/** Capacity terms: so much of an accelerator, in a time. They bind no call; a report says what ran on it. */
export interface CapacityTerm {
  readonly id: string;
  readonly provider: string;
  readonly accelerator: string;
  readonly amount: number;
  readonly unit: string;
  /** ms since 1970, inclusive. */
  readonly from: number;
  /** Exclusive; null: no end. */
  readonly to: number | null;
}

/** What is held at a time, by accelerator and unit. */
export function capacityAt(
  terms: readonly CapacityTerm[],
  at: number,
): readonly { readonly accelerator: string; readonly unit: string; readonly amount: number }[] {
  const held = new Map<string, { accelerator: string; unit: string; amount: number }>();
  for (const { accelerator, unit, amount, from, to } of terms) {
    if (at < from || (to !== null && at >= to)) continue;
    const key = JSON.stringify([accelerator, unit]);
    held.set(key, { accelerator, unit, amount: amount + (held.get(key)?.amount ?? 0) });
  }
  return [...held.values()];
}
