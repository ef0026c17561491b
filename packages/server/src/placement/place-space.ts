/** Where something could be done: the configured places, or every place that clauses can tell apart. */
import { boxesOf } from './boxes.ts';
import { boxPhrase, choice, type Choice, type Dimension } from './dimension.ts';
import { labelsOf } from './label-axes.ts';
import type { SpaceParts } from './axis.ts';
import type { Action, Place } from './facts.ts';
import { MAX_PLACES, SpaceTooWide } from './space-bounds.ts';

export interface PlaceSpace {
  readonly dimensions: readonly Dimension[];
  readonly places: readonly Place[];
  /** The choices that make each place. */
  readonly points: readonly (readonly number[])[];
  readonly configured: boolean;
}

/** The places of an action, as indexes; for a model call those that serve the vendor. */
export function candidatesAt({ places, configured }: PlaceSpace, action: Action, vendor: string): readonly number[] {
  return places.flatMap((place, i) => {
    if (!configured) return [i];
    if (action !== 'infer') return place.kind === 'home' ? [i] : [];
    return place.kind === 'target' && place.vendor === vendor ? [i] : [];
  });
}

/** @throws SpaceTooWide */
export function placeSpace(parts: SpaceParts): PlaceSpace {
  const { places } = parts;
  if (places !== null) {
    const dimension = { name: 'place', noun: 'place', prefix: '', choices: places.map(({ id }) => choice(id, id)) };
    return bounded({ dimensions: [dimension], places, points: places.map((_, i) => [i]), configured: true });
  }
  const facts: readonly (readonly [name: string, dimension: Dimension])[] = [
    ['cloud', words(parts, 'cloud', 'cloud', 'another-cloud')],
    ['region', words(parts, 'region', 'region', 'another-region')],
    ['sovereignty', words(parts, 'sovereignty', 'sovereignty', 'another-sovereignty')],
    ['jurisdiction', words(parts, 'jurisdiction', 'jurisdiction', 'another-jurisdiction')],
    ...clearances(parts),
    ...others(parts),
  ];
  const dimensions = facts.map(([, dimension]) => dimension);
  const count = dimensions.reduce((size, { choices }) => size * choices.length, 1);
  const points = count > MAX_PLACES ? [] : product(dimensions.map(({ choices }) => choices.length));
  const made = points.map((point): Place => {
    const values = facts.map(([name, { choices }], i) => [name, choices[point[i] ?? 0]?.value] as const);
    const cleared = values.flatMap(([name, value]) =>
      name === 'clearances' && typeof value === 'string' ? [value] : [],
    );
    const phrase =
      boxPhrase(
        dimensions,
        point.map(one => [one]),
      ).join(', ') || 'anywhere';
    const fields = Object.fromEntries(values);
    // What no clause names is called by what it is.
    const id = fields['id'] === OTHER ? phrase : (fields['id'] ?? phrase);
    // Each dimension gives the field that it is called by.
    return { kind: 'home', ...fields, id, clearances: cleared } as unknown as Place;
  });
  return bounded({ dimensions, places: made, points, configured: false }, count, dimensions);
}

function bounded(space: PlaceSpace, count = space.places.length, wide = space.dimensions): PlaceSpace {
  if (count <= MAX_PLACES) return space;
  const [widest] = wide.toSorted((a, b) => b.choices.length - a.choices.length);
  const { name, choices } = widest ?? { name: 'place', choices: [] };
  throw new SpaceTooWide(
    `the clauses tell ${count} places apart; at most ${MAX_PLACES} are looked at. The widest dimension is ${name} (${choices.length} values). ` +
      'Narrow it: --config FILE looks at the configured places only',
  );
}

function product(widths: readonly number[]): (readonly number[])[] {
  let points: (readonly number[])[] = [[]];
  for (const width of widths) points = points.flatMap(point => Array.from({ length: width }, (_, i) => [...point, i]));
  return points;
}

function words({ mentions }: SpaceParts, name: string, noun: string, other: string): Dimension {
  const named = [...(mentions.facts.get(`place.${name}`)?.constants ?? [])].map(String).toSorted();
  const choices: Choice[] = named.map(word => choice(word, word));
  const rest = choice(`any other ${noun}`, other, { rest: true });
  return { name, noun, prefix: name === 'cloud' || name === 'region' ? '' : noun, choices: [...choices, rest] };
}

/** A dimension for each label: cleared for it or not. */
function clearances(parts: SpaceParts): readonly (readonly [string, Dimension])[] {
  if (!parts.mentions.facts.has('place.clearances')) return [];
  return labelsOf(parts).map(label => {
    const word = label === 'another-label' ? 'any other label' : label;
    const choices: Choice[] = [choice(`not cleared for ${word}`, null), choice(`cleared for ${word}`, label)];
    return ['clearances', { name: `clearance:${label}`, noun: 'clearance', prefix: '', choices }];
  });
}

/** A value that no clause names. */
const OTHER = 'another';

const KNOWN: ReadonlySet<string> = new Set(['cloud', 'region', 'sovereignty', 'jurisdiction', 'clearances']);

/** What places have gained in the schema since this was written. */
function others(parts: SpaceParts): readonly (readonly [string, Dimension])[] {
  return [...parts.mentions.facts].flatMap(([path, { constants }]) => {
    const name = path.startsWith('place.') ? path.slice('place.'.length) : '';
    if (name === '' || KNOWN.has(name)) return [];
    const choices: Choice[] = [...constants].map(one => choice(String(one), one));
    return [
      [
        name,
        { name, noun: name, prefix: name, choices: [...choices, choice(`any other ${name}`, OTHER, { rest: true })] },
      ],
    ];
  });
}

/** A set of places in words. */
export function placesText(space: PlaceSpace, among: readonly number[], chosen: readonly number[]): string {
  if (chosen.length === 0) return 'nowhere';
  if (chosen.length === among.length) return 'anywhere';
  if (space.configured) return listText(space, among, chosen);
  const boxes = boxesOf(
    chosen.map(i => space.points[i] ?? []),
    space.dimensions.map(({ choices }) => choices.length),
  );
  return `${boxes.map(box => boxPhrase(space.dimensions, box).join(', ')).join('; or ')} only`;
}

function listText({ places }: PlaceSpace, among: readonly number[], chosen: readonly number[]): string {
  const names = (list: readonly number[]): string => list.map(i => places[i]?.id ?? '').join(', ');
  const others = among.filter(i => !chosen.includes(i));
  return others.length < chosen.length ? `anywhere but ${names(others)}` : `${names(chosen)} only`;
}
