import type { Usage } from '../log/events.ts';
import type { Micro } from '../money/amounts.ts';
import type { TokenPrices } from '../money/prices.ts';
import type { MeteredCall } from '../money/usage.ts';

/** What calls cost, by the price books. */
export interface SpendPrices {
  /** The most that a call at the target can come to, at a time. */
  bound(target: string, at: number, reserved: { readonly input: number; readonly output: number }): Micro;
  /** What a call that ends now came to; `seen`: the prices that its placement saw, for targets without a price book. */
  cost(target: string, at: number, usage: Usage, seen: TokenPrices | null): Micro;
  /**
   * What calls came to that the log tells of, as they are rated now: those of closed months by the books of these. Asked once for each reading.
   * Absent: no month is closed. @throws PerdureError closed_month_unreadable
   */
  logged?(): (call: MeteredCall) => Micro;
}

export function loggedCosts(prices: Pick<SpendPrices, 'cost' | 'logged'>): (call: MeteredCall) => Micro {
  return prices.logged?.() ?? (({ target, at, usage, seen }) => prices.cost(target, at, usage, seen));
}
