/** Slots keep what a map from numbers would, and take no more room than there was at most. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('what is added is found once by its number, whatever else comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat({ max: 20 }), { freq: 2 }), { maxLength: 200 }), steps => {
      const slots = new Slots<{ readonly name: number }>();
      const known = new Map<number, { readonly name: number }>();
      let most = 0;
      steps.forEach((step, name) => {
        if (step === null) {
          const thing = { name };
          const at = slots.add(thing);
          expect(known.has(at)).toBe(false);
          known.set(at, thing);
          most = Math.max(most, known.size);
          expect(at).toBeLessThan(most);
        } else {
          expect(slots.take(step)).toBe(known.get(step) ?? null);
          known.delete(step);
        }
        expect(slots.size).toBe(known.size);
      });
      expect(new Set(slots)).toEqual(new Set(known.values()));
    }),
  );
});

test('a number that was never given has nothing', () => {
  const slots = new Slots();
  expect([slots.take(0), slots.take(-1), slots.take(1.5)]).toEqual([null, null, null]);
  expect(slots.size).toBe(0);
});
