/** Several contracts together: which are in force when, and under which reading. */
import { didYouMean, knownHint } from '@perdure/protocol';
import type { Contract } from './contract.ts';
import type { Finding } from './finding.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { moneyKeys, type MoneyTerms } from './money-terms.ts';
import { checkOnTopOf, type TermProblem } from './on-top-of.ts';

const START = Number.NEGATIVE_INFINITY;
const END = Number.POSITIVE_INFINITY;

/**
 * What is wrong between contracts that are configured together. `file` is the contract's id.
 * @param others ids of contracts that exist, configured or not: superseding one of them is no slip
 */
export function checkContractSet(contracts: readonly Contract[], others: readonly string[] = []): readonly Finding[] {
  const findings: Finding[] = [];
  const ids = new Set(contracts.map(contract => contract.id));
  const problem: TermProblem = (level, code, id, message, hint) =>
    void findings.push({ level, code, message, file: `${id}/${MANIFEST_FILE}`, line: null, hint });
  for (const [i, contract] of contracts.entries()) {
    const { id, version, effective } = contract;
    for (const other of contracts.slice(i + 1)) {
      if (other.id !== id) continue;
      const overlap =
        (effective.from ?? START) < (other.effective.to ?? END) &&
        (other.effective.from ?? START) < (effective.to ?? END);
      const message = `versions ${version} and ${other.version} of ${id} are in force at the same time`;
      if (overlap) problem('error', 'effective_overlap', id, message, 'end one before the other begins');
    }
    for (const older of contract.supersedes) {
      if (reaches(older, id, contracts))
        problem('error', 'supersedes_cycle', id, `${id} and ${older} supersede each other`, null);
      if (ids.has(older) || others.includes(older)) continue;
      const near = didYouMean(older, ids);
      const message = `${id} supersedes ${older}, which is not configured`;
      problem('warning', 'supersedes_unknown', id, message, near === null ? null : `did you mean ${near}?`);
    }
  }
  checkTerms(contracts, problem);
  checkOnTopOf(contracts, problem);
  return findings;
}

type Term = { readonly id: string };
type Terms = { readonly [Kind in keyof MoneyTerms]: readonly Term[] };
const TERM_KINDS = Object.keys(moneyKeys) as readonly (keyof MoneyTerms)[];

/** A term changes from one contract to the one that supersedes it. Elsewhere the same id would count it twice, or hide one. */
function checkTerms(contracts: readonly Contract[], problem: TermProblem): void {
  const holders = new Map<string, Contract[]>();
  for (const contract of contracts) {
    const terms: Terms = contract.manifest;
    for (const { id } of TERM_KINDS.flatMap(kind => terms[kind])) {
      const others = holders.get(id) ?? [];
      for (const other of others) {
        if (other.id === contract.id) continue;
        if (replaces(other, contract, contracts) || replaces(contract, other, contracts)) continue;
        const message = `${other.id} has a money term ${id} too, and neither supersedes the other`;
        problem('error', 'term_duplicate', contract.id, message, 'rename one');
      }
      holders.set(id, [...others, contract]);
    }
  }
}

type Dated = Pick<Contract, 'id' | 'effective' | 'supersedes'>;

/** Whether the terms of a contract take the place of those of another: it supersedes it, at once or over others, or is a later version of it. */
export function replaces(later: Dated, earlier: Dated, contracts: readonly Dated[]): boolean {
  if (later.id === earlier.id) return (later.effective.from ?? START) > (earlier.effective.from ?? START);
  return later.supersedes.some(id => reaches(id, earlier.id, contracts));
}

/** Whether superseding leads from one contract to another. */
function reaches(from: string, to: string, contracts: readonly Dated[]): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === to) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    for (const contract of contracts) if (contract.id === next) open.push(...contract.supersedes);
  }
  return false;
}

export type ReadingChoice =
  | { readonly ok: true; readonly readings: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly code: 'reading_unknown' | 'reading_retrospective'; readonly message: string };

/**
 * The reading of each contract that has any: the wanted one where the contract has it, else the contract's default.
 * @param wanted null for every contract's default
 * @param retrospective whether the decisions are about the past (reports, what-if), where a session's use is known
 */
/** What of a contract a reading is chosen by. */
export type WithReadings = Pick<Contract, 'id' | 'defaultReading'> & {
  readonly readings: readonly Pick<Contract['readings'][number], 'id' | 'retrospective'>[];
};

export function chooseReadings(
  contracts: readonly WithReadings[],
  wanted: string | null,
  retrospective = false,
): ReadingChoice {
  const offered = new Set(contracts.flatMap(contract => contract.readings.map(reading => reading.id)));
  if (wanted !== null && !offered.has(wanted)) {
    const message = `no configured contract has a reading ${wanted} (${knownHint(wanted, [...offered])})`;
    return { ok: false, code: 'reading_unknown', message };
  }
  const readings: Record<string, string> = {};
  for (const contract of contracts) {
    const reading = contract.readings.find(({ id }) => id === wanted);
    if (reading?.retrospective && !retrospective) {
      const message = `reading ${reading.id} of ${contract.id} is retrospective: it serves reports and what-if, and cannot decide live calls`;
      return { ok: false, code: 'reading_retrospective', message };
    }
    const chosen = reading?.id ?? contract.defaultReading;
    if (chosen !== null) readings[contract.id] = chosen;
  }
  return { ok: true, readings };
}
