import { beforeEach, describe, expect, test } from 'vitest';
import { DOWN_AFTER, DOWN_MS, PROMISE_MS, TargetHealth } from './target-health.ts';

let now = 0;
const clock = { now: () => now, monotonic: () => now };
beforeEach(() => {
  now = 1_000;
});
const target = (capacity: number | null = null): TargetHealth => new TargetHealth(clock, capacity);
const fail = (health: TargetHealth): void => health.begin()('failed');

describe('a target with a capacity', () => {
  test('is full at it, and not before', () => {
    const health = target(2);
    const ends = [health.begin()];
    expect(health.now()).toMatchObject({ state: 'up', inFlight: 1 });
    ends.push(health.begin());
    expect(health.now()).toMatchObject({ state: 'full', inFlight: 2, retryAfterMs: 1_000 });
    ends[0]?.('ok', 5);
    // A call ends once, however often that is said.
    ends[0]?.('ok', 5);
    expect(health.now()).toMatchObject({ state: 'up', inFlight: 1 });
  });

  test('counts calls that were placed and have not left', () => {
    const health = target(2);
    health.promise();
    health.promise();
    expect(health.now()).toMatchObject({ state: 'full', inFlight: 2 });
    const end = health.begin();
    expect(health.now()).toMatchObject({ state: 'full', inFlight: 2 });
    end('ok', 5);
    expect(health.now()).toMatchObject({ state: 'up', inFlight: 1 });
  });

  test('forgets those that never left', () => {
    const health = target(1);
    health.promise();
    now += PROMISE_MS - 1;
    expect(health.now().state).toBe('full');
    now += 1;
    expect(health.now()).toMatchObject({ state: 'up', inFlight: 0 });
  });

  test('without one is never full', () => {
    const health = target();
    for (let calls = 0; calls < 100; calls += 1) {
      health.promise();
      health.begin();
    }
    expect(health.now()).toMatchObject({ state: 'up', inFlight: 100 });
  });
});

describe('failures', () => {
  test(`of ${DOWN_AFTER} in a row put it down for a while that doubles up to a bound`, () => {
    const health = target();
    for (let failures = 1; failures < DOWN_AFTER; failures += 1) fail(health);
    expect(health.now().state).toBe('up');
    let wait = DOWN_MS[0];
    for (let rounds = 0; rounds < 8; rounds += 1) {
      fail(health);
      expect(health.now()).toMatchObject({ state: 'down', retryAfterMs: wait });
      now += wait - 1;
      expect(health.now().state).toBe('down');
      now += 1;
      expect(health.now().state).toBe('up');
      wait = Math.min(DOWN_MS[1], wait * 2);
    }
    expect(wait).toBe(DOWN_MS[1]);
  });

  test('are forgotten with one success, and calls that were called off are none', () => {
    const health = target();
    for (let failures = 1; failures < DOWN_AFTER; failures += 1) fail(health);
    health.begin()('aborted');
    health.begin()('ok', 5);
    fail(health);
    expect([health.now().state, health.failures]).toEqual(['up', 1]);
  });
});

test('a rate limit is a time of being full', () => {
  const health = target();
  health.begin()({ fullForMs: 700 });
  expect(health.now()).toMatchObject({ state: 'full', retryAfterMs: 700 });
  now += 700;
  expect(health.now().state).toBe('up');
});

test('the expected latency follows what is measured, the first at once and later ones slowly', () => {
  const health = target();
  health.begin()('ok', 100);
  expect(health.now().expectedLatencyMs).toBe(100);
  health.begin()('ok', 200);
  expect(health.now().expectedLatencyMs).toBe(120);
});
