/**
 * Everything that a decision sees besides the call: immutable, and named by a version. The same record decided on the same snapshot
 * gives the same table.
 */
import type { FirstRefusal, HomePlace, Place, Recorded, RecordedEvent, TargetPlace } from './facts.ts';
import type { ContractRules } from './ports.ts';
import type { Waiver } from './waive.ts';

/**
 * A score is in micro-USD, lower is better: price x cost + latency x milliseconds + affinity x distance.
 * Distance is 0 to 3: one for a cold prompt cache, and one or two for another region or another cloud than the place to be near to.
 */
export interface Weights {
  readonly price: number;
  /** Micro-USD that a millisecond is worth. */
  readonly latency: number;
  /** Micro-USD that a step of distance is worth. */
  readonly affinity: number;
}

export const DEFAULT_WEIGHTS: Weights = { price: 1, latency: 1, affinity: 200 };

export interface SnapshotParts {
  /** A digest of all that follows, given by the caller. */
  readonly version: string;
  readonly places: readonly Place[];
  readonly contracts: readonly ContractRules[];
  /** The reading of each contract, for sessions that name none. */
  readonly readings: Readonly<Record<string, string>>;
  /** False: monitor mode. Would-be refusals are flagged, nothing is refused. */
  readonly enforce: boolean;
  readonly onAmbiguity: 'flag' | 'refuse';
  readonly weights: Weights;
  /** Absent: none. In any order. */
  readonly events?: readonly RecordedEvent[];
  readonly firstRefusals?: readonly FirstRefusal[];
  /** Absent: none. */
  readonly waivers?: readonly Waiver[];
}

export interface Snapshot extends SnapshotParts {
  readonly targets: readonly TargetPlace[];
  readonly homes: readonly HomePlace[];
  readonly byId: ReadonlyMap<string, Place>;
  /** Targets of a model, by `modelKey`. */
  readonly byModel: ReadonlyMap<string, readonly TargetPlace[]>;
  /** The contracts in force at a time, superseded ones left out. */
  readonly inForce: (at: number) => readonly ContractRules[];
  readonly recorded: Recorded;
}

/** Two places share an id, or a weight is no number at least 0. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

export function modelKey(vendor: string, model: string): string {
  return `${vendor}/${model}`;
}

export function makeSnapshot(parts: SnapshotParts): Snapshot {
  const byId = new Map<string, Place>();
  for (const place of parts.places) {
    if (byId.has(place.id)) throw new SnapshotError(`two places are called ${place.id}`);
    byId.set(place.id, place);
  }
  for (const [name, weight] of Object.entries(parts.weights)) {
    if (!Number.isFinite(weight) || weight < 0)
      throw new SnapshotError(`weight ${name} is ${weight}: want a number, 0 or more`);
  }
  const targets = parts.places.filter(place => place.kind === 'target');
  const byModel = new Map<string, TargetPlace[]>();
  for (const target of targets) {
    const key = modelKey(target.vendor, target.model);
    const known = byModel.get(key);
    if (known === undefined) byModel.set(key, [target]);
    else known.push(target);
  }
  const homes = parts.places.filter(place => place.kind === 'home');
  const recorded = { events: parts.events ?? [], firstRefusals: parts.firstRefusals ?? [] };
  return { ...parts, recorded, byId, targets, homes, byModel, inForce: inForceByTime(parts.contracts) };
}

/** What is in force changes only at the contracts' own dates: the answer is kept from one date to the next. */
function inForceByTime(contracts: readonly ContractRules[]): (at: number) => readonly ContractRules[] {
  const dates = contracts
    .flatMap(({ effective }) => [effective.from, effective.to])
    .filter(date => date !== null)
    .toSorted((a, b) => a - b);
  const eras = [Number.NEGATIVE_INFINITY, ...dates].map(from => ({
    from,
    contracts: contractsInForce(contracts, from),
  }));
  return at => {
    let found: readonly ContractRules[] = [];
    for (const era of eras) {
      if (era.from > at) break;
      found = era.contracts;
    }
    return found;
  };
}

export function isEffective({ effective }: ContractRules, at: number): boolean {
  return (effective.from === null || at >= effective.from) && (effective.to === null || at < effective.to);
}

/** Effective, and not superseded by any effective one, even if that is superseded in its turn. */
function contractsInForce(contracts: readonly ContractRules[], at: number): ContractRules[] {
  const effective = contracts.filter(contract => isEffective(contract, at));
  const superseded = new Set(effective.flatMap(contract => contract.supersedes));
  return effective.filter(contract => !superseded.has(contract.id));
}
