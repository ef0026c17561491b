/**
 * The finite space of request classes that the clauses of some contracts can tell apart. Values that no clause names are one value,
 * "any other". Two requests of one class are decided alike.
 *
 * F1. What is looked at is bounded: `MAX_CLASSES` boxes of classes that come out alike, over `MAX_PLACES` places, else `SpaceTooWide`, which
 *     says what is too wide.
 * F2. A fact that no clause reads has one value, and so adds nothing. Where none that reads it can apply, all of its values are one box.
 */
import { type Axis, type SpaceParts, sizeOf } from './axis.ts';
import type { Box } from './boxes.ts';
import { classBoxes } from './classes.ts';
import type { Choice } from './dimension.ts';
import { callAxes, saleAxes, useCounts } from './fact-axes.ts';
import { type PlaceSpace, placeSpace } from './place-space.ts';
import { MAX_CLASSES, NoSuchValue, SpaceTooWide } from './space-bounds.ts';
import { useAxis } from './use-axis.ts';

export interface FactSpace {
  /** Of requests: the first axis is the action. */
  readonly calls: readonly Axis[];
  /** Of sales. */
  readonly sales: readonly Axis[];
  readonly places: PlaceSpace;
  /** Classes of requests, and of sales, that come out alike: each class is in one of them. */
  readonly callBoxes: readonly Box[];
  readonly saleBoxes: readonly Box[];
  /** Request classes, sales not counted. */
  readonly size: number;
}

/** @throws SpaceTooWide, NoSuchValue */
export function makeFactSpace(parts: SpaceParts): FactSpace {
  const wanted = new Map(Object.entries(parts.only));
  const narrow = (axes: readonly Axis[]): readonly Axis[] => axes.map(axis => narrowed(axis, wanted));
  const narrowCalls = narrow(callAxes(parts));
  const { classByUse } = parts;
  const calls =
    classByUse === null ? narrowCalls : [...narrowCalls, ...useAxis(useCounts(parts), narrowCalls, classByUse)];
  const sales = narrow(saleAxes(parts));
  for (const name of wanted.keys()) {
    if (calls.some(({ dimension }) => dimension.name === name)) continue;
    const names = calls.map(({ dimension }) => dimension.name).join(', ');
    throw new NoSuchValue(`there is no dimension ${name} here (there are: ${names})`);
  }
  const boxesOf = (axes: readonly Axis[]): readonly Box[] =>
    classBoxes(axes, parts.clauses, MAX_CLASSES, () => tooMany(axes));
  const callBoxes = boxesOf(calls);
  return { calls, sales, callBoxes, saleBoxes: boxesOf(sales), places: placeSpace(parts), size: sizeOf(calls) };
}

function tooMany(axes: readonly Axis[]): never {
  const widest = axes.toSorted((a, b) => b.dimension.choices.length - a.dimension.choices.length).slice(0, 3);
  const list = widest.map(({ dimension: { name, choices } }) => `${name} (${choices.length} values)`).join(', ');
  throw new SpaceTooWide(
    `the clauses tell more than ${MAX_CLASSES} kinds of request apart; at most ${MAX_CLASSES} are looked at. The widest dimensions are ${list}. ` +
      `Narrow them: --only ${widest[0]?.dimension.name ?? 'product'}=VALUE, or --at DAY for one moment`,
  );
}

function narrowed(axis: Axis, wanted: ReadonlyMap<string, readonly string[]>): Axis {
  const { dimension } = axis;
  const values = wanted.get(dimension.name);
  if (values === undefined) return axis;
  const choices = values.map(value => {
    const found = dimension.choices.find(one => one.label === value || nameOf(one) === value);
    if (found !== undefined) return found;
    const list = dimension.choices.map(nameOf).join(', ');
    throw new NoSuchValue(`${dimension.name} is never ${JSON.stringify(value)} here (there are: ${list})`);
  });
  return { ...axis, dimension: { ...dimension, choices } };
}

/** How `--only` calls a choice. */
export function nameOf({ value, label }: Choice): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string') return value.id;
  return label;
}
