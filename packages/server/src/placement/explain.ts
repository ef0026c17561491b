/** A decision in words: a table for terminals and errors, and one sentence for a refusal. */
import { dayOf } from '../kernel/day.ts';
import type { Conflict, Decision, Exclusion, Flag, Freedom, Row, WouldBe } from './decision.ts';
import { lapseTexts } from './lapse.ts';
import type { ContractRules } from './ports.ts';

const COLUMNS = ['TARGET', 'CLOUD', 'REGION', 'COST', 'LATENCY', 'SCORE', 'CHOSEN', 'VERDICT'] as const;
const MICRO = 1_000_000;

/** Micro-USD as dollars, exact. */
export function usd(micro: number): string {
  const whole = Math.trunc(micro / MICRO);
  return `$${whole}.${String(micro % MICRO).padStart(6, '0')}`;
}

export function exclusionText(exclusion: Exclusion): string {
  switch (exclusion.kind) {
    case 'clause':
      return `${exclusion.clause} (${exclusion.contract}): ${exclusion.cite}`;
    case 'error':
      return `${exclusion.clause} (${exclusion.contract}) could not be evaluated: ${exclusion.message}`;
    case 'no-permit':
      return `${exclusion.contract} permits it nowhere here`;
    case 'no-contract-in-force':
      return `no contract in force (configured for it: ${exclusion.contracts.join(', ')})`;
  }
}

/** The name by which a reason is cited. */
export function exclusionName(exclusion: Exclusion): string {
  switch (exclusion.kind) {
    case 'clause':
    case 'error':
      return exclusion.clause;
    case 'no-permit':
      return `${exclusion.contract} (no permit)`;
    case 'no-contract-in-force':
      return 'no_contract_in_force';
  }
}

function verdictText(row: Row): string {
  if (row.verdict === 'excluded') return `excluded by ${row.exclusions.map(exclusionName).join(', ')}`;
  if (row.verdict === 'unable') return `unable: ${row.lacks ?? 'unknown'}`;
  return row.verdict;
}

function cells(row: Row): string[] {
  return [
    row.place,
    row.cloud,
    row.region,
    row.cost === null ? '-' : usd(row.cost),
    row.latencyMs === null ? '-' : `${row.latencyMs} ms`,
    row.score === null ? '-' : String(row.score),
    row.verdict === 'chosen' ? 'yes' : '',
    verdictText(row),
  ];
}

/**
 * Plain text: the table, then each clause that decided with its citation, then what was only flagged, which clauses conflict, and what would
 * free the call.
 * @param remedies whether what would free it is told; not where a longer list of that follows
 */
