import { expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';

test('arguments are an object, or nothing', () => {
  expect(parseArguments('')).toEqual({});
  expect(parseArguments(' {"a":1} ')).toEqual({ a: 1 });
  for (const none of ['[]', 'null', '1', '{']) expect(parseArguments(none)).toBeNull();
});

test('long ones that nest deeper than a request may are none', () => {
  const deep = (depth: number): string =>
    `{"pad":"${'x'.repeat(40_000)}","a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  expect(parseArguments(deep(63))).not.toBeNull();
  expect(parseArguments(deep(64))).toBeNull();
});
