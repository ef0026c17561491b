import { perdureError } from '@perdure/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inTime } from './in-time.ts';
import type { HttpLimits } from './types.ts';

const LIMITS: HttpLimits = { bodyBytes: 1, requestMs: 1000, bodyMs: 1, heartbeatMs: 1, patienceMs: 1 };
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A request that began `agoMs` ago, and work that hangs. */
function hanging(agoMs: number) {
  const client = new AbortController();
  const seen: { signal?: AbortSignal } = {};
  const exchange = { began: performance.now() - agoMs, signal: client.signal };
  const work = (signal: AbortSignal): Promise<never> => {
    seen.signal = signal;
    return new Promise(() => undefined);
  };
  const told: { code?: string } = {};
  inTime({ limits: LIMITS }, exchange, work).catch((error: { code: string }) => (told.code = error.code));
  return { client, seen, told };
}

test('ends at its time and not before, from the first byte of the request on', async () => {
  for (const ago of [0, 400]) {
    const { seen, told } = hanging(ago);
    await vi.advanceTimersByTimeAsync(1000 - ago - 1);
    expect([ago, told.code, seen.signal?.aborted]).toEqual([ago, undefined, false]);
    await vi.advanceTimersByTimeAsync(1);
    expect([ago, told.code, seen.signal?.reason]).toEqual([ago, 'deadline_exceeded', 'deadline']);
  }
});

test('one whose time was over before the work began is not waited for', async () => {
  const { told } = hanging(5000);
  await vi.advanceTimersByTimeAsync(0);
  expect(told.code).toBe('deadline_exceeded');
});

test('tells the work that the client left, before or meanwhile, for another reason', async () => {
  const { client, seen } = hanging(0);
  client.abort();
  expect([seen.signal?.aborted, seen.signal?.reason === 'deadline']).toEqual([true, false]);
  const left = AbortSignal.abort();
  const aborted = await inTime({ limits: LIMITS }, { began: performance.now(), signal: left }, async s => s.aborted);
  expect(aborted).toBe(true);
});

test('what is done in time is passed on as it ended, and leaves no timer', async () => {
  const exchange = { began: performance.now(), signal: new AbortController().signal };
  expect(await inTime({ limits: LIMITS }, exchange, async () => 7)).toBe(7);
  const failed = inTime({ limits: LIMITS }, exchange, () => Promise.reject(perdureError('upstream_error')));
  await expect(failed).rejects.toMatchObject({ code: 'upstream_error' });
  expect(vi.getTimerCount()).toBe(0);
});
