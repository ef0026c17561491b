import { expect, test } from 'vitest';
import { rawQuery } from './query.ts';

test.each([
  [undefined, {}],
  ['/', {}],
  ['/?', {}],
  ['/?a=1', { a: ['1'] }],
  ['/?a=1&b=&a=2', { a: ['1', '2'], b: [''] }],
  ['/?include[]=x&include[]=y', { 'include[]': ['x', 'y'] }],
  ['/?a=%20+%2B', { a: ['  +'] }],
  ['/?a=%zz', { a: ['%zz'] }],
  ['/?a=1?b=2', { a: ['1?b=2'] }],
])('%s', (url, query) => {
  expect(rawQuery(url)).toEqual(query);
});

test('a name of the prototype is a name like any other', () => {
  expect(Object.entries(rawQuery('/?__proto__=1&constructor=2'))).toEqual([
    ['__proto__', ['1']],
    ['constructor', ['2']],
  ]);
});
