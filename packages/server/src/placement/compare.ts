/** Two sets of contracts compared: every request class whose outcome changes, joined into rows that can be read. */
import type { Said } from './bind.ts';
import { type Box, firstPoint, joinedBoxes, type Point, sizeOfAll, sizeOfBox } from './boxes.ts';
import type { Exclusion } from './decision.ts';
import { boxPhrase } from './dimension.ts';
import { type Axis, requestAt } from './axis.ts';
import type { FactSpace } from './fact-space.ts';
import type { Action, Place } from './facts.ts';
import { allowedAt, outcomeOf, saidAt, saleOutcomeOf } from './outcome.ts';
import { candidatesAt, placesText } from './place-space.ts';
import type { CallClass, ToldCall } from './ports.ts';
import type { Snapshot } from './snapshot.ts';

/** What one side says of a witness, at a place. */
export interface Side {
  readonly outcome: 'allowed' | 'denied';
  readonly by: readonly Exclusion[];
  readonly permits: Said['permits'];
  readonly flagged: readonly Exclusion[];
}

export interface Witness {
  readonly action: Action | 'distribute';
  readonly facts: ToldCall;
  /** In words, every dimension. */
  readonly said: readonly string[];
  /** By contract. */
  readonly classes: readonly [Classes, Classes];
  /** Places whose outcome changes, each once for all that change alike. Null: a sale. */
  readonly places: readonly { readonly place: Place | null; readonly before: Side; readonly after: Side }[];
}

type Classes = Readonly<Record<string, CallClass | null>>;

/** Request classes that change alike. */
export interface Change {
  /** Conditions in words, joined by commas; empty for all requests. */
  readonly when: readonly string[];
  readonly before: string;
  readonly after: string;
  /** Request classes in this row. Rows may overlap. */
  readonly classes: number;
  readonly witness: Witness;
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** Classes that were looked at, and those that change. Sales are counted too. */
  readonly compared: number;
  readonly changed: number;
}

/** Classes that change in the same way: no two boxes share one. */
interface Alike {
  readonly before: string;
  readonly after: string;
  readonly boxes: Box[];
}

export function compare(a: Snapshot, b: Snapshot, space: FactSpace): Comparison {
  const calls = changesOf(space.callBoxes, point => callChange(a, b, space, point));
  const sales = changesOf(space.saleBoxes, point => saleChange(a, b, space.sales, point));
  const changes = [
    ...rowsOf(sales.groups, space.sales, point => saleWitness(a, b, space.sales, point)),
    ...rowsOf(calls.groups, space.calls, point => callWitness(a, b, space, point)),
  ];
  const changed = [...calls.groups, ...sales.groups].reduce((sum, { boxes }) => sum + sizeOfAll(boxes), 0);
  return { changes, compared: calls.compared + sales.compared, changed };
}

