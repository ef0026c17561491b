import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { perdureError } from '@perdure/protocol';
import type { WireEvent } from '../session/output.ts';
import { Broadcast } from './broadcast.ts';
import { flowingEvents } from './flow.test-support.ts';
import { BATCH_CHARS, MAX_LAG, type Reading } from './reading.ts';
import { codeOf } from './world.test-support.ts';

const event = (seq: number, chars = 0): WireEvent => ({ seq, type: 'x', json: `${seq}:${'.'.repeat(chars)}` });
const events = (from: number, to: number): WireEvent[] =>
  Array.from({ length: to - from + 1 }, (_, i) => event(from + i));

type Batches = AsyncIterator<readonly WireEvent[], undefined>;
/** Both ways of reading. */
const ways: readonly (readonly [string, (reading: Reading) => Batches])[] = [
  ['pulled', reading => reading],
  ['flowing', flowingEvents],
];

describe.each(ways)('%s', (_, way) => {
  async function seqs(broadcast: Broadcast, after?: number): Promise<number[]> {
    const all: number[] = [];
    for await (const batch of batches(broadcast, after)) all.push(...batch.map(({ seq }) => seq));
    return all;
  }

  function batches(broadcast: Broadcast, after?: number): AsyncIterable<readonly WireEvent[]> {
    const reading = way(broadcast.read(after));
    return { [Symbol.asyncIterator]: () => reading };
  }

  describe('readers', () => {
    test('B1: each sees every event once, in order, whenever it came and wherever it begins', async () => {
      const broadcast = new Broadcast();
      broadcast.publish(events(0, 1));
      const early = seqs(broadcast);
      const later = seqs(broadcast, 0);
      await Promise.resolve();
      broadcast.publish(events(2, 3));
      const middle = seqs(broadcast, 2);
      broadcast.publish([]);
      broadcast.publish([event(4)]);
      broadcast.end();
      expect(await early).toEqual([0, 1, 2, 3, 4]);
      expect(await later).toEqual([1, 2, 3, 4]);
      expect(await middle).toEqual([3, 4]);
    });

    test('B3: who comes after the end sees all of it, from wherever it asks; past the end there is nothing', async () => {
      const broadcast = new Broadcast();
      broadcast.publish(events(0, 4));
      broadcast.end();
      expect(await seqs(broadcast)).toEqual([0, 1, 2, 3, 4]);
      expect(await seqs(broadcast, 3)).toEqual([4]);
      expect(await seqs(broadcast, 4)).toEqual([]);
      expect(await seqs(broadcast, 99)).toEqual([]);
      // Numbers below the first begin at the first.
      expect(await seqs(broadcast, -3)).toEqual([0, 1, 2, 3, 4]);
    });

    test('who waits beyond what there is yet is not shown what it did not ask for', async () => {
      const broadcast = new Broadcast();
      const reader = seqs(broadcast, 2);
      broadcast.publish(events(0, 2));
      await Promise.resolve();
      broadcast.publish(events(3, 4));
      broadcast.end();
      expect(await reader).toEqual([3, 4]);
    });

    test('learn why the turn could not be carried on, after what they were shown', async () => {
      const broadcast = new Broadcast();
      const seen: number[] = [];
      const reading = (async () => {
        for await (const batch of batches(broadcast)) seen.push(...batch.map(({ seq }) => seq));
      })();
      broadcast.publish(events(0, 1));
      broadcast.end(perdureError('store_unavailable'));
      expect(await codeOf(reading)).toBe('store_unavailable');
      expect(seen).toEqual([0, 1]);
    });

    test('are counted while they read', async () => {
      const broadcast = new Broadcast();
      const reader = way(broadcast.read());
      broadcast.publish(events(0, 0));
      await reader.next();
      expect(broadcast.readers).toBe(1);
      await reader.return?.();
      expect(broadcast.readers).toBe(0);
    });
  });

  describe('what is made only if somebody reads', () => {
    test('is made once, in its place among the rest, when the first reader comes', async () => {
      const broadcast = new Broadcast();
      let made = 0;
      const later = (from: number, to: number) => (): WireEvent[] => {
        made += 1;
        return events(from, to);
      };
      broadcast.publish(events(0, 1));
      broadcast.publish(later(2, 3));
      broadcast.publish(later(4, 4));
      expect(made).toBe(0);
      const one = seqs(broadcast, 2);
      expect(made).toBe(2);
      broadcast.publish(later(5, 5));
      expect(made).toBe(3);
      broadcast.end();
      expect([await one, await seqs(broadcast), made]).toEqual([[3, 4, 5], [0, 1, 2, 3, 4, 5], 3]);
    });

    test('is made before what is published after it', async () => {
      const broadcast = new Broadcast();
      broadcast.publish(() => events(0, 0));
      broadcast.publish(events(1, 1));
      broadcast.end();
      expect(await seqs(broadcast)).toEqual([0, 1]);
    });
  });

  describe('a reader', () => {
    test('that comes late is handed what it missed in pieces of a bounded size', async () => {
      const broadcast = new Broadcast();
      broadcast.publish(Array.from({ length: 64 }, (_, i) => event(i, BATCH_CHARS / 8)));
      broadcast.publish([event(64, 3 * BATCH_CHARS)]);
      broadcast.end();
      const pieces: (readonly WireEvent[])[] = [];
      for await (const batch of batches(broadcast)) pieces.push(batch);
      expect(pieces.flat().map(({ seq }) => seq)).toEqual(events(0, 64).map(({ seq }) => seq));
      // An event more than the bound, at most: events are not cut.
      const sizes = pieces.map(batch => batch.slice(0, -1).reduce((sum, { json }) => sum + json.length, 0));
      expect(Math.max(...sizes)).toBeLessThan(BATCH_CHARS);
      expect(pieces.length).toBeLessThanOrEqual(9);
    });

    test('that has left is let go at once, also if nothing is said any more, or if it never read', async () => {
      const broadcast = new Broadcast();
      const leaving = new AbortController();
      const waiting = way(broadcast.read(-1, leaving.signal)).next();
      broadcast.read(-1, leaving.signal);
      broadcast.read(-1);
      expect(broadcast.readers).toBe(3);
      leaving.abort();
      expect(await waiting).toEqual({ done: true, value: undefined });
      expect(broadcast.readers).toBe(1);
    });
  });

  describe('B2: a reader that falls behind', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    /** A reader that took the first event and has not asked for more. */
    async function slow(broadcast: Broadcast): Promise<Batches> {
      broadcast.publish([event(0)]);
      const reader = way(broadcast.read());
      await reader.next();
      return reader;
    }

    async function isSettled(work: Promise<void> | undefined): Promise<boolean> {
      let settled = false;
      void Promise.resolve(work).then(() => (settled = true));
      await vi.advanceTimersByTimeAsync(0);
      return settled;
    }

    test('by no more than the bound does not hold the turn up', async () => {
      const broadcast = new Broadcast();
      await slow(broadcast);
      const head = event(1).json.length;
      broadcast.publish([event(1, MAX_LAG - head)]);
      expect(await isSettled(broadcast.settled(1000))).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    });

    test('by one byte more is waited for, and goes on if it catches up', async () => {
      const broadcast = new Broadcast();
      const reader = await slow(broadcast);
      const head = event(1).json.length;
      broadcast.publish([event(1, MAX_LAG - head + 1)]);
      const settled = broadcast.settled(1000);
      expect(await isSettled(settled)).toBe(false);
      await reader.next();
      // Asking again says that what was taken is written.
      const more = reader.next();
      expect(await isSettled(settled)).toBe(true);
      broadcast.end();
      expect((await more).done).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    });

    test('is cut after the patience, and the turn goes on; others do not notice', async () => {
      const broadcast = new Broadcast();
      const reader = await slow(broadcast);
      const quick = seqs(broadcast);
      broadcast.publish([event(1, MAX_LAG + 1)]);
      await vi.advanceTimersByTimeAsync(0);
      const settled = broadcast.settled(1000);
      await vi.advanceTimersByTimeAsync(999);
      expect(await isSettled(settled)).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(await isSettled(settled)).toBe(true);
      expect(await codeOf(reader.next())).toBe('deadline_exceeded');
      expect(broadcast.readers).toBe(1);
      broadcast.publish([event(2)]);
      broadcast.end();
      expect(await quick).toEqual([0, 1, 2]);
    });

    test('is not who comes late: it is not waited for until it was at the end once', async () => {
      const broadcast = new Broadcast();
      broadcast.publish([event(0, MAX_LAG), event(1, MAX_LAG), event(2)]);
      const late = way(broadcast.read());
      expect((await late.next()).value).toHaveLength(1);
      expect(await isSettled(broadcast.settled(1000))).toBe(true);
      await late.next();
      await late.next();
      broadcast.publish([event(3, MAX_LAG + 1)]);
      expect(await isSettled(broadcast.settled(1000))).toBe(false);
      await vi.advanceTimersByTimeAsync(1000);
      expect(await codeOf(late.next())).toBe('deadline_exceeded');
    });

    test('holds nobody up once the turn is to end', async () => {
      const broadcast = new Broadcast();
      await slow(broadcast);
      broadcast.publish([event(1, MAX_LAG + 1)]);
      const stop = new AbortController();
      const settled = broadcast.settled(1000, stop.signal);
      expect(await isSettled(settled)).toBe(false);
      stop.abort();
      expect(await isSettled(settled)).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
      expect(await isSettled(broadcast.settled(1000, stop.signal))).toBe(true);
    });

    test('that leaves while it is waited for holds nobody up', async () => {
      const broadcast = new Broadcast();
      const reader = await slow(broadcast);
      broadcast.publish([event(1, MAX_LAG + 1)]);
      const settled = broadcast.settled(1000);
      await reader.return?.();
      expect(await isSettled(settled)).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});
