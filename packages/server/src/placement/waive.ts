/**
 * Waivers: a clause that is not enforced for a time, within a scope. Pure.
 *
 * W1  A waiver takes away what one clause forbids, within its scope and time, and nothing else: no error, no missing permit, no lapse.
 * W2  What it takes away stays in the decision, with the waiver that did it.
 * W3  A place is not permitted by a waiver: where nothing permits, the contract still permits it nowhere (P3).
 */
import type { Said } from './bind.ts';
import type { Exclusion, Waived } from './decision.ts';
import type { Place, SessionFacts } from './facts.ts';

export interface Waiver {
  readonly id: string;
  readonly contract: string;
  readonly clause: string;
  /** Null: whichever. At least one of the three is given. */
  readonly tenant: string | null;
  readonly product: string | null;
  readonly target: string | null;
  /** The time that contracts see, ms since 1970, `until` exclusive. */
  readonly from: number;
  readonly until: number;
}

/** What a waiver's scope is compared with. */
export interface WaiverSubject {
  /** Null where a sale is decided that is nobody's yet. */
  readonly tenant: string | null;
  readonly product: string;
  readonly at: number;
}

export function waiverSubject({ tenant, product }: SessionFacts, at: number): WaiverSubject {
  return { tenant, product: product.id, at };
}

/** @param place null for a sale: a waiver for a target does not say who may sell */
export function waive(said: Said, waivers: readonly Waiver[], subject: WaiverSubject, place: Place | null): Said {
  if (waivers.length === 0 || said.exclusions.length === 0) return said;
  const waived: Waived[] = [];
  const exclusions: Exclusion[] = [];
  for (const exclusion of said.exclusions) {
    const waiver =
      exclusion.kind === 'clause'
        ? waivers.find(
            one =>
              one.contract === exclusion.contract && one.clause === exclusion.clause && covers(one, subject, place),
          )
        : undefined;
    if (waiver === undefined || exclusion.kind !== 'clause') exclusions.push(exclusion);
    else waived.push({ exclusion, waiver: waiver.id });
  }
  if (waived.length === 0) return said;
  for (const contract of new Set(waived.map(one => one.exclusion.contract))) {
    const open = !exclusions.some(one => one.kind !== 'no-contract-in-force' && one.contract === contract);
    if (open && !said.permits.some(permit => permit.contract === contract))
      exclusions.push({ kind: 'no-permit', contract });
  }
  return { ...said, exclusions, waived: [...(said.waived ?? []), ...waived] };
}

function covers(waiver: Waiver, { tenant, product, at }: WaiverSubject, place: Place | null): boolean {
  return (
    at >= waiver.from &&
    at < waiver.until &&
    (waiver.tenant === null || waiver.tenant === tenant) &&
    (waiver.product === null || waiver.product === product) &&
    (waiver.target === null || waiver.target === place?.id)
  );
}
