/**
 * Points of a product space as boxes: a box is a set of choices per dimension. Together the boxes hold just the points that were
 * given; each is as large as it can be, so that they may overlap.
 */

export type Point = readonly number[];
/** The choices of each dimension, ascending. */
export type Box = readonly (readonly number[])[];

/** Orders of dimensions that are tried; the one that gives the fewest boxes is taken. */
const MAX_ORDERS = 4;

/** Points up to which boxes are made as large as they can be: beyond, they are only joined. */
export const MAX_POINTS = 20_000;

/** As `boxesOf`, of the points of boxes that share none. */
export function joinedBoxes(boxes: readonly Box[], widths: readonly number[]): readonly Box[] {
  if (sizeOfAll(boxes) <= MAX_POINTS) return boxesOf(boxes.flatMap(pointsIn), widths);
  return joinAlong(boxes, [...widths.keys()].toReversed());
}

function pointsIn(box: Box): readonly Point[] {
  let points: (readonly number[])[] = [[]];
  for (const chosen of box) points = points.flatMap(point => chosen.map(one => [...point, one]));
  return points;
}

/** @param widths choices of each dimension */
export function boxesOf(points: readonly Point[], widths: readonly number[]): readonly Box[] {
  const inside = new Set(points.map(point => codeOf(point, widths)));
  let best: readonly Box[] | null = null;
  const single = points.map(point => point.map(chosen => [chosen]));
  for (let shift = 0; shift < Math.min(Math.max(widths.length, 1), MAX_ORDERS); shift++) {
    const order = widths.map((_, i) => (i + shift) % widths.length);
    for (const tried of [order, order.toReversed()]) {
      const boxes = joinAlong(single, tried);
      if (best === null || boxes.length < best.length) best = boxes;
    }
  }
  const grown = (best ?? []).map(box => grow(box, widths, inside));
  return needed(grown, widths);
}

function codeOf(point: Point, widths: readonly number[]): number {
  return point.reduce((code, chosen, i) => code * (widths[i] ?? 1) + chosen, 0);
}

function joinAlong(disjoint: readonly Box[], order: readonly number[]): readonly Box[] {
  let boxes = disjoint;
  for (let before = -1; before !== boxes.length; ) {
    before = boxes.length;
    for (const dimension of order) boxes = join(boxes, dimension);
  }
  return boxes;
}

/** Boxes that differ in one dimension only become one. */
function join(boxes: readonly Box[], dimension: number): readonly Box[] {
  const groups = new Map<string, { readonly like: Box; readonly chosen: number[] }>();
  for (const box of boxes) {
    let key = '';
    for (const [i, chosen] of box.entries()) key += i === dimension ? '|' : `${chosen.join(',')}|`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { like: box, chosen: [...(box[dimension] ?? [])] });
    else group.chosen.push(...(box[dimension] ?? []));
  }
  return [...groups.values()].map(({ like, chosen }) =>
    like.map((same, i) => (i === dimension ? chosen.toSorted((a, b) => a - b) : same)),
  );
}

/** Takes in every choice with which the box still holds only points that are inside. */
function grow(box: Box, widths: readonly number[], inside: ReadonlySet<number>): Box {
  let grown = box;
  for (const [dimension, width] of widths.entries()) {
    for (let chosen = 0; chosen < width; chosen++) {
      if (grown[dimension]?.includes(chosen)) continue;
      const slice = grown.map((same, i) => (i === dimension ? [chosen] : same));
      if (!everyCode(slice, widths, code => inside.has(code))) continue;
      grown = grown.map((same, i) => (i === dimension ? [...same, chosen].toSorted((a, b) => a - b) : same));
    }
  }
  return grown;
}

/** Largest first, those that hold a point which none before them holds; then without those that the others hold together. */
function needed(boxes: readonly Box[], widths: readonly number[]): readonly Box[] {
  const holders = new Map<number, number>();
  const hold = (box: Box, by: 1 | -1): void =>
    void everyCode(box, widths, code => holders.set(code, (holders.get(code) ?? 0) + by) !== null);
  const taken = boxes
    .toSorted((a, b) => sizeOfBox(b) - sizeOfBox(a))
    .filter(box => {
      if (everyCode(box, widths, code => (holders.get(code) ?? 0) > 0)) return false;
      hold(box, 1);
      return true;
    });
  return taken.filter(box => {
    const spare = everyCode(box, widths, code => (holders.get(code) ?? 0) > 1);
    if (spare) hold(box, -1);
    return !spare;
  });
}

/** Whether something holds of every point of a box, by its code. */
function everyCode(box: Box, widths: readonly number[], test: (code: number) => boolean): boolean {
  const walk = (dimension: number, code: number): boolean => {
    const chosen = box[dimension];
    if (chosen === undefined) return test(code);
    return chosen.every(one => walk(dimension + 1, code * (widths[dimension] ?? 1) + one));
  };
  return walk(0, 0);
}

/** Points in a box. */
export function sizeOfBox(box: Box): number {
  return box.reduce((size, chosen) => size * chosen.length, 1);
}

/** Points in boxes that share none. */
export function sizeOfAll(boxes: readonly Box[]): number {
  return boxes.reduce((size, box) => size + sizeOfBox(box), 0);
}

/** The first point of a box. */
export function firstPoint(box: Box): Point {
  return box.map(([first = 0]) => first);
}
