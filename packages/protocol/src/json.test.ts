import { expect, it } from 'vitest';
import { isJsonObject, jsonExcess } from './json.ts';

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { in: value };
  return value;
};

it('bounds nesting, from both sides', () => {
  expect(jsonExcess(nested(5), 5, 100)).toBeNull();
  expect(jsonExcess(nested(6), 5, 100)).toBe('depth');
  expect(jsonExcess('leaf', 0, 0)).toBeNull();
});

it('bounds the number of values, from both sides', () => {
  expect(jsonExcess([1, [2, 3]], 9, 4)).toBeNull();
  expect(jsonExcess([1, [2, 3]], 9, 3)).toBe('nodes');
});

it('survives nesting that would exhaust the stack', () => {
  expect(jsonExcess(nested(1_000_000), 64, 1_000)).toBe('depth');
});

it('tells objects from lists and null', () => {
  expect([{}, [], null, 'x', undefined].map(isJsonObject)).toEqual([true, false, false, false, false]);
});
