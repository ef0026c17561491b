/**
 * A request that may need a second person: an activation, a waiver. Pure.
 *
 * R1  The one who asked never decides on it.
 * R2  It is decided once, while it is pending; after its time nobody can.
 */
import { perdureError } from '@perdure/protocol';

export interface Request {
  /** The id of a key, `local` for who has the data folder, `config` for the configuration. */
  readonly requestedBy: string;
  /** ms since 1970, as all times here. */
  readonly requestedAt: number;
  readonly reason: string | null;
  /** Until when a second person can approve; null if none is needed. */
  readonly expiresAt: number | null;
  readonly decided: { readonly by: string; readonly at: number; readonly verdict: 'approved' | 'rejected' } | null;
}

export function newRequest(who: string, at: number, reason: string | null, expiresAt: number | null): Request {
  return { requestedBy: who, requestedAt: at, reason, expiresAt, decided: null };
}

/** When it was accepted; otherwise why it is not. */
export function standing(request: Request, now: number): number | 'pending' | 'rejected' | 'expired' {
  const { decided, expiresAt, requestedAt } = request;
  if (decided !== null) return decided.verdict === 'approved' ? decided.at : 'rejected';
  if (expiresAt === null) return requestedAt;
  return now < expiresAt ? 'pending' : 'expired';
}

/** @throws PerdureError not_pending, second_person_required */
export function decideOn<R extends Request>(request: R, who: string, verdict: 'approved' | 'rejected', now: number): R {
  const stands = standing(request, now);
  if (stands !== 'pending') {
    const why = typeof stands === 'number' ? 'accepted' : stands;
    throw perdureError('not_pending', `It is not pending: it is ${why}.`);
  }
  if (who === request.requestedBy)
    throw perdureError('second_person_required', `${who} asked for it: another person must decide on it.`);
  return { ...request, decided: { by: who, at: now, verdict } };
}
