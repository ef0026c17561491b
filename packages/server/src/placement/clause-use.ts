/** Which clauses of a contract ever apply, and which ever decide: over every request class that they can tell apart. */
import { inScope } from './bind.ts';
import { requestAt } from './axis.ts';
import { firstPoint } from './boxes.ts';
import { type FactSpace } from './fact-space.ts';
import type { ContractRules, Judgement } from './ports.ts';
import { isEffective } from './snapshot.ts';

export interface ClauseUse {
  /** Clauses that apply to some class at some place, while the contract is effective and the class in its scope. */
  readonly applied: Set<string>;
  /** Clauses without which some class would come out otherwise. */
  readonly decided: Set<string>;
}

export function noUse(): ClauseUse {
  return { applied: new Set(), decided: new Set() };
}

/**
 * Adds what one reading of a contract uses.
 * @param reading null for a contract without readings
 */
export function addUse(use: ClauseUse, contract: ContractRules, reading: string | null, space: FactSpace): void {
  const { places } = space.places;
  for (const box of space.callBoxes) {
    const { action, facts } = requestAt(space.calls, firstPoint(box));
    if (!isEffective(contract, facts.at) || !inScope(contract, action, facts.vendor, facts.session.product)) continue;
    const { class: callClass, by, errors } = contract.classify(facts, reading);
    for (const { clause } of by) use.applied.add(clause);
    for (const { clause } of errors) mark(use, clause.clause);
    const [only] = by;
    if (only !== undefined && by.length === 1) use.decided.add(only.clause);
    if (callClass === null) continue;
    const judgements = contract.judge(action, facts, callClass, places);
    for (const judgement of new Set(judgements)) addJudgement(use, judgement);
  }
  for (const box of space.saleBoxes) {
    const { facts } = requestAt(space.sales, firstPoint(box));
    const { product } = facts.session;
    if (!isEffective(contract, facts.at) || !inScope(contract, 'distribute', product.vendor, product)) continue;
    addJudgement(use, contract.judgeSale({ ...facts.session, at: facts.at, recorded: facts.recorded }));
  }
}

function mark({ applied, decided }: ClauseUse, clause: string): void {
  applied.add(clause);
  decided.add(clause);
}

function addJudgement(use: ClauseUse, { permits, forbids, errors }: Judgement): void {
  for (const { clause } of [...permits, ...forbids]) use.applied.add(clause);
  for (const { clause } of errors) mark(use, clause.clause);
  // An ambiguous clause is recorded wherever it applies: without it, the record would be another.
  for (const { clause, ambiguous } of [...permits, ...forbids]) if (ambiguous !== null) use.decided.add(clause);
  const [permit] = permits;
  const [forbid] = forbids;
  if (errors.length > 0) return;
  if (permit !== undefined && permits.length === 1 && forbids.length === 0) use.decided.add(permit.clause);
  if (forbid !== undefined && forbids.length === 1 && permits.length > 0) use.decided.add(forbid.clause);
}
