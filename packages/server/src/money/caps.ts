/**
 * Spend caps. A call is admitted if what is spent, what calls in flight may still come to, and the most that it may come to itself are
 * together within every cap that it counts against. So no cap is passed, unless an upstream counts more than was reserved.
 */
import type { Micro } from './amounts.ts';
import { type Span, spanOfDay, spanOfMonth } from './calendar.ts';

export interface CapTerm {
  readonly id: string;
  /** Null: any. What is not null must fit for a call to count. */
  readonly tenant: string | null;
  readonly product: string | null;
  readonly key: string | null;
  readonly period: 'day' | 'month' | 'total';
  readonly amount: Micro;
}

/** What a call counts against caps by. */
export interface CapSubject {
  readonly tenant: string;
  readonly product: string;
  readonly key: string;
  /** When it is placed: its cost counts in that time's period, whenever it is metered. */
  readonly at: number;
}

export function capApplies(cap: CapTerm, { tenant, product, key }: Omit<CapSubject, 'at'>): boolean {
  return (
    (cap.tenant === null || cap.tenant === tenant) &&
    (cap.product === null || cap.product === product) &&
    (cap.key === null || cap.key === key)
  );
}

const ALWAYS: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** The period of a cap that a time lies in, in UTC. */
export function capSpan(cap: CapTerm, at: number): Span {
  if (cap.period === 'total') return ALWAYS;
  return cap.period === 'day' ? spanOfDay(at) : spanOfMonth(at);
}

export interface CapBalance {
  readonly cap: CapTerm;
  readonly span: Span;
  /** Of calls that ended. */
  readonly spent: Micro;
  /** Of calls in flight, at most. */
  readonly reserved: Micro;
}

/** What may still be promised; below nothing if an upstream counted more than was reserved. */
export function capLeft({ cap, spent, reserved }: CapBalance): Micro {
  return cap.amount - spent - reserved;
}

/** The first cap that a call of at most `bound` would pass; null if it may go. A call that costs nothing passes none. */
export function capReached(balances: readonly CapBalance[], bound: Micro): CapBalance | null {
  if (bound === 0n) return null;
  return balances.find(balance => capLeft(balance) < bound) ?? null;
}
