import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { perdureError } from '@perdure/protocol';
import { Watchdog, within } from './deadline.ts';
import { codeOf } from './world.test-support.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new Promise<never>(() => undefined);
const late = (): ReturnType<typeof perdureError> => perdureError('store_unavailable');

test('work that never ends is given up at its deadline, not before, and no timer stays', async () => {
  const waiting = codeOf(within(100, never, late));
  let settled = false;
  void waiting.then(() => (settled = true));
  await vi.advanceTimersByTimeAsync(99);
  expect(settled).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await waiting).toBe('store_unavailable');
  expect(vi.getTimerCount()).toBe(0);
});

test('what comes in time is passed on, value or error, and no timer stays', async () => {
  expect(await within(100, Promise.resolve(7), late)).toBe(7);
  expect(await codeOf(within(100, Promise.reject(perdureError('store_full')), late))).toBe('store_full');
  expect(vi.getTimerCount()).toBe(0);
});

test('what fails after its deadline is nobody’s unhandled error', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const waiting = codeOf(within(100, promise, late));
  await vi.advanceTimersByTimeAsync(100);
  expect(await waiting).toBe('store_unavailable');
  reject(new Error('late'));
  await vi.advanceTimersByTimeAsync(10);
});

test('a watchdog gives every wait its own time, over one timer', async () => {
  const dog = new Watchdog(late);
  for (let i = 0; i < 3; i++) {
    const work = Promise.withResolvers<number>();
    const waiting = dog.guard(100, work.promise);
    await vi.advanceTimersByTimeAsync(99);
    expect(vi.getTimerCount()).toBe(1);
    work.resolve(i);
    expect(await waiting).toBe(i);
  }
  const waiting = codeOf(dog.guard(100, never));
  await vi.advanceTimersByTimeAsync(100);
  expect(await waiting).toBe('store_unavailable');
  dog.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test('a watchdog takes another time for another wait, and is quiet when nobody waits', async () => {
  const dog = new Watchdog(late);
  expect(await dog.guard(1000, Promise.resolve(1))).toBe(1);
  const waiting = codeOf(dog.guard(10, never));
  await vi.advanceTimersByTimeAsync(10);
  expect(await waiting).toBe('store_unavailable');
  expect(await dog.guard(10, Promise.resolve(2))).toBe(2);
  await vi.advanceTimersByTimeAsync(1000);
  expect(vi.getTimerCount()).toBe(0);
});

test('work that settles after its wait was ended leaves the next wait its deadline', async () => {
  const dog = new Watchdog(late);
  const work = Promise.withResolvers<number>();
  const ended = codeOf(dog.guard(10, work.promise));
  dog.fail(perdureError('store_full'));
  expect(await ended).toBe('store_full');
  const waiting = codeOf(dog.guard(10, never));
  work.resolve(1);
  await vi.advanceTimersByTimeAsync(10);
  expect(await waiting).toBe('store_unavailable');
  dog.stop();
});
