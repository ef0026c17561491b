import { describe, expect, test } from 'vitest';
import { Bucket, DAY_MS, MINUTE_MS } from './bucket.ts';

describe('a bucket of 60 a minute', () => {
  const full = (): Bucket => {
    const bucket = new Bucket(60, MINUTE_MS, 0);
    bucket.take(60, 0);
    return bucket;
  };

  test('takes 60 at once and not one more', () => {
    const bucket = new Bucket(60, MINUTE_MS, 0);
    bucket.take(59, 0);
    expect(bucket.waitMs(1, 0)).toBe(0);
    bucket.take(1, 0);
    expect(bucket.waitMs(1, 0)).toBe(1000);
    expect(bucket.state(0)).toEqual({ limit: 60, remaining: 0, resetMs: MINUTE_MS });
  });

  test('takes the next after a second, not a millisecond before', () => {
    expect(full().waitMs(1, 999)).toBe(1);
    expect(full().waitMs(1, 1000)).toBe(0);
    expect(full().waitMs(2, 1000)).toBe(1000);
    expect(full().state(999).remaining).toBe(0);
    expect(full().state(1000)).toEqual({ limit: 60, remaining: 1, resetMs: 59_000 });
  });

  test('is as new after a minute, and never fuller', () => {
    const bucket = full();
    expect(bucket.idle(MINUTE_MS - 1)).toBe(false);
    expect(bucket.idle(MINUTE_MS)).toBe(true);
    expect(bucket.state(10 * DAY_MS)).toEqual({ limit: 60, remaining: 60, resetMs: 0 });
    bucket.take(60, 10 * DAY_MS);
    expect(bucket.waitMs(1, 10 * DAY_MS)).toBe(1000);
  });

  test('asks what is more than it holds to wait until nothing is in use, and the next to wait for what that used', () => {
    const bucket = new Bucket(60, MINUTE_MS, 0);
    expect(bucket.waitMs(61, 0)).toBe(0);
    bucket.take(1, 0);
    expect(bucket.waitMs(61, 0)).toBe(1000);
    expect(bucket.waitMs(1000, 1000)).toBe(0);
    bucket.take(90, 1000);
    expect(bucket.state(1000)).toEqual({ limit: 60, remaining: 0, resetMs: 90_000 });
    expect(bucket.waitMs(1, 1000)).toBe(31_000);
  });

  test('takes back what was not used, but never holds more for it', () => {
    const bucket = full();
    bucket.giveBack(10, 0);
    expect(bucket.state(0).remaining).toBe(10);
    bucket.giveBack(1000, 0);
    expect(bucket.state(0).remaining).toBe(60);
  });

  test('drains nothing when the clock steps back', () => {
    const bucket = new Bucket(60, MINUTE_MS, 5000);
    bucket.take(60, 5000);
    expect(bucket.waitMs(1, 1000)).toBe(1000);
    expect(bucket.waitMs(1, 5999)).toBe(1);
    expect(bucket.waitMs(1, 6000)).toBe(0);
  });
});

test('the largest limits are counted exactly', () => {
  const day = new Bucket(10_000_000, DAY_MS, 0);
  day.take(10_000_000, 0);
  expect(day.waitMs(1, 0)).toBe(9);
  expect(day.waitMs(1, 8)).toBe(1);
  expect(day.state(DAY_MS - 1).remaining).toBe(9_999_999);
  const minute = new Bucket(1_000_000_000, MINUTE_MS, 0);
  minute.take(1_000_000_000, 0);
  expect(minute.waitMs(1, 0)).toBe(1);
  expect(minute.state(1).remaining).toBe(16_666);
});
