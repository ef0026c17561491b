/** A call as spend caps see it, and what it is told if it would pass one. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { SessionId } from '../kernel/ids.ts';
import { dollars, type Micro } from '../money/amounts.ts';
import type { CapBalance, CapSubject } from '../money/caps.ts';
import type { PlacedCall, PlacingSubject } from './placing.ts';

/** A call that is about to be placed. A session has one call in flight at most. */
export interface SpendCall extends CapSubject {
  readonly session: SessionId;
  readonly call: number;
  readonly target: string;
  readonly reserved: { readonly input: number; readonly output: number };
}

/** The call as caps count it. `key`: the id of the principal that caused it. */
export function spendCall(
  { tenant, origin, session }: Pick<PlacingSubject, 'tenant' | 'origin' | 'session'>,
  key: string,
  call: number,
  { target, reserved }: Pick<PlacedCall, 'target' | 'reserved'>,
): SpendCall {
  const { product, channel } = origin;
  return { tenant, product, channel, cloud: target.cloud, key, session, call, target: target.id, reserved };
}

/** Of a cap over all tenants no caller is told what others have spent (L10). */
export function capError({ cap, span, spent, reserved }: CapBalance, bound: Micro): PerdureError {
  const period = { day: 'today', month: 'this month', total: 'in all' }[cap.period];
  const own = cap.tenant !== null;
  const gone = own ? `${dollars(spent)} is spent and ${dollars(reserved)} held for calls in flight, and ` : '';
  const message = `The spend cap ${cap.id} is ${dollars(cap.amount)} ${period}: ${gone}this call may come to ${dollars(bound)}.`;
  return perdureError('spend_cap_reached', message, {
    details: {
      cap: cap.id,
      period: cap.period,
      amount_micro_usd: String(cap.amount),
      ...(own && { spent_micro_usd: String(spent), reserved_micro_usd: String(reserved) }),
      call_micro_usd: String(bound),
      resets_at: Number.isFinite(span.to) ? new Date(span.to).toISOString() : null,
    },
  });
}

const SAFE_MOST = BigInt(Number.MAX_SAFE_INTEGER);

/** Facts are safe integers; what is more than $9 billion is told as that. */
export function safe(amount: Micro): number {
  return Number(amount < SAFE_MOST ? amount : SAFE_MOST);
}

/** Names a call in flight. */
export function keyOf(session: SessionId, call: number): string {
  return `${session} ${call}`;
}

/** Names a placement. */
export function placeKey(session: string, seq: number): string {
  return `${session} ${seq}`;
}
