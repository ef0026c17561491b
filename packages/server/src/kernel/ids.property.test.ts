import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  base32,
  bodyHome,
  bodyTime,
  fromBase32,
  homeTag,
  idBody,
  type IdPrefix,
  itemId,
  makeIds,
  MAX_PART_ITEMS,
  MAX_PARTS,
  parseItemId,
  parsePlacementId,
  placementId,
} from './ids.ts';

const PREFIXES: readonly IdPrefix[] = ['sess', 'conv', 'resp', 'chatcmpl', 'itms', 'req', 'key', 'proc'];
const prefix = fc.constantFrom(...PREFIXES);
const home = fc.string({ maxLength: 24 }).map(homeTag);

/** Draws with the bytes that the property gives, over and over. */
function drawing(times: readonly number[], bytes: readonly number[]): ReturnType<typeof makeIds> {
  let at = 0;
  return makeIds({ now: () => times[at++] ?? times.at(-1) ?? 0 }, into =>
    into.map((_, i) => bytes[i % bytes.length] ?? 0),
  );
}

const digits = fc.array(fc.nat(255), { minLength: 1, maxLength: 20 });

test('ids of one process sort in the order in which they were drawn, whatever the clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 ** 40), { minLength: 1, maxLength: 40 }), digits, home, (times, bytes, tag) => {
      // Random bytes are drawn anew with each millisecond; a constant source is the worst that can happen.
      const ids = drawing(times, bytes);
      const drawn = times.map(() => ids.next('resp', tag));
      expect(new Set(drawn).size).toBe(drawn.length);
      expect(drawn.toSorted()).toEqual(drawn);
    }),
  );
});

test('an id gives back its prefix, its time and its home', () => {
  fc.assert(
    fc.property(prefix, fc.nat(2 ** 45), digits, home, (kind, time, bytes, tag) => {
      const body = idBody(drawing([time], bytes).next(kind, tag), kind);
      if (body === null) throw new Error('not an id');
      expect(bodyTime(body)).toBe(time);
      expect(bodyHome(body)).toBe(tag);
      for (const other of PREFIXES) if (other !== kind) expect(idBody(`${kind}_${body}`, other)).toBeNull();
    }),
  );
});

test('numbers go through base 32 and back, in as many digits as were asked for', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (chars, share) => {
        const value = Math.floor(share * 32 ** chars);
        const text = base32(value, chars);
        expect(text).toHaveLength(chars);
        expect(fromBase32(text)).toBe(value);
        expect(() => base32(32 ** chars + value, chars)).toThrow(RangeError);
      },
    ),
  );
});

test('ids of items and placements name their place, and order as their places do', () => {
  const place = fc.record({ part: fc.nat(MAX_PARTS), index: fc.nat(MAX_PART_ITEMS) });
  fc.assert(
    fc.property(digits, place, place, fc.constantFrom('msg', 'fc', 'fco', 'rs', 'cmp'), (bytes, one, two, kind) => {
      const body = idBody(drawing([1], bytes).next('resp', 'abcd'), 'resp') ?? '';
      const id = itemId(kind, body, one.part, one.index);
      expect(parseItemId(id)).toEqual({ kind, body, ...one });
      expect(parsePlacementId(placementId(body, one.part))).toEqual({ body, part: one.part });
      const [a, b] = [one, two].map(({ part, index }) => part * (MAX_PART_ITEMS + 1) + index);
      expect(Math.sign(id.localeCompare(itemId(kind, body, two.part, two.index)))).toBe(Math.sign((a ?? 0) - (b ?? 0)));
    }),
  );
});

test('the tags of a thousand homes collide no more often than 20 bits must', () => {
  const tags = new Set(Array.from({ length: 1000 }, (_, i) => homeTag(`home-${i}`)));
  // Expected collisions: n^2 / 2^21, about 0.5. Config refuses the two that do.
  expect(tags.size).toBeGreaterThanOrEqual(996);
});
