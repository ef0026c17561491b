import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { countTokens, firstTokens, piecesOf } from './tokens.ts';

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom('a', 'Z', '7', ' ', '\n', '.', '{', 'é', '漢', '😀', '\u{1F468}\u200D'),
    maxLength: 60,
  }),
);

test('the pieces of a text put together are the text, and as many as are counted', () => {
  fc.assert(
    fc.property(texts, text => {
      const pieces = piecesOf(text);
      expect(pieces.join('')).toBe(text);
      expect(pieces).toHaveLength(countTokens(text));
      expect(pieces).not.toContain('');
    }),
    { numRuns: 3_000 },
  );
});

test('no piece holds half of a surrogate pair, and none is longer than its bound', () => {
  fc.assert(
    fc.property(texts, text => {
      for (const piece of piecesOf(text)) {
        expect(piece.isWellFormed()).toBe(true);
        expect(piece.length).toBeLessThanOrEqual(9);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('the first tokens are the first pieces', () => {
  fc.assert(
    fc.property(texts, fc.nat(30), (text, limit) => {
      const first = firstTokens(text, limit);
      expect(first.text).toBe(piecesOf(text).slice(0, limit).join(''));
      expect(first.tokens).toBe(countTokens(first.text));
    }),
  );
});

test.each([
  ['', 0],
  ['word', 1],
  ['words', 2],
  [' word', 1],
  ['    word', 1],
  ['     word', 2],
  ['a.b', 3],
  ['end ', 2],
  ['\n\n', 1],
  ['aaa😀', 1],
  ['aaa😀b', 2],
])('%j has %i tokens', (text, tokens) => {
  expect(countTokens(text)).toBe(tokens);
});
