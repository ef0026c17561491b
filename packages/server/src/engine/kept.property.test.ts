/** What is kept as bytes comes back as it was: texts, and the events of a running turn. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WireEvent } from '../session/output.ts';
import { KeptEvents } from './kept-events.ts';
import { KeptTexts } from './kept-texts.ts';

/** Beyond ASCII too, beyond the first plane, alone halves of it, and larger than any block. */
const json = fc
  .oneof(
    { weight: 20, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
    { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 3000 }) },
    { weight: 2, arbitrary: fc.constantFrom('\ud83d', '\ude00', '\n', '', '\u0000') },
    { weight: 1, arbitrary: fc.nat({ max: 400_000 }).map(n => '\u20ac'.repeat(n)) },
  )
  .map(text => JSON.stringify(text));
const texts = fc.array(json, { maxLength: 200 });

test('K1: each text is what was added, and its bytes are counted', () => {
  const seen = { blocks: 0, large: 0 };
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat(), (given, a, b) => {
      const kept = new KeptTexts();
      for (const text of given) kept.add(text);
      expect(kept.length).toBe(given.length);
      expect(Array.from(given, (_, i) => kept.text(i))).toEqual(given);
      const [from, to] = [a % (given.length + 2), b % (given.length + 2)];
      expect(kept.bytes(from, to)).toBe(Buffer.byteLength(given.slice(from, to).join('')));
      const size = kept.bytes(0, given.length);
      if (size > 10_000) seen.blocks += 1;
      if (size > 300_000) seen.large += 1;
    }),
    { numRuns: 200 },
  );
  expect(seen.blocks).toBeGreaterThan(0);
  expect(seen.large).toBeGreaterThan(0);
});

test('there is no text before the first and after the last', () => {
  const kept = new KeptTexts();
  expect(() => kept.text(0)).toThrow(RangeError);
  expect(kept.bytes(0, 1)).toBe(0);
  for (let i = 0; i < 500; i++) kept.add(`${i}`);
  expect([kept.text(0), kept.text(499)]).toEqual(['0', '499']);
  expect(() => kept.text(500)).toThrow(RangeError);
  expect(() => kept.text(-1)).toThrow(RangeError);
});

const batches = fc.array(fc.array(json, { maxLength: 6 }), { maxLength: 40 });
const reads = fc.array(fc.record({ at: fc.nat({ max: 260 }), chars: fc.integer({ min: 1, max: 5000 }) }), {
  maxLength: 5,
});

test('events are read from anywhere, whichever came last, in pieces that end once they are large enough', () => {
  const seen = { across: 0 };
  fc.assert(
    fc.property(batches, reads, (given, wanted) => {
      const kept = new KeptEvents();
      const all: WireEvent[] = [];
      for (const batch of given) {
        const before = all.length;
        const events = batch.map((text, i) => ({ seq: before + i, type: `response.${i}`, json: text }));
        all.push(...events);
        kept.add(events);
        expect(kept.length).toBe(all.length);
        for (const { at, chars } of wanted) {
          const read = kept.batch(at, chars);
          expect(read).toEqual(all.slice(at, at + read.length));
          const size = read.reduce((sum, event) => sum + event.json.length, 0);
          const last = read.at(-1)?.json.length ?? 0;
          // As much as was asked for or all there is, and no event more than that takes.
          expect(size >= chars || at + read.length >= all.length).toBe(true);
          expect(size - last < chars).toBe(true);
          if (read.length > events.length && events.length > 0 && read.at(-1) === events.at(-1)) seen.across += 1;
          expect(kept.bytes(at) > 0).toBe(at < all.length);
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(seen.across).toBeGreaterThan(0);
});
