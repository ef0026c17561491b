import { expect, test } from 'vitest';
import { interpolate } from './interpolate.ts';

const env = { A: 'one', EMPTY: '', TRICKY: '${A} $$ $&' };

test.each([
  ['${A}', 'one'],
  ['x${A}y${A}', 'xoneyone'],
  ['${NONE:-two}', 'two'],
  ['${EMPTY:-two}', 'two'],
  ['${EMPTY}', ''],
  ['${NONE:-}', ''],
  ['${NONE:-a:-b c}', 'a:-b c'],
  ['$${A}', '${A}'],
  ['$$$${A}', '$${A}'],
  ['cost: 5$', 'cost: 5$'],
  ['$A', '$A'],
  ['${TRICKY}', '${A} $$ $&'],
])('%s', (text, wanted) => {
  expect(interpolate(text, env)).toMatchObject({ text: wanted, problems: [] });
});

test.each(['${', '${A', '${}', '${1A}', '${A-b}', '${A B}', '${A:=b}'])('%s is no reference', text => {
  expect(interpolate(text, env).problems).toEqual([expect.stringContaining('write "$$" for a dollar sign')]);
});

test('what is missing is named, what was put in is known', () => {
  expect(interpolate('${NONE}${ALSO}', env).problems).toEqual([
    expect.stringContaining('NONE'),
    expect.stringContaining('ALSO'),
  ]);
  expect(interpolate('plain $$', env).changed).toBe(false);
  expect(interpolate('${A}', env).changed).toBe(true);
});
