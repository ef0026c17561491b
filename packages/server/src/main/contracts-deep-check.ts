/** What clauses come to: findings that need every request that they can tell apart, beyond the check of their words. */
import type { Contract } from '../contract/contract.ts';
import type { Finding, FindingCode } from '../contract/finding.ts';
import { MANIFEST_FILE } from '../contract/manifest.ts';
import { addUse, noUse } from '../placement/clause-use.ts';
import type { Exclusion } from '../placement/decision.ts';
import { exclusionName } from '../placement/explain.ts';
import { momentDimension, spanText } from '../placement/moments.ts';
import { conflictsOf, type Deadlock, type SpaceConflicts } from '../placement/space-conflicts.ts';
import { CliError } from './cli/exit.ts';
import type { Config } from './config/config.ts';
import { type Side, sideOfFiles, spaceOf } from './contract-space.ts';
import { checkTermsTogether } from './contracts-terms-check.ts';

/** What one contract's clauses come to, under any of its readings. */
export function checkClauses(side: Side): readonly Finding[] {
  const [contract] = side.contracts;
  if (contract === undefined) return [];
  const findings: Finding[] = [];
  const use = noUse();
  const readings = contract.readings.length === 0 ? [null] : contract.readings;
  try {
    for (const reading of readings) {
      const under = sideOfFiles(side.folders, side.files, { reading: reading?.id ?? null, onAmbiguity: 'flag' });
      const { space, mentions } = spaceOf([under], { config: null });
      addUse(use, contract, reading?.id ?? null, space);
      if (reading === readings[0]) findings.push(...mentions.computed.map(one => computedFinding(contract, one)));
    }
  } catch (error) {
    return [tooWide(error, MANIFEST_FILE)];
  }
  for (const clause of contract.clauses) {
    const { ambiguous, file, line, reading, effect } = clause;
    const at = (level: Finding['level'], code: FindingCode, message: string, hint: string | null): void =>
      void findings.push({ level, code, message: `${clause.clause} ${message}`, file, line, hint });
    if (ambiguous !== null)
      at(
        'note',
        'clause_ambiguous',
        `is ambiguous: ${ambiguous}`,
        'recorded, and enforced only with on_ambiguity: refuse',
      );
    // What a forbid among definitions does is not told by them.
    if (reading !== null && effect === 'forbid') continue;
    if (!use.applied.has(clause.clause))
      at('warning', 'clause_dead', 'never applies to any request', deadHint(contract));
    else if (!use.decided.has(clause.clause))
      at('note', 'clause_shadowed', 'decides nothing: without it alone, every request comes out the same', null);
  }
  return findings;
}

function deadHint({ scope }: Contract): string {
  const limits = scope === null ? 'its dates' : 'its dates and its scope';
  return `within ${limits}, no request meets all of its conditions`;
}

function computedFinding(contract: Contract, { clause, fact }: { clause: string; fact: string }): Finding {
  const info = contract.clauses.find(one => one.clause === clause);
  const message = `${clause} computes with ${fact}: only values that clauses name were looked at`;
  const { file = MANIFEST_FILE, line = null } = info ?? {};
  return { level: 'note', code: 'fact_computed', message, file, line, hint: null };
}

function tooWide(error: unknown, file: string): Finding {
  if (!(error instanceof CliError)) throw error;
  // What narrows a comparison is no option of a check.
  const why = error.message.replace(/^fact_space_too_wide: /, '').replace(/\. Narrow (them|it): .*$/, '');
  const message = `what clauses come to was not checked: ${why}`;
  const hint = 'check fewer contracts together, or with the products, channels and places of a configuration';
  return { level: 'warning', code: 'fact_space_too_wide', message, file, line: null, hint };
}

export interface Together {
  readonly config: Pick<Config, 'homes' | 'targets' | 'products' | 'channels' | 'events'> | null;
  /** What findings about configured places name; null without one. */
  readonly file: string | null;
}

/** What contracts that are configured together come to. */
export function checkTogether(side: Side, { config, file }: Together): readonly Finding[] {
  const findings = [...neverInForce(side), ...checkTermsTogether(side.files, config)];
  try {
    const { deadlocks, unreachable } = conflictsByEra(side, config);
    findings.push(...deadlocks.map(deadlock => deadlockFinding(deadlock, side, config !== null)));
    for (const { place, by } of unreachable) {
      const why = by.length === 0 ? '' : ` (${by.map(exclusionName).join(', ')})`;
      findings.push({
        level: 'warning',
        code: 'place_unreachable',
        message: `no request may use the ${place.kind} ${place.id}${why}`,
        file: file ?? MANIFEST_FILE,
        line: null,
        hint: 'remove it, or look at the clauses against it',
      });
    }
  } catch (error) {
    findings.push(tooWide(error, file ?? MANIFEST_FILE));
  }
  return findings;
}

