/** Tables of cases: what shipped contract sets decide, each case naming the clauses. */
import type { Contract } from '../contract/contract.ts';
import { decide, decideDistribution } from './decide.ts';
import type { Exclusion } from './decision.ts';
import type { Action, Channel, FirstRefusal, Place, Product, RecordedEvent } from './facts.ts';
import { type CallParts, call, load, MARCH, PLACES, shippedFiles, snapshotOf } from './fixture.test-support.ts';
import type { Snapshot } from './snapshot.ts';

export const SET_NAMES = [
  'openai-2025-10',
  'openai-2026-02',
  'openai-2026-04',
  'data-handling',
  'example-acme',
] as const;
export type SetName = (typeof SET_NAMES)[number];
export type Sets = Readonly<Record<SetName, Contract>>;

interface Case {
  readonly name: string;
  /** Configured together; absent: the table's. */
  readonly contracts?: readonly SetName[];
  /** Of each contract that has it. */
  readonly reading?: string;
  readonly onAmbiguity?: 'flag' | 'refuse';
  readonly events?: readonly RecordedEvent[];
  readonly firstRefusals?: readonly FirstRefusal[];
  /** Clauses that forbid it; empty where it is allowed. */
  readonly by: readonly string[];
  /** Ambiguous clauses that are recorded. */
  readonly flagged?: readonly string[];
  /** The clauses that permit it, where the case is about them. */
  readonly permittedBy?: readonly string[];
  readonly code?: string;
}

export interface PlaceCase extends Case {
  readonly action?: Action;
  readonly call?: CallParts;
  /** The place asked about. */
  readonly on: string;
}

export interface SaleCase extends Case {
  readonly product: Product;
  readonly channel: Channel;
  readonly at?: number;
}

export interface CaseTable {
  readonly contracts: readonly SetName[];
  /** Where a case does not say; absent: 20 March 2026. */
  readonly at?: number;
  readonly allPlaces?: readonly Place[];
  readonly places: readonly PlaceCase[];
  readonly sales: readonly SaleCase[];
}

export interface CaseOutcome {
  readonly verdict: string;
  readonly by: readonly string[];
  readonly flagged: readonly string[];
  readonly permits: readonly string[];
  readonly code: string | null;
}

export function loadSets(): Sets {
  return Object.fromEntries(SET_NAMES.map(name => [name, load(shippedFiles(name))])) as unknown as Sets;
}

function snapshotFor(one: Case, table: CaseTable, sets: Sets): Snapshot {
  const { contracts = table.contracts, reading, onAmbiguity = 'flag', events = [], firstRefusals = [] } = one;
  const configured = contracts.map(name => sets[name]);
  const having = configured.filter(({ readings }) => readings.some(({ id }) => id === reading));
  const readings = Object.fromEntries(having.map(({ id }) => [id, reading ?? '']));
  const places = table.allPlaces ?? PLACES;
  return snapshotOf(configured, { places, readings, onAmbiguity, events, firstRefusals });
}

const named = (list: readonly Exclusion[]): string[] =>
  list.map(one => ('clause' in one ? one.clause : one.kind)).toSorted();

export function placeOutcome(one: PlaceCase, table: CaseTable, sets: Sets): CaseOutcome {
  const facts = call({ at: table.at ?? MARCH, ...one.call });
  const decision = decide(snapshotFor(one, table, sets), one.action ?? 'infer', facts, {});
  const row = decision.rows.find(({ place }) => place === one.on);
  if (row === undefined) throw new Error(`no row for ${one.on}`);
  return {
    verdict: row.verdict === 'chosen' ? 'eligible' : row.verdict,
    by: named(row.exclusions),
    flagged: named(row.flagged),
    permits: row.permits.map(clause => clause.clause),
    code: decision.code,
  };
}

export function saleOutcome(one: SaleCase, table: CaseTable, sets: Sets): CaseOutcome {
  const { product, channel, at = table.at ?? MARCH } = one;
  const decision = decideDistribution(snapshotFor(one, table, sets), channel, product, 'commercial', at);
  return {
    verdict: decision.outcome === 'allowed' ? 'eligible' : 'excluded',
    by: named(decision.exclusions),
    flagged: named(decision.flagged.map(({ exclusion }) => exclusion)),
    permits: decision.permits.map(clause => clause.clause),
    code: decision.code,
  };
}
