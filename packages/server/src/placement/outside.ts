/**
 * Places that no configuration names. What leaves for an address that a caller names, or runs on a machine of the user's: where that lies is not
 * known, so clauses are asked about a place of no cloud, under no law that is known, cleared for nothing.
 */
import type { DecideOptions, HomePlace, Place } from './facts.ts';
import type { Snapshot } from './snapshot.ts';

export const OPEN_NETWORK = 'open-network';
/** The machine of a self-hosted environment. */
export const SELF_HOSTED = 'self-hosted';

function outside(id: string): HomePlace {
  return {
    kind: 'home',
    id,
    cloud: id,
    region: id,
    jurisdiction: 'unspecified',
    sovereignty: 'commercial',
    clearances: [],
  };
}

/** The same lists every time: what clauses said is kept by the list. */
const LISTS: ReadonlyMap<string, readonly HomePlace[]> = new Map(
  [OPEN_NETWORK, SELF_HOSTED].map(id => [id, [outside(id)]]),
);

/** The candidates of a decision that asks for such a place alone; null of any other. */
export function outsideOf({ byId }: Snapshot, { only }: DecideOptions): readonly HomePlace[] | null {
  const [id, ...more] = only ?? [];
  return id === undefined || more.length > 0 || byId.has(id) ? null : (LISTS.get(id) ?? null);
}

/** A place that a decision named. */
export function placeNamed({ byId }: Snapshot, id: string): Place | undefined {
  return byId.get(id) ?? LISTS.get(id)?.[0];
}