/**
 * Over the whole of time at once; if that is too wide, from one date of a contract to the next, where only the clauses of those in force
 * tell requests apart.
 * @throws CliError if that is too wide too
 */
function conflictsByEra(side: Side, config: Together['config']): SpaceConflicts {
  try {
    return conflictsOf(side.snapshot, spaceOf([side], { config }).space);
  } catch (error) {
    const dates = side.contracts.flatMap(({ effective: { from, to } }) => [from, to]).filter(date => date !== null);
    const cuts = [...new Set(dates)].toSorted((a, b) => a - b);
    if (!(error instanceof CliError) || cuts.length === 0) throw error;
    const eras = [null, ...cuts].map((from, i) => {
      const to = cuts[i] ?? null;
      const inForce = side.snapshot.inForce(from ?? (to ?? 0) - 1);
      const isIn = (at: number): boolean => inForce.some(({ id }) => id === side.contracts[at]?.id);
      const files = side.files.filter((_, at) => isIn(at));
      const contracts = [true, false].flatMap(wanted => side.contracts.filter((_, at) => isIn(at) === wanted));
      const { deadlocks, unreachable } = conflictsOf(
        side.snapshot,
        spaceOf([{ ...side, files, contracts }], { config, from, to }).space,
      );
      // One span has no word for time: the era is told here.
      const era = spanText([from, to]);
      const dated = deadlocks.map(one => ({ ...one, when: one.when.map(words => [...words, era]) }));
      return { deadlocks: dated, unreachable };
    });
    const [first] = eras;
    const never = first?.unreachable.filter(({ place }) =>
      eras.every(({ unreachable }) => unreachable.some(one => one.place.id === place.id)),
    );
    return { deadlocks: eras.flatMap(({ deadlocks }) => deadlocks), unreachable: never ?? [] };
  }
}

function neverInForce({ contracts, snapshot }: Side): Finding[] {
  const nothing = { facts: new Map(), pairs: [] };
  const moments = momentDimension({ contracts, mentions: nothing, from: null, to: null }).choices;
  return contracts
    .filter(({ id, version }) =>
      moments.every(({ value }) => !snapshot.inForce(value).some(one => one.id === id && one.version === version)),
    )
    .map(({ id, version }) => ({
      level: 'warning',
      code: 'never_in_force',
      message: `${id} ${version} is never in force: another contract supersedes it whenever it is effective`,
      file: `${id}/${MANIFEST_FILE}`,
      line: null,
      hint: 'remove it, or look at supersedes and effective',
    }));
}

/** Kinds of requests that a finding names. */
const MAX_KINDS = 3;

function deadlockFinding({ between, permits, classes, when }: Deadlock, side: Side, configured: boolean): Finding {
  const named = between.map(exclusionName).join(' and ');
  const kinds = when.slice(0, MAX_KINDS).map(words => words.join(', ') || 'every request');
  const more = when.length > MAX_KINDS ? `; and ${when.length - MAX_KINDS} more kinds` : '';
  const place = configured ? 'configured place' : 'place';
  const wanted = permits.map(({ clause }) => clause).join(', ');
  return {
    level: 'warning',
    code: configured ? 'no_place_left' : 'clauses_contradict',
    message: `${named} together leave no ${place} for ${classes === 1 ? '1 request class' : `${classes} request classes`} that ${wanted} permits: ${kinds.join('; or ')}${more}`,
    ...placeOfClause(between, side),
    hint: configured ? 'configure a place that both allow' : 'no place can satisfy both: let one of them give way',
  };
}

function placeOfClause(between: readonly Exclusion[], { contracts }: Side): Pick<Finding, 'file' | 'line'> {
  for (const reason of between) {
    if (!('clause' in reason)) continue;
    const contract = contracts.find(({ id }) => id === reason.contract);
    const info = contract?.clauses.find(({ clause }) => clause === reason.clause);
    if (info !== undefined) return { file: `${reason.contract}/${info.file}`, line: info.line };
  }
  return { file: MANIFEST_FILE, line: null };
}
