/** What grows as bytes comes back as it was. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GrowingNumbers, GrowingText } from './growing.ts';

const piece = fc.oneof(
  { weight: 12, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.constantFrom('', '\u0000', '\ud83d', '\ude00', '\ud83d\ude00', '\ufeff') },
  { weight: 1, arbitrary: fc.nat({ max: 3000 }).map(n => '\u20ac'.repeat(n)) },
);

test('a text in pieces is the pieces one after another', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), pieces => {
      const text = new GrowingText();
      let all = '';
      for (const one of pieces) {
        text.add(one);
        all += one;
        expect(text.text()).toBe(all);
      }
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['in a piece that follows', ['a', '\ud83d', '\ude00', 'b']],
  ['in the first', ['\ud83d', '\ude00', 'b']],
  ['after bytes', ['a', 'b', 'c'.repeat(2000), '\ud83d', '\ude00']],
])('halves of a pair come back: %s', (_where, pieces) => {
  const text = new GrowingText();
  for (const one of pieces) text.add(one);
  expect(text.text()).toBe(pieces.join(''));
  expect(text.text()).toContain('\ud83d\ude00');
});

test('numbers come back in their order, from 0 to the most', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 2 ** 32 - 1 }), { maxLength: 70 }), given => {
      const numbers = new GrowingNumbers();
      for (const one of given) numbers.push(one);
      expect(numbers.list()).toEqual(given);
    }),
    { examples: [[[0, 2 ** 32 - 1]], [Array.from({ length: 9 }, (_, i) => i)], [[]]] },
  );
});
