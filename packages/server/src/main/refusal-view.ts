/** A recorded decision in words, and what stands in the way of one that was refused, as the wire shows them. */
import type { ClauseRef as WireClause, PlacementResource } from '@perdure/protocol';
import type { Decision, Exclusion, Row } from '../placement/decision.ts';
import { explainTable, refusalMessage, remediesOf, sentence } from '../placement/explain.ts';
import { freeingChanges, freeingText, type RefusedCall } from '../placement/free.ts';
import type { Config } from './config/config.ts';
import { alternativesOf } from './explain.ts';
import type { LoadedSnapshot } from './snapshots.ts';

/** What would free a refused call is told apart, as the remedies of its conflict. */
export function explanationOf(decision: Decision): string {
  const table = explainTable(decision, false);
  return decision.outcome === 'unavailable' ? `${refusalMessage(decision)}\n\n${table}` : table;
}

export function conflictOf(
  decision: Decision,
  call: RefusedCall,
  loaded: LoadedSnapshot,
  config: Config,
): PlacementResource['conflict'] {
  if (decision.conflict === null) return null;
  // Readings are among the changes.
  const frees = decision.conflict.frees.filter(({ kind }) => kind === 'clause');
  const without = remediesOf({ ...decision, conflict: { ...decision.conflict, frees } });
  const changes = freeingChanges(call, alternativesOf(config, loaded)).map(freeingText);
  const remedies = [...without, ...changes.map(sentence)];
  return { clauses: distinct(decision.conflict.between.flatMap(wireClause)), remedies };
}

export function wireClause(exclusion: Exclusion): WireClause[] {
  if (exclusion.kind !== 'clause') return [];
  return [{ id: exclusion.clause, cite: exclusion.cite, contract: exclusion.contract, effect: 'forbid' }];
}

export function distinct(clauses: readonly WireClause[]): readonly WireClause[] {
  return [...new Map(clauses.map(clause => [`${clause.contract}/${clause.id}`, clause])).values()];
}

/** What speaks against a place, and for one that is not excluded what speaks for it. */
export function clausesOf(row: Row): WireClause[] {
  const permits = row.permits.map(({ clause, cite, contract }) => ({
    id: clause,
    cite,
    contract,
    effect: 'permit' as const,
  }));
  return [...row.exclusions.flatMap(wireClause), ...(row.verdict === 'excluded' ? [] : permits)];
}
