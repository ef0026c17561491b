import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lanes } from './lanes.ts';

const BOUNDS = { responses: 3, lanes: 4, frames: 6, frameBytes: 100 };

interface Job {
  readonly lane: string | null;
  readonly n: number;
}

type Act =
  /** A frame comes in. */
  | { readonly type: 'take'; readonly lane: string | null; readonly bytes: number }
  /** The nth job that runs ends. */
  | { readonly type: 'end'; readonly which: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    type: fc.constant('take' as const),
    lane: fc.constantFrom(null, 'a', 'b', 'c', 'd', 'e', 'f'),
    bytes: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ type: fc.constant('end' as const), which: fc.nat(5) }),
);

test('lanes: each in its order, never two of one, never more than the bound, nothing lost, nothing left waiting', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60, size: 'max' }), async acts => {
      const running: { job: Job; end: () => void }[] = [];
      const began: Job[] = [];
      let idle = 0;
      const lanes = new Lanes<Job>({
        bounds: BOUNDS,
        run: job => {
          began.push(job);
          return new Promise<void>(resolve => running.push({ job, end: resolve }));
        },
        idle: () => void (idle += 1),
      });
      const taken: Job[] = [];
      const named = new Set<string>();
      let n = 0;
      const waiting = (): number => taken.length - began.length;
      let bytes = new Map<number, number>();
      const check = (): void => {
        const now = running.map(({ job }) => job.lane);
        expect(new Set(now).size).toBe(now.length);
        expect(now.length).toBeLessThanOrEqual(BOUNDS.responses);
        expect(waiting()).toBeLessThanOrEqual(BOUNDS.frames);
        for (const lane of new Set(taken.map(job => job.lane))) {
          const order = began.filter(job => job.lane === lane).map(job => job.n);
          expect(order).toEqual(
            taken
              .filter(job => job.lane === lane)
              .map(job => job.n)
              .slice(0, order.length),
          );
        }
        // Work is kept waiting only by its own lane, or by the bound.
        const idleLane = taken.find(job => !began.includes(job) && !now.includes(job.lane));
        if (idleLane !== undefined) expect(now.length).toBe(BOUNDS.responses);
        expect(lanes.quiet).toBe(running.length === 0 && waiting() === 0);
      };
      for (const one of acts) {
        if (one.type === 'take') {
          const job = { lane: one.lane, n: n++ };
          const left = [...bytes.values()].reduce((sum, size) => sum + size, 0);
          const mayName = one.lane === null || named.has(one.lane) || named.size < BOUNDS.lanes;
          const mayWait = waiting() < BOUNDS.frames && left + one.bytes <= BOUNDS.frameBytes;
          if (mayName && one.lane !== null) named.add(one.lane);
          try {
            taken.push(job);
            bytes.set(job.n, one.bytes);
            lanes.take(job.lane, job, one.bytes);
            expect([mayName, mayWait]).toEqual([true, true]);
          } catch (error) {
            taken.splice(taken.indexOf(job), 1);
            bytes.delete(job.n);
            const code = (error as { code?: string }).code;
            if (code === undefined) throw error;
            expect(code).toBe(mayName ? 'websocket_queue_full' : 'websocket_stream_limit_reached');
            expect(mayName && mayWait).toBe(false);
          }
        } else {
          running.splice(one.which % Math.max(1, running.length), 1)[0]?.end();
          await new Promise(resolve => setImmediate(resolve));
        }
        bytes = new Map([...bytes].filter(([job]) => !began.some(begun => begun.n === job)));
        check();
      }
      while (running.length > 0) {
        running.shift()?.end();
        await new Promise(resolve => setImmediate(resolve));
        check();
      }
      expect(began).toHaveLength(taken.length);
      expect(idle > 0).toBe(taken.length > 0);
    }),
    { numRuns: 300 },
  );
});
