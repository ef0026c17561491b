import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineBuffer } from './line-buffer.ts';

test('lines come whole, in whatever pieces they are sent', () => {
  const line = fc.string({ unit: 'binary', maxLength: 40 }).map(text => text.replaceAll(/[\r\n]/g, ''));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat({ max: 60 })), fc.constantFrom('\n', '\r\n'), (lines, cuts, end) => {
      const bytes = Buffer.from(lines.map(one => `${one}${end}`).join(''));
      const places = [...cuts.filter(at => at < bytes.length), 0, bytes.length].toSorted((a, b) => a - b);
      const buffer = new LineBuffer(1_000);
      const found = places.flatMap((at, i) => buffer.append(bytes.subarray(places[i - 1] ?? 0, at)) ?? []);
      expect(found).toEqual(lines.map(one => Buffer.from(one).toString()));
    }),
  );
});

test('a line of as many bytes as may be is one, and one more is none', () => {
  for (const piece of [1, 3, 100]) {
    const fed = (length: number): readonly string[] | null => {
      const buffer = new LineBuffer(10);
      const bytes = Buffer.from(`${'x'.repeat(length)}\n`);
      let found: readonly string[] | null = [];
      for (let at = 0; at < bytes.length && found !== null; at += piece) {
        const more = buffer.append(bytes.subarray(at, at + piece));
        found = more === null ? null : [...found, ...more];
      }
      return found;
    };
    expect(fed(10)).toEqual(['x'.repeat(10)]);
    expect(fed(11)).toBeNull();
  }
});

// Copied anew with each piece this would move a terabyte.
test('a long line in pieces of a byte costs its bytes', { timeout: 20_000 }, () => {
  const size = 2 * 1024 * 1024;
  const buffer = new LineBuffer(size);
  const piece = Buffer.from('x');
  for (let at = 0; at < size; at++) buffer.append(piece);
  expect(buffer.append(Buffer.from('\n'))?.[0]).toHaveLength(size);
});
