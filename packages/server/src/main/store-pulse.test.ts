import { expect, test } from 'vitest';
import type { HomeId } from '../kernel/ids.ts';
import type { HomeStore } from '../store/home-store.ts';
import { openMemoryHome } from '../store/memory/open-memory-home.ts';
import { storeError } from '../store/store-error.ts';
import { TOLD_MS, watchStore } from './store-pulse.ts';

/** A store whose signs of life end as is said, and the time that passes. */
function watched(storeMs = 2000) {
  const at = { now: 0, how: 'well' as 'well' | 'full' | 'hang' | 'misuse', writes: 0 };
  const good = openMemoryHome({ home: 'local' as HomeId, clock: { now: () => at.now, monotonic: () => at.now } });
  const renew: HomeStore['renew'] = (...args) => {
    at.writes += 1;
    if (at.how === 'full') return Promise.reject(storeError('store_full', 'no space'));
    if (at.how === 'misuse') return Promise.reject(new TypeError('a defect'));
    return at.how === 'hang' ? new Promise(() => undefined) : good.renew(...args);
  };
  const pulse = watchStore({ ...good, renew }, storeMs, () => at.now);
  const write = async (): Promise<void> => {
    pulse.store.renew('proc_1', 1000).catch(() => undefined);
    await new Promise(resolve => setImmediate(resolve));
  };
  /** As of the answer to the write that asks, if there is one. */
  const well = async (): Promise<boolean> => {
    pulse.well();
    await new Promise(resolve => setImmediate(resolve));
    return pulse.well();
  };
  return { at, pulse, write, well };
}

test('P1: a write that fails says so until one succeeds; a defect of ours says nothing', async () => {
  const { at, pulse, write, well } = watched();
  await write();
  expect(pulse.well()).toBe(true);
  at.how = 'misuse';
  await write();
  expect(pulse.well()).toBe(true);
  at.how = 'full';
  await write();
  expect([pulse.well(), await well()]).toEqual([false, false]);
  at.how = 'well';
  await write();
  expect(pulse.well()).toBe(true);
});

test('P1: one that hangs says so at its time and not before, and it is over with a later one that ends', async () => {
  const { at, pulse, write } = watched();
  at.how = 'hang';
  await write();
  at.now = 1999;
  expect(pulse.well()).toBe(true);
  at.now = 2000;
  expect(pulse.well()).toBe(false);
  at.how = 'well';
  at.now = 2001;
  await write();
  expect(pulse.well()).toBe(true);
});

test('P2: it is asked where nothing else tells, once a second, and comes back by that alone', async () => {
  const { at, pulse, write, well } = watched();
  await write();
  at.now = TOLD_MS - 1;
  await well();
  expect(at.writes).toBe(1);
  at.now = TOLD_MS;
  at.how = 'full';
  expect([pulse.well(), at.writes]).toEqual([true, 2]);
  await new Promise(resolve => setImmediate(resolve));
  at.now += 999;
  expect([await well(), at.writes]).toEqual([false, 2]);
  at.now += 1;
  at.how = 'well';
  expect([await well(), at.writes]).toEqual([true, 3]);
  // One that hangs is not followed by another before its time is over.
  at.now += TOLD_MS;
  at.how = 'hang';
  await well();
  at.now += 1999;
  expect([await well(), at.writes]).toEqual([true, 4]);
  at.now += 1;
  expect([await well(), at.writes]).toEqual([false, 5]);
});
