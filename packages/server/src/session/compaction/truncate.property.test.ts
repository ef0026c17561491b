import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { conversation } from './items.test-support.ts';
import { isInstruction, openCallIds, pairs, tokensOfItems } from './items.ts';
import { truncateRuns } from './truncate.ts';

const RUNS = { numRuns: Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 300) };
const runs = fc.tuple(conversation, fc.integer({ min: 1, max: 5 })).map(([items, size]) => {
  const cut: { readonly items: typeof items }[] = [];
  for (let at = 0; at < items.length; at += size) cut.push({ items: items.slice(at, at + size) });
  return cut;
});

test('drops from the beginning only, fits, and never parts a call from its output', () => {
  fc.assert(
    fc.property(runs, fc.integer({ min: 0, max: 4000 }), (given, most) => {
      const before = given.flatMap(run => run.items);
      const after = truncateRuns(given, most);
      if (tokensOfItems(before) <= most) {
        expect(after).toBe(given);
        return;
      }
      if (after === null) return;
      const items = after.flatMap(run => run.items);
      expect(tokensOfItems(items)).toBeLessThanOrEqual(most);
      expect(items.at(-1)).toBe(before.at(-1));
      expect(items.filter(isInstruction)).toEqual(before.filter(isInstruction));
      expect(before.filter(item => items.includes(item))).toEqual(items);
      const paired = pairs(items);
      items.forEach((item, index) => {
        if (item.type === 'function_call_output') expect(paired.has(index)).toBe(true);
      });
      expect(openCallIds(before)).toEqual(expect.arrayContaining([...openCallIds(items)]));
      // A run that lost nothing is the same object.
      for (const run of given) if (run.items.every(item => items.includes(item))) expect(after).toContain(run);
    }),
    RUNS,
  );
});

test('both sides of the bound: what just fits stays whole, one token less drops the first that may go', () => {
  const items = [
    { type: 'message', id: 'a', role: 'system', content: 'x' },
    { type: 'message', id: 'b', role: 'user', content: 'y' },
    { type: 'message', id: 'c', role: 'user', content: 'z' },
  ];
  const whole = tokensOfItems(items);
  expect(truncateRuns([{ items }], whole)?.flatMap(run => run.items)).toEqual(items);
  expect(truncateRuns([{ items }], whole - 1)?.flatMap(run => run.items.map(item => item.id))).toEqual(['a', 'c']);
  expect(truncateRuns([{ items }], 1)).toBeNull();
});
