import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ContextRun } from '../ports.ts';
import { ResolvedCache } from './resolved-cache.ts';

const MOST = 100;
const RUNS: readonly ContextRun[] = Array.from({ length: 6 }, () => ({ items: [] }));

const step = fc.oneof(
  fc.record({
    do: fc.constant('put' as const),
    run: fc.nat(RUNS.length - 1),
    bytes: fc.integer({ min: 0, max: 70 }),
    file: fc.constantFrom('a', 'b', 'c'),
    until: fc.option(fc.integer({ min: 0, max: 40 })),
    late: fc.boolean(),
  }),
  fc.record({ do: fc.constant('get' as const), run: fc.nat(RUNS.length - 1) }),
  fc.record({ do: fc.constant('forget' as const), file: fc.constantFrom('a', 'b', 'c') }),
);

test('never more than its bound, never what was forgotten, has expired, or was read before a file was forgotten', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const cache = new ResolvedCache(MOST);
      /** What may be given for a run; bytes of it. */
      const model = new Map<ContextRun, { made: ContextRun; file: string; until: number | null; bytes: number }>();
      for (const [now, one] of steps.entries()) {
        const run = 'run' in one ? RUNS[one.run] : undefined;
        if (one.do === 'forget') {
          cache.forget(one.file);
          for (const [at, { file }] of model) if (file === one.file) model.delete(at);
        } else if (one.do === 'put' && run !== undefined) {
          const made: ContextRun = { items: [] };
          const { bytes, until, file } = one;
          cache.put(run, made, {
            files: [file],
            until,
            bytes,
            epoch: one.late ? cache.epoch - 1 : cache.epoch,
            weight: 0,
          });
          if (!one.late && bytes * 2 <= MOST) model.set(run, { made, file, until, bytes });
        } else if (run !== undefined) {
          const found = cache.get(run, now);
          const known = model.get(run);
          if (found !== null) {
            expect(found).toBe(known?.made);
            expect(known?.until ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
          }
        }
        expect(cache.bytes).toBeLessThanOrEqual(MOST);
        expect(cache.bytes).toBeGreaterThanOrEqual(0);
      }
      for (const run of RUNS) {
        const { bytes } = cache;
        const known = model.get(run);
        if (cache.get(run, 0) === null) continue;
        cache.forget(known?.file ?? '');
        expect(cache.bytes).toBeLessThanOrEqual(bytes - 2 * (known?.bytes ?? 0));
      }
    }),
  );
});

test('what is asked for again stays; what was asked for longest ago goes first', () => {
  const cache = new ResolvedCache(MOST);
  const about = { files: [], until: null, bytes: 20, epoch: 0, weight: 7 };
  const [a, b, c] = RUNS as readonly [ContextRun, ContextRun, ContextRun];
  cache.put(a, { items: [] }, about);
  cache.put(b, { items: [] }, about);
  expect(cache.get(a, 0)).not.toBeNull();
  cache.put(c, { items: [] }, about);
  expect([a, b, c].map(run => cache.get(run, 0) !== null)).toEqual([true, false, true]);
  // What a run weighs is known though it had to go.
  expect([b, RUNS[3] ?? b].map(run => cache.weight(run))).toEqual([7, 0]);
});