export function explainTable(decision: Decision, remedies = true): string {
  const table = [[...COLUMNS], ...decision.rows.map(cells)];
  const widths = COLUMNS.map((_, i) => Math.max(...table.map(line => line[i]?.length ?? 0)));
  const lines = table.map(line =>
    line
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const sections = [
    ['', [headline(decision), ...contractLines(decision)]],
    ['shadow prices', decision.rows.flatMap(shadowText)],
    ['excluded by', [...new Set(decision.rows.flatMap(row => row.exclusions.map(exclusionText)))]],
    ['permitted by', permitLines(decision)],
    ['flagged', decision.flagged.map(flagText)],
    ['', decision.conflict === null ? [] : [`these conflict: ${conflictText(decision.conflict)}`]],
    ['would free it', remedies ? (decision.conflict?.frees.map(freedomText) ?? []) : []],
  ] as const;
  for (const [title, entries] of sections) {
    if (entries.length === 0) continue;
    lines.push('', ...(title === '' ? entries : [`${title}:`, ...entries.map(entry => `  ${entry}`)]));
  }
  return lines.join('\n');
}

function shadowText({ place, cost, shadow }: Row): string[] {
  if (shadow === undefined || cost === null) return [];
  const saved = Math.floor((cost * shadow) / MICRO);
  return [`${place}: ${usd(saved)} of its ${usd(cost)} is saved elsewhere, by what a commitment asks for`];
}

function headline(decision: Decision): string {
  const monitor = decision.monitored === null ? '' : ` (${MONITORED[decision.monitored]})`;
  const what =
    decision.chosen === null ? `${decision.outcome}: ${decision.code ?? ''}` : `placed on ${decision.chosen}`;
  return `${decision.action} as of ${dayOf(decision.at)}: ${what}${monitor}`;
}

const MONITORED: Readonly<Record<WouldBe, string>> = {
  nothing: 'monitor mode, not enforced: nothing was against it',
  moved: 'monitor mode, not enforced: it would have gone elsewhere',
  refused: 'monitor mode, not enforced: it would have been refused',
};

/** The shipped set that permits everything: it binds nothing. */
const NO_CONTRACT = 'none';

function contractLines(decision: Decision): string[] {
  const binding = decision.inForce.filter(({ contract }) => contract !== NO_CONTRACT);
  if (binding.length === 0) return ['bound by no contract'];
  return binding.map(({ contract, version, reading }) => {
    if (reading === null) return `bound by ${contract} ${version}`;
    const callClass = decision.classes[contract] ?? 'of no class: a definition failed';
    return `bound by ${contract} ${version}, reading ${reading}: the call is ${callClass}`;
  });
}

function permitLines(decision: Decision): string[] {
  const permits = decision.rows.find(row => row.verdict === 'chosen')?.permits ?? [];
  return permits.map(({ clause, contract, cite }) => `${clause} (${contract}): ${cite}`);
}

function flagText({ why, exclusion, places, waiver }: Flag): string {
  const reason =
    why === 'waived' ? `waived by ${waiver ?? ''}` : why === 'ambiguous' ? 'ambiguous, not enforced' : 'not enforced';
  const at = places.length === 0 ? '' : ` [${places.join(', ')}]`;
  const question =
    why === 'ambiguous' && exclusion.kind === 'clause' && exclusion.ambiguous ? ` (${exclusion.ambiguous})` : '';
  return `${exclusionText(exclusion)} - ${reason}${question}${at}`;
}

export function freedomText(freedom: Freedom): string {
  const places = freedom.frees.join(', ');
  return freedom.kind === 'clause'
    ? `without ${freedom.clause} (${freedom.contract}): ${places}`
    : `under reading ${freedom.reading} of ${freedom.contract}: ${places}`;
}

function conflictText(conflict: Conflict): string {
  return conflict.between.map(exclusionName).join(', ');
}

/**
 * Sentences for an error body: what happened, every place with what is against it, what would free it.
 * @param contracts of the snapshot: when those ended that are not in force
 */
export function refusalMessage(
  decision: Decision,
  contracts: readonly Pick<ContractRules, 'id' | 'effective'>[] = [],
): string {
  const rows = decision.rows.filter(row => row.verdict !== 'wrong-model');
  const places = rows.map(row => `${row.place} (${row.cloud}): ${verdictText(row)}`).join('; ');
  switch (decision.code) {
    case null:
      return `Placed on ${decision.chosen ?? ''}.`;
    case 'no_such_target':
      return decision.action === 'infer'
        ? 'No configured target serves this model.'
        : 'No configured home can be asked.';
    case 'no_contract_in_force':
    case 'placement_refused': {
      const conflict = decision.conflict === null ? '' : ` by ${conflictText(decision.conflict)}`;
      const frees = decision.conflict?.frees.map(freedomText) ?? [];
      return `Every place is excluded${conflict}. ${lapsedText(decision, contracts)}${places}.${frees.length > 0 ? ` It would be placed ${frees.join('; or ')}.` : ''}`;
    }
    case 'no_target_available':
      return `The places that the contracts allow are down or full. ${places}.`;
    case 'no_capable_target':
      return `No place that the contracts allow can do what the call needs. ${places}.`;
  }
}

function lapsedText(decision: Decision, contracts: readonly Pick<ContractRules, 'id' | 'effective'>[]): string {
  const ids = lapsedContracts(decision);
  return ids.length === 0 ? '' : `No contract is in force: ${lapseTexts(ids, contracts, decision.at).join(', ')}. `;
}

/** What could be done about a refusal, a sentence each, as far as the decision knows it. */
export function remediesOf(decision: Decision): readonly string[] {
  const lapsed = lapsedContracts(decision);
  return [
    ...(lapsed.length === 0
      ? []
      : [`Put a contract in force that holds on ${dayOf(decision.at)}, beside ${lapsed.join(', ')} or in its place.`]),
    ...(decision.conflict?.frees.map(freedom => sentence(freedomText(freedom))) ?? []),
  ];
}

function lapsedContracts({ rows }: Decision): readonly string[] {
  const all = rows.flatMap(row =>
    row.exclusions.flatMap(one => (one.kind === 'no-contract-in-force' ? one.contracts : [])),
  );
  return [...new Set(all)];
}

export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
