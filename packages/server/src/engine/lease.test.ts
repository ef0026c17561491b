import { afterEach, describe, expect, test, vi } from 'vitest';
import type { HomeId } from '../kernel/ids.ts';
import type { HomeStore } from '../store/home-store.ts';
import { openMemoryHome } from '../store/memory/open-memory-home.ts';
import { storeError } from '../store/store-error.ts';
import { Lease, LEASE_MARGIN_MS } from './lease.ts';
import { codeOf, gate, until } from './world.test-support.ts';

const TTL = 10_000;

function world(wrap: (store: HomeStore) => HomeStore = store => store) {
  const time = { wall: 0, monotonic: 5000 };
  const clock = { now: () => time.wall, monotonic: () => time.monotonic };
  const store = wrap(openMemoryHome({ home: 'local' as HomeId, clock }));
  const renewals: number[] = [];
  const counted: HomeStore = {
    ...store,
    renew: (owner, ttl) => {
      renewals.push(time.monotonic);
      return store.renew(owner, ttl);
    },
  };
  const lease = new Lease('proc_1', [counted], clock, TTL);
  const pass = (ms: number): void => {
    time.wall += ms;
    time.monotonic += ms;
  };
  const allows = (): boolean => {
    try {
      lease.check();
      return true;
    } catch {
      return false;
    }
  };
  return { time, store, lease, renewals, pass, allows };
}

test('L3: no effect starts before the lease is taken, nor with no more than the margin left', async () => {
  const { lease, pass, allows } = world();
  expect(allows()).toBe(false);
  await lease.ensure();
  expect(allows()).toBe(true);
  pass(TTL - LEASE_MARGIN_MS - 1);
  expect(allows()).toBe(true);
  pass(1);
  expect(allows()).toBe(false);
  expect(await codeOf(Promise.resolve().then(() => lease.check()))).toBe('store_unavailable');
});

test('L3: others wait as long as this process believes it may work, or longer', async () => {
  const { lease, pass, store } = world();
  await lease.ensure();
  for (let i = 0; i < 25; i++) {
    expect(await store.ownerRemaining('proc_1')).toBeGreaterThanOrEqual(Math.max(0, lease.remainingMs));
    pass(500);
  }
});

test('L3: a renewal that took long to write is counted from before it was written', async () => {
  const slow = world(store => ({
    ...store,
    renew: async (owner, ttl) => {
      await store.renew(owner, ttl);
      slow.pass(3000);
    },
  }));
  await slow.lease.ensure();
  expect(slow.lease.remainingMs).toBe(TTL - 3000);
  expect(await slow.store.ownerRemaining('proc_1')).toBeGreaterThanOrEqual(slow.lease.remainingMs);
});

test('L3: the wall clock has no say: set forward or back, the lease lasts as long', async () => {
  const { lease, time, allows } = world();
  await lease.ensure();
  time.wall += 3_600_000;
  expect(allows()).toBe(true);
  time.wall = -3_600_000;
  time.monotonic += TTL;
  expect(allows()).toBe(false);
});

test('is renewed once half of it is gone, beside the work; near its end the work waits for it', async () => {
  const held = gate();
  let hold = false;
  const { lease, pass, renewals } = world(store => ({
    ...store,
    renew: async (owner, ttl) => {
      if (hold) await held.opened;
      return store.renew(owner, ttl);
    },
  }));
  await lease.ensure();
  pass(TTL / 2 - 1);
  await lease.ensure();
  expect(renewals).toHaveLength(1);
  hold = true;
  pass(1);
  // Time is left: the renewal hangs and the work goes on; only one renewal is under way.
  await lease.ensure();
  await lease.ensure();
  expect(renewals).toHaveLength(2);
  pass(TTL / 2 - 2 * LEASE_MARGIN_MS);
  let waited = true;
  const ensured = lease.ensure().then(() => (waited = false));
  await new Promise(resolve => setImmediate(resolve));
  expect(waited).toBe(true);
  held.open();
  await ensured;
  await until(() => lease.remainingMs > 0, 'the renewal');
});

test('a renewal that fails is told to who needs it, and tried again by the next', async () => {
  let fails = true;
  const { lease, allows } = world(store => ({
    ...store,
    renew: (owner, ttl) => (fails ? Promise.reject(storeError('store_unavailable', 'x')) : store.renew(owner, ttl)),
  }));
  await expect(lease.ensure()).rejects.toThrow();
  expect(allows()).toBe(false);
  fails = false;
  await lease.ensure();
  expect(allows()).toBe(true);
});

describe('L4: a held lease', () => {
  afterEach(() => void vi.useRealTimers());

  test('is renewed by itself, by one timer however many hold it, and by none once nobody does', async () => {
    vi.useFakeTimers();
    const { lease, pass, allows } = world();
    await lease.ensure();
    const [one, two] = [lease.hold(), lease.hold()];
    expect(vi.getTimerCount()).toBe(1);
    for (let i = 0; i < 20; i++) {
      pass(TTL / 5);
      await vi.advanceTimersByTimeAsync(TTL / 5);
      expect(allows()).toBe(true);
    }
    one();
    expect(vi.getTimerCount()).toBe(1);
    two();
    expect(vi.getTimerCount()).toBe(0);
    pass(TTL);
    await vi.advanceTimersByTimeAsync(TTL);
    expect(allows()).toBe(false);
  });
});
