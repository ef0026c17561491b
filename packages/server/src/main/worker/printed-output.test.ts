import { expect, test } from 'vitest';
import { MOST_OUTPUT, MOST_TEXTS, PrintedOutput } from './printed-output.ts';

test('texts of one command go together, each with its place; what may not have come is told again', () => {
  const output = new PrintedOutput();
  output.add('a', 'one ');
  output.add('b', 'other');
  output.add('a', 'two');
  const first = output.take();
  expect(first).toEqual([
    { key: 'a', at: 0, text: 'one two' },
    { key: 'b', at: 0, text: 'other' },
  ]);
  expect(output.empty).toBe(true);
  output.add('a', ' three');
  output.restore(first);
  expect(output.take()).toEqual([...first, { key: 'a', at: 7, text: ' three' }]);
  output.forget('a');
  output.add('a', 'anew');
  expect(output.take()).toEqual([{ key: 'a', at: 0, text: 'anew' }]);
});

test('what there is no room for is missing, and its place says so', () => {
  const output = new PrintedOutput();
  output.add('a', 'x'.repeat(MOST_OUTPUT));
  output.add('a', 'y');
  const [all, ...none] = output.take();
  expect([all?.text.length, none]).toEqual([MOST_OUTPUT, []]);
  output.add('a', 'z');
  expect(output.take()).toEqual([{ key: 'a', at: MOST_OUTPUT + 1, text: 'z' }]);
  for (let i = 0; i <= MOST_TEXTS; i++) output.add(`k${i}`, 'x');
  expect(output.take()).toHaveLength(MOST_TEXTS);
});
