import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bucket } from './bucket.ts';

const bounds = fc.record({ limit: fc.integer({ min: 1, max: 50 }), windowMs: fc.integer({ min: 1, max: 1000 }) });
const asks = fc.array(fc.record({ after: fc.nat(60), units: fc.integer({ min: 1, max: 60 }) }), { maxLength: 80 });

test('K1: in no time is more taken than the limit and what drains meanwhile', () => {
  fc.assert(
    fc.property(bounds, asks, ({ limit, windowMs }, list) => {
      const bucket = new Bucket(limit, windowMs, 0);
      const taken: { at: number; units: number }[] = [];
      let now = 0;
      for (const { after, units } of list) {
        now += after;
        const asked = Math.min(units, limit);
        if (bucket.waitMs(asked, now) > 0) continue;
        bucket.take(asked, now);
        taken.push({ at: now, units: asked });
      }
      for (const [i, first] of taken.entries()) {
        let sum = 0;
        for (const { at, units } of taken.slice(i)) {
          sum += units;
          // In whole numbers: sum <= limit + limit * t / window.
          expect(sum * windowMs).toBeLessThanOrEqual(limit * windowMs + limit * (at - first.at));
        }
      }
    }),
  );
});

test('what must be waited for is exactly enough: then it fits, a millisecond before it does not', () => {
  fc.assert(
    fc.property(bounds, asks, fc.integer({ min: 1, max: 60 }), ({ limit, windowMs }, list, units) => {
      const bucket = new Bucket(limit, windowMs, 0);
      let now = 0;
      for (const { after, units: used } of list) bucket.take(used, (now += after));
      const wait = bucket.waitMs(units, now);
      if (wait > 1) expect(bucket.waitMs(units, now + wait - 1)).toBe(1);
      expect(bucket.waitMs(units, now + wait)).toBe(0);
    }),
  );
});
