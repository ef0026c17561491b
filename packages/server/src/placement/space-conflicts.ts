/** Contracts together: clauses that leave no place to a request that is permitted, and places that no request may use. */
import { type Box, firstPoint, joinedBoxes, sizeOfAll } from './boxes.ts';
import { conflictOf } from './conflict.ts';
import { type Exclusion, exclusionKey, type Row } from './decision.ts';
import { boxPhrase } from './dimension.ts';
import { requestAt } from './axis.ts';
import { type FactSpace } from './fact-space.ts';
import type { Place } from './facts.ts';
import { allowedAt, type Outcome, outcomeOf, saidAt } from './outcome.ts';
import { candidatesAt } from './place-space.ts';
import type { Clause } from './ports.ts';
import type { Snapshot } from './snapshot.ts';

/** Reasons that leave no place only together: none of them does alone. */
export interface Deadlock {
  readonly between: readonly Exclusion[];
  /** The clauses that permit it, at places that others exclude. */
  readonly permits: readonly Clause[];
  readonly classes: number;
  /** For whom, in words: one phrase for each kind of request. */
  readonly when: readonly (readonly string[])[];
}

export interface Unreachable {
  readonly place: Place;
  /** What excludes it from the last request that could have gone there; empty if there is none. */
  readonly by: readonly Exclusion[];
}

export interface SpaceConflicts {
  readonly deadlocks: readonly Deadlock[];
  readonly unreachable: readonly Unreachable[];
}

export function conflictsOf(snapshot: Snapshot, space: FactSpace): SpaceConflicts {
  const found = new Map<string, { between: readonly Exclusion[]; permits: Map<string, Clause>; boxes: Box[] }>();
  const used = new Set<Place>();
  const against = new Map<Place, readonly Exclusion[]>();
  const lists = new Map<string, readonly Place[]>();
  for (const box of space.callBoxes) {
    const { action, facts } = requestAt(space.calls, firstPoint(box));
    const key = space.places.configured ? `${action}/${facts.vendor}` : '';
    const places =
      lists.get(key) ?? candidatesAt(space.places, action, facts.vendor).flatMap(i => space.places.places[i] ?? []);
    lists.set(key, places);
    const outcome = outcomeOf(snapshot, action, facts, places);
    const allowed = places.filter((_, i) => allowedAt(outcome, i));
    if (action === 'infer' || action === 'place_state') {
      for (const place of allowed) used.add(place);
      for (const [i, place] of places.entries())
        if (!used.has(place)) against.set(place, saidAt(outcome, i).exclusions);
    }
    if (allowed.length > 0 || places.length === 0 || outcome.always.exclusions.length > 0) continue;
    const rows = places.map((place, i) => rowOf(place, outcome, i));
    const permits = rows.flatMap(row => row.permits);
    const { between } = conflictOf(rows, () => []);
    if (permits.length === 0 || between.length < 2) continue;
    const name = between.map(exclusionKey).toSorted().join(' ');
    const deadlock = found.get(name) ?? { between, permits: new Map<string, Clause>(), boxes: [] as Box[] };
    for (const permit of permits) deadlock.permits.set(`${permit.contract}/${permit.clause}`, permit);
    deadlock.boxes.push(box);
    found.set(name, deadlock);
  }
  const dimensions = space.calls.map(({ dimension }) => dimension);
  const widths = dimensions.map(({ choices }) => choices.length);
  const deadlocks = [...found.values()].map(({ between, permits, boxes }) => ({
    between,
    permits: [...permits.values()],
    classes: sizeOfAll(boxes),
    when: joinedBoxes(boxes, widths).map(box => boxPhrase(dimensions, box)),
  }));
  const unreachable = space.places.configured
    ? space.places.places.filter(place => !used.has(place)).map(place => ({ place, by: against.get(place) ?? [] }))
    : [];
  return { deadlocks, unreachable };
}

function rowOf(place: Place, outcome: Outcome, i: number): Row {
  const { exclusions, flagged, permits } = saidAt(outcome, i);
  const { id, cloud, region } = place;
  const nothing = { lacks: null, cost: null, latencyMs: null, distance: null, score: null };
  return { place: id, cloud, region, verdict: 'excluded', exclusions, flagged, permits, waived: [], ...nothing };
}
