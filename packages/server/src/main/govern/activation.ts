/** An activation: a whole set of contracts, as it is to be from a time on. Pure. */
import type { ActivationState } from '@perdure/protocol';
import { perdureError } from '@perdure/protocol';
import { type Request, standing } from './request.ts';

export interface ContractRef {
  readonly id: string;
  readonly version: string;
  /** SHA-256 of `files`, and the name of the document that holds their texts. */
  readonly digest: string;
  /** Path -> SHA-256 of the text. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Activation extends Request {
  readonly id: string;
  readonly contracts: readonly ContractRef[];
  /** Wanted of the contracts that have it; null for each contract's own default. */
  readonly reading: string | null;
  /** False: monitor mode. The configuration can say so too. */
  readonly enforce: boolean;
  /** When it is to come into force, ms since 1970, by the real time. */
  readonly effective: number;
  readonly withdrawn: { readonly by: string; readonly at: number } | null;
}

/** When it comes or came into force: not before it was accepted. Null if it never does. */
export function inForceFrom(activation: Activation, now: number): number | null {
  const stands = standing(activation, now);
  return typeof stands !== 'number' || activation.withdrawn !== null ? null : Math.max(stands, activation.effective);
}

export interface Era {
  readonly from: number;
  readonly activation: Activation;
}

/** Accepted activations by the time from which each holds; of two at one time the one made later holds. Each ends where the next begins. */
export function eras(activations: readonly Activation[], now: number): readonly Era[] {
  const accepted = activations.flatMap((activation, made) => {
    const from = inForceFrom(activation, now);
    return from === null ? [] : [{ from, activation, made }];
  });
  accepted.sort((a, b) => a.from - b.from || a.made - b.made);
  return accepted.filter(({ from }, i) => accepted[i + 1]?.from !== from);
}

/** The last of those that have begun; null before the first. */
export function eraAt<E extends { readonly from: number }>(all: readonly E[], now: number): E | null {
  return all.findLast(({ from }) => from <= now) ?? null;
}

/** The id of the activation that holds now; null before the first. */
export function holding(all: readonly Activation[], now: number): string | null {
  return eraAt(eras(all, now), now)?.activation.id ?? null;
}

/** @param holds the id of the one that holds now: found once for all that are shown */
export function activationState(activation: Activation, holds: string | null, now: number): ActivationState {
  if (activation.withdrawn !== null) return 'withdrawn';
  const stands = standing(activation, now);
  if (typeof stands !== 'number') return stands;
  if (Math.max(stands, activation.effective) > now) return 'scheduled';
  return holds === activation.id ? 'in_force' : 'superseded';
}

/** @throws PerdureError not_pending if it is or was in force, or never will be */
export function withdraw(activation: Activation, who: string, now: number): Activation {
  const from = inForceFrom(activation, now);
  const pending = standing(activation, now) === 'pending' && activation.withdrawn === null;
  if (!pending && (from === null || from <= now)) {
    const why = from === null ? 'it never comes into force' : 'it has come into force: activate another set instead';
    throw perdureError('not_pending', `This activation cannot be withdrawn: ${why}.`);
  }
  return { ...activation, withdrawn: { by: who, at: now } };
}