function changesOf(
  boxes: readonly Box[],
  changeAt: (point: Point) => readonly [string, string] | null,
): { readonly groups: readonly Alike[]; readonly compared: number } {
  const groups = new Map<string, Alike>();
  let compared = 0;
  for (const box of boxes) {
    compared += sizeOfBox(box);
    const change = changeAt(firstPoint(box));
    if (change === null) continue;
    const [before, after] = change;
    const key = `${before}\n${after}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { before, after, boxes: [box] });
    else group.boxes.push(box);
  }
  return { groups: [...groups.values()], compared };
}

function rowsOf(
  groups: readonly Alike[],
  axes: readonly Axis[],
  witnessAt: (point: Point) => Witness,
): readonly Change[] {
  const dimensions = axes.map(({ dimension }) => dimension);
  const widths = dimensions.map(({ choices }) => choices.length);
  return groups.flatMap(({ before, after, boxes }) =>
    joinedBoxes(boxes, widths).map((box: Box) => ({
      when: boxPhrase(dimensions, box),
      before,
      after,
      classes: sizeOfBox(box),
      witness: witnessAt(firstPoint(box)),
    })),
  );
}

interface Candidates {
  readonly indexes: readonly number[];
  readonly places: readonly Place[];
  /** Sets of them in words: many classes come to the same. */
  readonly texts: Map<string, string>;
}

const kept = new WeakMap<FactSpace, Map<string, Candidates>>();

/** The same list every time: what clauses say of places is kept by the list. */
function candidatesOf(space: FactSpace, action: Action, vendor: string): Candidates {
  const known = kept.get(space) ?? new Map<string, Candidates>();
  kept.set(space, known);
  const key = space.places.configured ? `${action}/${vendor}` : '';
  const found = known.get(key);
  if (found !== undefined) return found;
  const indexes = candidatesAt(space.places, action, vendor);
  const made = {
    indexes,
    places: indexes.flatMap(i => space.places.places[i] ?? []),
    texts: new Map<string, string>(),
  };
  known.set(key, made);
  return made;
}

function callChange(a: Snapshot, b: Snapshot, space: FactSpace, point: Point): readonly [string, string] | null {
  const { action, facts } = requestAt(space.calls, point);
  const { indexes, places, texts } = candidatesOf(space, action, facts.vendor);
  const [one, other] = [outcomeOf(a, action, facts, places), outcomeOf(b, action, facts, places)];
  if (indexes.every((_, at) => allowedAt(one, at) === allowedAt(other, at))) return null;
  const text = (outcome: typeof one): string => {
    const chosen = indexes.filter((_, at) => allowedAt(outcome, at));
    const key = chosen.join(',');
    const words = texts.get(key) ?? placesText(space.places, indexes, chosen);
    texts.set(key, words);
    return words + whyNowhere(chosen.length, outcome.always.exclusions);
  };
  return [text(one), text(other)];
}

function whyNowhere(places: number, always: readonly Exclusion[]): string {
  if (places > 0 || always.length === 0) return '';
  return always.some(({ kind }) => kind === 'no-contract-in-force') ? ' (no contract in force)' : ' (may not be sold)';
}

function saleChange(a: Snapshot, b: Snapshot, axes: readonly Axis[], point: Point): readonly [string, string] | null {
  const { facts } = requestAt(axes, point);
  const sale = { ...facts.session, at: facts.at, recorded: facts.recorded };
  const [one, other] = [saleOutcomeOf(a, sale), saleOutcomeOf(b, sale)];
  const text = (allowed: boolean): string => (allowed ? 'may be sold' : 'may not be sold');
  return one.allowed === other.allowed ? null : [text(one.allowed), text(other.allowed)];
}

function pointPhrases(axes: readonly Axis[], point: Point): readonly string[] {
  return boxPhrase(
    axes.map(({ dimension }) => dimension),
    point.map(one => [one]),
  );
}

function sideOf(allowed: boolean, { exclusions, permits, flagged }: Said): Side {
  return { outcome: allowed ? 'allowed' : 'denied', by: exclusions, permits, flagged };
}

function callWitness(a: Snapshot, b: Snapshot, space: FactSpace, point: Point): Witness {
  const { action, facts } = requestAt(space.calls, point);
  const { places } = candidatesOf(space, action, facts.vendor);
  const outcomes = [outcomeOf(a, action, facts, places), outcomeOf(b, action, facts, places)] as const;
  const seen = new Set<string>();
  const changed = places.flatMap((place, at) => {
    const [before, after] = [
      sideOf(allowedAt(outcomes[0], at), saidAt(outcomes[0], at)),
      sideOf(allowedAt(outcomes[1], at), saidAt(outcomes[1], at)),
    ];
    const key = JSON.stringify([before, after]);
    if (before.outcome === after.outcome || (!space.places.configured && seen.has(key))) return [];
    seen.add(key);
    return [{ place, before, after }];
  });
  const said = pointPhrases(space.calls, point);
  return { action, facts, said, classes: [outcomes[0].classes, outcomes[1].classes], places: changed };
}

function saleWitness(a: Snapshot, b: Snapshot, axes: readonly Axis[], point: Point): Witness {
  const { facts } = requestAt(axes, point);
  const sale = { ...facts.session, at: facts.at, recorded: facts.recorded };
  const [one, other] = [saleOutcomeOf(a, sale), saleOutcomeOf(b, sale)];
  const places = [{ place: null, before: sideOf(one.allowed, one.said), after: sideOf(other.allowed, other.said) }];
  return { action: 'distribute', facts, said: pointPhrases(axes, point), classes: [{}, {}], places };
}
