/** The caps that contracts state, and whether a clause asks for spend, as what counts spending takes them. */
import type { SpendTerms } from '../../engine/spend.ts';
import type { Contract } from '../../contract/contract.ts';
import { units } from '../../money/amounts.ts';
import type { CapTerm } from '../../money/caps.ts';
import type { ContractRules } from '../../placement/ports.ts';
import { eraAt } from '../govern/activation.ts';
import type { LoadedEra } from '../govern/active-contracts.ts';

/** Named after its contract: two contracts may each have a cap `monthly`. */
export function contractCaps({ id: contract, manifest }: Contract): readonly CapTerm[] {
  return manifest.caps.map(({ id, amount_usd, per, scope }) => ({
    id: `${contract}/${id}`,
    ...scope,
    key: null,
    period: per,
    amount: units(amount_usd),
  }));
}

const NONE: readonly CapTerm[] = [];

/**
 * @param eras what is in force and what will be
 * @param asOf the time that contracts see, if it is set
 */
export function spendTermsOf(eras: readonly LoadedEra[], asOf: number | null): SpendTerms {
  const contracts = eras.flatMap(era => era.loaded.contracts);
  const caps = contracts.flatMap(contractCaps);
  const fact = contracts.some(({ readsSpend }) => readsSpend);
  if (caps.length === 0) return { caps, fact, inForce: () => NONE };
  // What is in force is the same list from one date of the contracts to the next.
  const ofRules = new WeakMap<readonly ContractRules[], readonly CapTerm[]>();
  return {
    caps,
    fact,
    inForce(now) {
      const era = eraAt(eras, now) ?? eras[0];
      if (era?.loaded.snapshot.enforce !== true) return NONE;
      const rules = era.loaded.snapshot.inForce(asOf ?? now);
      let known = ofRules.get(rules);
      if (known === undefined) {
        const binding = new Set(rules.map(({ id }) => id));
        known = era.loaded.contracts.filter(({ id }) => binding.has(id)).flatMap(contractCaps);
        ofRules.set(rules, known);
      }
      return known;
    },
  };
}
