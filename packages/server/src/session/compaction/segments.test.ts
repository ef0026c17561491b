/** Segments and their worth where a text is long: found in one pass, and the same as ever. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoggedItem } from '../../log/events.ts';
import { selectContent } from './select.ts';
import { segmentsOf, worthOf } from './segments.ts';
import { isDigest, weightOf } from './items.ts';
import { WEIGHT_OF_TOKEN } from '../../kernel/text-tokens.ts';

const assistant = (text: string): LoggedItem => ({ type: 'message', id: 'msg_1', role: 'assistant', content: text });

/** More than one call takes as arguments. */
const MANY = 200_000;

test('a text of more sentences than a call takes arguments is compacted like any other', () => {
  const text = Array.from({ length: MANY }, (_, n) => `A${n}.`).join(' ');
  expect(segmentsOf(text)).toHaveLength(MANY);
  const { content } = selectContent([assistant(text)], { budget: 1000, users: 'within' });
  expect(content.map(isDigest)).toEqual([true]);
  expect(weightOf(content)).toBeLessThanOrEqual(1000 * WEIGHT_OF_TOKEN);
});

test('a line of more pieces than a call takes arguments is cut all the same', () => {
  expect(segmentsOf('a'.repeat(280 * MANY))).toHaveLength(MANY);
});

test('without extracts nothing is left of what is not kept whole', () => {
  const text = `The code is 8812. ${'Nothing was said. '.repeat(500)}`;
  const items = [assistant(text), { ...assistant('Yes.'), id: 'msg_2' }];
  expect(selectContent(items, { budget: 500, users: 'within', extracts: false }).content).toEqual(items.slice(1));
  expect(selectContent(items, { budget: 500, users: 'within' }).content.map(isDigest)).toEqual([true, false]);
});

// Letter by letter it would take hours.
test('the worth of a word is found in one pass, however long the word', () => {
  const long = 'a'.repeat(500_000);
  expect(worthOf(long)).toBe(2);
  expect(worthOf(`${long}-${'b'.repeat(500_000)}`)).toBe(5);
});

test('an identifier is what it was when each letter was tried', () => {
  const tried = /[\p{L}\p{N}]+(?:[_/@.:-]+[\p{L}\p{N}]+)+|`[^`]+`/gu;
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '中', '-', '_', '.', '`', ' '), maxLength: 60 });
  fc.assert(
    fc.property(text, sample => {
      const found = Math.min(sample.match(tried)?.length ?? 0, 2);
      expect(worthOf(sample)).toBe(2 + 3 * found);
    }),
    { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 2000) },
  );
});
