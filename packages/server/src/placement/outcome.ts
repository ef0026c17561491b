/** What contracts come to for a request class, at every place: `decide` without health, capability and score. */
import { bindingContracts, hear, hearSale, readingFor, type Said } from './bind.ts';
import type { Exclusion } from './decision.ts';
import type { Action, Place } from './facts.ts';
import type { CallClass, Sale, ToldCall } from './ports.ts';
import type { Snapshot } from './snapshot.ts';

export interface Outcome {
  /** Reasons that hold at every place: the sale, and contracts that lapsed. */
  readonly always: Said;
  /** What each contract that binds the request says, place by place. */
  readonly said: readonly (readonly Said[])[];
  /** By contract; null if a definition failed. Only contracts with readings. */
  readonly classes: Readonly<Record<string, CallClass | null>>;
}

export function outcomeOf(snapshot: Snapshot, action: Action, facts: ToldCall, places: readonly Place[]): Outcome {
  const { product, channel, segment } = facts.session;
  const { contracts, lapsed } = bindingContracts(snapshot, action, facts.vendor, product, facts.at);
  const sale = hearSale(contracts, snapshot, { channel, product, segment, at: facts.at, recorded: facts.recorded });
  const classes: Record<string, CallClass | null> = {};
  const said: (readonly Said[])[] = [];
  for (const contract of contracts) {
    const heard = hear(contract, snapshot, action, facts, readingFor(contract, snapshot, facts), places);
    if (contract.readings.length > 0) classes[contract.id] = heard.class;
    said.push(heard.said);
  }
  return { always: { ...sale, exclusions: [...lapsedOf(lapsed), ...sale.exclusions] }, said, classes };
}

function lapsedOf(contracts: readonly string[]): readonly Exclusion[] {
  return contracts.length === 0 ? [] : [{ kind: 'no-contract-in-force', contracts }];
}

/** All that is said of one place. */
export function saidAt({ always, said }: Outcome, place: number): Said {
  const all = [always, ...said.flatMap(list => list[place] ?? [])];
  return {
    exclusions: all.flatMap(one => one.exclusions),
    flagged: all.flatMap(one => one.flagged),
    permits: all.slice(1).flatMap(one => one.permits),
  };
}

export function allowedAt({ always, said }: Outcome, place: number): boolean {
  return always.exclusions.length === 0 && said.every(list => list[place]?.exclusions.length === 0);
}

export interface SaleOutcome {
  readonly said: Said;
  readonly allowed: boolean;
}

export function saleOutcomeOf(snapshot: Snapshot, sale: Sale): SaleOutcome {
  const { product, at } = sale;
  const { contracts, lapsed } = bindingContracts(snapshot, 'distribute', product.vendor, product, at);
  const said = hearSale(contracts, snapshot, sale);
  const exclusions = [...lapsedOf(lapsed), ...said.exclusions];
  return { said: { ...said, exclusions }, allowed: exclusions.length === 0 };
}
