import { expect, test } from 'vitest';
import { readDocument } from './document.ts';

const told = (text: string): readonly string[] =>
  readDocument(text, 'perdure.yaml', {}).problems.map(({ line, message }) => `${line}: ${message}`);

test('of what is no YAML the first errors are told: one bracket too few makes hundreds', () => {
  const said = told(`targets:\n${'  - {id: a"}", x: y}\n'.repeat(100)}`);
  expect(said).toHaveLength(4);
  expect(said[0]).toMatch(/^2: /);
  expect(said[3]).toMatch(/^\d+: and \d+ more from here on, which may all come of the first$/);
});

test('three errors are told, and a fourth is counted', () => {
  const wrong = (times: number): string => Array.from({ length: times }, (_, i) => `k${i}: "\\z"\n`).join('');
  expect(told(wrong(3))).toHaveLength(3);
  expect(told(wrong(4))).toHaveLength(4);
  expect(told(wrong(4))[3]).toBe('4: and 1 more from here on, which may all come of the first');
});
