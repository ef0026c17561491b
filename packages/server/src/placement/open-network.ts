/** What leaves for an address that a caller names: where it lies is not known, so clauses are asked about the open network. */
import { decide } from './decide.ts';
import type { Decision } from './decision.ts';
import type { CallFacts, HomePlace } from './facts.ts';
import type { Snapshot } from './snapshot.ts';

/** Of no cloud, under no law that is known, cleared for nothing. */
const OPEN_NETWORK: HomePlace = {
  kind: 'home',
  id: 'open-network',
  cloud: 'open-network',
  region: 'open-network',
  jurisdiction: 'unspecified',
  sovereignty: 'commercial',
  clearances: [],
};
/** The same list every time: what clauses said is kept by the list. */
const CANDIDATES: readonly HomePlace[] = [OPEN_NETWORK];

export function decideEgress(snapshot: Snapshot, facts: CallFacts): Decision {
  return decide({ ...snapshot, homes: CANDIDATES }, 'egress', facts, {});
}
