import { expect, test } from 'vitest';
import { home, snapshotOf, target } from './fixture.test-support.ts';
import { SnapshotError } from './snapshot.ts';

test('two places may not share an id', () => {
  expect(() => snapshotOf([], { places: [target('a', 'aws'), home('a', 'aws')] })).toThrow(SnapshotError);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('a weight of %d is refused', price => {
  expect(() => snapshotOf([], { weights: { price, latency: 1, affinity: 1 } })).toThrow(SnapshotError);
});

test('a weight of 0 is allowed', () => {
  expect(() => snapshotOf([], { weights: { price: 0, latency: 0, affinity: 0 } })).not.toThrow();
});
