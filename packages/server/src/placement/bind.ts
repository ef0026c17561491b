/** Which contracts bind a call, and what they say of each place. */
import type { Exclusion, Waived } from './decision.ts';
import type { Action, CallFacts, Place } from './facts.ts';
import type { CallClass, Clause, ClauseFailure, ContractRules, Judgement, Sale, ToldCall } from './ports.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Inside by the model's vendor for a model call; by the product, or its vendor, for everything else. A contract of which no `forbid` reaches tool runs,
 * or what leaves, does not speak of them: a set that was written for model calls refuses no tool for want of a permission.
 */
export function inScope(
  { scope, restricts }: ContractRules,
  action: Action | 'distribute',
  vendor: string,
  product: { id: string; vendor: string },
): boolean {
  if ((action === 'execute' || action === 'egress') && !restricts.has(action)) return false;
  if (scope === null) return true;
  if (action === 'infer') return scope.vendors.includes(vendor);
  return scope.products.includes(product.id) || scope.vendors.includes(product.vendor);
}

export interface Binding {
  readonly contracts: readonly ContractRules[];
  /** Contracts whose scope holds the call while none is in force; empty if there is nothing to complain of. */
  readonly lapsed: readonly string[];
}

export function bindingContracts(
  snapshot: Snapshot,
  action: Action | 'distribute',
  vendor: string,
  product: { id: string; vendor: string },
  at: number,
): Binding {
  const contracts = snapshot.inForce(at).filter(contract => inScope(contract, action, vendor, product));
  if (contracts.some(contract => contract.kind === 'agreement')) return { contracts, lapsed: [] };
  const lapsed = snapshot.contracts.filter(
    contract => contract.kind === 'agreement' && inScope(contract, action, vendor, product),
  );
  return { contracts, lapsed: lapsed.map(contract => contract.id) };
}

/** The reading that a session's calls are classed under: its own, if the contract has it, else the configured one. */
export function readingFor(contract: ContractRules, snapshot: Snapshot, facts: CallFacts): string | null {
  if (contract.readings.length === 0) return null;
  const own = facts.session.reading[contract.id];
  if (own !== undefined && contract.readings.some(reading => reading.id === own)) return own;
  return snapshot.readings[contract.id] ?? contract.defaultReading;
}

export interface Said {
  readonly exclusions: readonly Exclusion[];
  readonly flagged: readonly Exclusion[];
  readonly permits: readonly Clause[];
  /** Reasons that a waiver took away. Absent: none. */
  readonly waived?: readonly Waived[];
}

const NOTHING: readonly never[] = [];

function byFailure({ clause, message }: ClauseFailure): Exclusion {
  return { kind: 'error', contract: clause.contract, clause: clause.clause, message };
}

/** What a judgement comes to, once ambiguity has been treated as configured. */
export function read(judgement: Judgement, contract: string, onAmbiguity: Snapshot['onAmbiguity']): Said {
  const { forbids, errors } = judgement;
  const flag = onAmbiguity === 'flag';
  const flagged = flag && forbids.some(isAmbiguous) ? forbids.filter(isAmbiguous) : NOTHING;
  // An unclear permission is none for whoever wants to be sure.
  const permits = !flag && judgement.permits.some(isAmbiguous) ? judgement.permits.filter(isClear) : judgement.permits;
  let exclusions: readonly Exclusion[] = flagged.length > 0 ? forbids.filter(isClear) : forbids;
  if (errors.length > 0) exclusions = [...exclusions, ...errors.map(byFailure)];
  if (permits.length === 0 && exclusions.length === 0) exclusions = [{ kind: 'no-permit', contract }];
  return { exclusions, flagged, permits };
}

function isAmbiguous(clause: Clause): boolean {
  return clause.ambiguous !== null;
}

function isClear(clause: Clause): boolean {
  return clause.ambiguous === null;
}

/** What one contract says of every place, and the class it gives the call. */
export function hear(
  contract: ContractRules,
  snapshot: Snapshot,
  action: Action,
  facts: ToldCall,
  reading: string | null,
  places: readonly Place[],
): { class: CallClass | null; said: readonly Said[] } {
  const classification = contract.classify(facts, reading);
  if (classification.class === null) {
    const failed: Said = { exclusions: classification.errors.map(byFailure), flagged: NOTHING, permits: NOTHING };
    return { class: null, said: places.map(() => failed) };
  }
  const judgements = contract.judge(action, facts, classification.class, places);
  const said = mapAlike(judgements, judgement => read(judgement, contract.id, snapshot.onAmbiguity));
  return { class: classification.class, said };
}

/** As `map`, for places that are judged alike and share their judgement: each is made into one result. */
export function mapAlike<From extends object, To>(list: readonly From[], make: (from: From) => To): readonly To[] {
  const [first] = list;
  if (first === undefined) return NOTHING;
  if (list.length === 1) return [make(first)];
  const made = new Map<From, To>();
  return list.map(from => {
    const known = made.get(from);
    if (known !== undefined) return known;
    const to = make(from);
    made.set(from, to);
    return to;
  });
}

/** What the contracts say of selling a product over a channel. */
export function hearSale(contracts: readonly ContractRules[], snapshot: Snapshot, sale: Sale): Said {
  const all = contracts.map(contract => read(contract.judgeSale(sale), contract.id, snapshot.onAmbiguity));
  const [only] = all;
  if (only !== undefined && all.length === 1) return only;
  return {
    exclusions: all.flatMap(said => said.exclusions),
    flagged: all.flatMap(said => said.flagged),
    permits: all.flatMap(said => said.permits),
  };
}
