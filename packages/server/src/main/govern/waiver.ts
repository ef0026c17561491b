/** Waivers as they are granted, decided on and revoked. What they do to a decision is in `placement/waive.ts`. Pure. */
import { perdureError, type WaiverState } from '@perdure/protocol';
import type { Waiver } from '../../placement/waive.ts';
import { type Request, standing } from './request.ts';

export interface WaiverRecord extends Request, Waiver {
  readonly revoked: { readonly by: string; readonly at: number } | null;
}

const DAY_MS = 86_400_000;

/** @throws PerdureError invalid_request if it has no scope, no length, or a longer one than is allowed */
export function checkWaiver({ tenant, product, target, from, until }: Omit<Waiver, 'id'>, mostDays: number): void {
  const invalid = (param: string, message: string): never => {
    throw perdureError('invalid_request', message, { param });
  };
  if (tenant === null && product === null && target === null)
    invalid('tenant', 'A waiver has a scope: a tenant, a product or a target, or several of them.');
  if (until <= from) invalid('until', 'A waiver ends after it begins.');
  if (until - from > mostDays * DAY_MS)
    invalid('until', `A waiver lasts at most ${mostDays} days (limits.waiver_days).`);
}

/** @param real the real time, @param seen the time that contracts see */
export function waiverState(waiver: WaiverRecord, real: number, seen: number): WaiverState {
  if (waiver.revoked !== null) return 'revoked';
  const stands = standing(waiver, real);
  if (typeof stands !== 'number') return stands;
  if (seen >= waiver.until) return 'ended';
  return seen < waiver.from ? 'scheduled' : 'in_force';
}

/** Those that decisions see: accepted, not revoked, not over. */
export function liveWaivers(all: readonly WaiverRecord[], real: number, seen: number): readonly Waiver[] {
  return all
    .filter(waiver => ['scheduled', 'in_force'].includes(waiverState(waiver, real, seen)))
    .map(({ id, contract, clause, tenant, product, target, from, until }) => ({
      id,
      contract,
      clause,
      tenant,
      product,
      target,
      from,
      until,
    }));
}

/** @throws PerdureError not_pending if it has ended */
export function revokeWaiver(waiver: WaiverRecord, who: string, real: number, seen: number): WaiverRecord {
  const state = waiverState(waiver, real, seen);
  if (state !== 'pending' && state !== 'scheduled' && state !== 'in_force')
    throw perdureError('not_pending', `This waiver cannot be revoked: it is ${state}.`);
  return { ...waiver, revoked: { by: who, at: real } };
}
