/** `on_top_of` of commitments: which burns down first. It must name a commitment, lead in no circle, and each carries one at most. */
import { didYouMean } from '@perdure/protocol';
import type { Contract } from './contract.ts';
import type { Finding } from './finding.ts';

export type TermProblem = (
  level: Finding['level'],
  code: Finding['code'],
  contract: string,
  message: string,
  hint: string | null,
) => void;

/** @param contracts those that are configured together: a commitment may be on top of one of another contract */
export function checkOnTopOf(contracts: readonly Contract[], problem: TermProblem): void {
  const all = contracts.flatMap(contract => contract.manifest.commitments.map(term => ({ contract, term })));
  const below = new Map(all.flatMap(({ term }) => (term.on_top_of === null ? [] : [[term.id, term.on_top_of]])));
  const carries = new Map<string, string>();
  const ids = new Set(all.map(({ term }) => term.id));
  for (const { contract, term } of all) {
    const { id, on_top_of: under } = term;
    if (under === null) continue;
    const said = (code: Finding['code'], why: string, hint: string | null = null): void =>
      problem('error', code, contract.id, `commitment ${id} is on top of ${under}, ${why}`, hint);
    // What is superseded and not configured may have it.
    if (!ids.has(under) && knowsAll(contract, contracts)) {
      const near = didYouMean(under, ids);
      said('on_top_of_unknown', 'which is no commitment', near === null ? null : `did you mean ${near}?`);
    }
    if (leadsTo(under, id, below)) said('on_top_of_cycle', 'and that on top of it');
    const other = carries.get(under) ?? id;
    if (other !== id) said('on_top_of_twice', `and so is ${other}`, `put one on top of the other`);
    carries.set(under, other);
  }
}

function leadsTo(from: string, to: string, below: ReadonlyMap<string, string>): boolean {
  const seen = new Set<string>();
  for (let at: string | undefined = from; at !== undefined && !seen.has(at); at = below.get(at)) {
    if (at === to) return true;
    seen.add(at);
  }
  return false;
}

/** Whether all that it supersedes, at once or over others, is configured too. */
function knowsAll(contract: Contract, contracts: readonly Contract[]): boolean {
  const open = [...contract.supersedes];
  const seen = new Set<string>();
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const found = contracts.filter(one => one.id === id);
    if (found.length === 0) return false;
    open.push(...found.flatMap(one => one.supersedes));
  }
  return true;
}
