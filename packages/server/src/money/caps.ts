/**
 * Spend caps. A call is admitted if what is spent, what calls in flight may still come to, and the most that it may come to itself are
 * together within every cap that it counts against. So no cap is passed, unless an upstream counts more than was reserved.
 */
import type { Micro } from './amounts.ts';
import { type Span, spanOfDay, spanOfMonth } from './calendar.ts';

/** Which calls count, and until when together. Caps of one scope share their balance. */
export interface CapScope {
  /** Null: any. What is not null must fit for a call to count. */
  readonly tenant: string | null;
  readonly product: string | null;
  readonly channel: string | null;
  readonly cloud: string | null;
  readonly key: string | null;
  readonly period: 'day' | 'month' | 'total';
}

export interface CapTerm extends CapScope {
  readonly id: string;
  readonly amount: Micro;
}

/** What a call counts against caps by. */
export interface CapSubject {
  readonly tenant: string;
  readonly product: string;
  readonly channel: string;
  /** Of the target that it goes to. */
  readonly cloud: string;
  readonly key: string;
}

const SCOPE_WORDS = ['tenant', 'product', 'channel', 'cloud', 'key'] as const;

export function capApplies(scope: CapScope, subject: CapSubject): boolean {
  return SCOPE_WORDS.every(word => scope[word] === null || scope[word] === subject[word]);
}

/** Caps with the same key count the same calls. */
export function scopeKey(scope: CapScope): string {
  return JSON.stringify([scope.period, ...SCOPE_WORDS.map(word => scope[word])]);
}

const ALWAYS: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

/** The period of a cap that a time lies in, in UTC. */
export function capSpan(cap: Pick<CapScope, 'period'>, at: number): Span {
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
