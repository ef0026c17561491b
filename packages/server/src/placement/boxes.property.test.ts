/** Boxes hold just the points that they are made of, and none of them can be left out. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Box, boxesOf, joinedBoxes, MAX_POINTS, type Point, sizeOfAll } from './boxes.ts';

const WIDTHS = [3, 2, 4, 2];

function every(): Point[] {
  let points: Point[] = [[]];
  for (const width of WIDTHS) points = points.flatMap(point => Array.from({ length: width }, (_, i) => [...point, i]));
  return points;
}

const ALL = every();
const holds = (box: Box, point: Point): boolean => box.every((chosen, i) => chosen.includes(point[i] ?? -1));
const key = (points: readonly Point[]): string[] => points.map(point => point.join(',')).toSorted();

test('boxes hold just their points', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...ALL), { maxLength: ALL.length }), points => {
      const boxes = boxesOf(points, WIDTHS);
      const held = (list: readonly Box[]): Point[] => ALL.filter(point => list.some(box => holds(box, point)));
      expect(key(held(boxes))).toEqual(key(points));
      for (const box of boxes) expect(held(boxes.filter(other => other !== box)).length).toBeLessThan(points.length);
    }),
    { numRuns: 300 },
  );
});

test('a box is as large as it can be: everything is one', () => {
  expect(boxesOf(ALL, WIDTHS)).toEqual([
    [
      [0, 1, 2],
      [0, 1],
      [0, 1, 2, 3],
      [0, 1],
    ],
  ]);
  const corner = ALL.filter(([a, b]) => a === 0 || b === 0);
  expect(boxesOf(corner, WIDTHS)).toHaveLength(2);
});

test.each([MAX_POINTS, MAX_POINTS + 100])(
  'boxes that share no point are joined into boxes of just their points: %i of them',
  points => {
    const columns = Array.from({ length: 100 }, (_, i) => i);
    // Every second row whole, and a part of the one after it.
    const rows = points / 100;
    const boxes = Array.from({ length: rows }, (_, i) =>
      i % 2 === 0 ? [[i, i + rows], columns.slice(50)] : [[i], columns],
    );
    const joined = joinedBoxes(boxes, [2 * rows, 100]);
    const codes = (list: readonly Box[]) =>
      new Set(list.flatMap(([of = [], at = []]) => of.flatMap(row => at.map(column => row * 100 + column))));
    expect(codes(joined)).toEqual(codes(boxes));
    expect(sizeOfAll(boxes)).toBe(points);
    expect(joined).toHaveLength(2);
  },
);
