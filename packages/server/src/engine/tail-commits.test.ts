import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TAIL_MS, TailCommits } from './tail-commits.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function begun(): { readonly tail: TailCommits; readonly gone: string[]; readonly put: (name: string) => void } {
  const tail = new TailCommits();
  const gone: string[] = [];
  return { tail, gone, put: name => void tail.turn().then(() => gone.push(name)) };
}

test('all go together, no later than the first may wait', async () => {
  const { gone, put } = begun();
  put('a');
  await vi.advanceTimersByTimeAsync(TAIL_MS - 1);
  put('b');
  expect(vi.getTimerCount()).toBe(1);
  expect(gone).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(gone).toEqual(['a', 'b']);
});

test('what comes after is put off anew', async () => {
  const { gone, put } = begun();
  put('a');
  await vi.advanceTimersByTimeAsync(TAIL_MS);
  put('b');
  await vi.advanceTimersByTimeAsync(TAIL_MS - 1);
  expect(gone).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(1);
  expect(gone).toEqual(['a', 'b']);
});

test('nothing waits once it is flushed, and no timer is left', async () => {
  const { tail, gone, put } = begun();
  put('a');
  tail.flush();
  await Promise.resolve();
  expect(gone).toEqual(['a']);
  expect(vi.getTimerCount()).toBe(0);
});
