import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ResponseId } from '../../kernel/ids.ts';
import { textOf } from '../../log/events.ts';
import { ChainCache, type HeldResponse } from './chain-cache.ts';

const BOUNDS = { entries: 4, bytes: 400 };

type Run = HeldResponse['context']['runs'][number];
const run = (text: string): Run => ({ items: [{ type: 'message', id: '', text }] });
/** Two bytes a character: of the text, and of the word `message`. */
const bytesOf = (runs: Iterable<Run>): number =>
  [...runs].reduce((sum, one) => sum + (textOf(one.items[0]?.['text']).length + 'message'.length) * 2, 0);

type Act =
  | { readonly type: 'begin'; readonly length: number }
  | { readonly type: 'continue'; readonly of: number; readonly length: number }
  | { readonly type: 'read' | 'evict'; readonly of: number };

const length = fc.integer({ min: 0, max: 260 });
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ type: fc.constant('begin' as const), length }),
  fc.record({ type: fc.constant('continue' as const), of: fc.nat(9), length }),
  fc.record({ type: fc.constantFrom('read' as const, 'evict' as const), of: fc.nat(9) }),
);

test('the cache: never beyond its bounds, least recently used first, shared turns counted once', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60, size: 'max' }), acts => {
      const cache = new ChainCache(BOUNDS);
      /** The model: what is held, in order of use. */
      let held: { id: string; runs: readonly Run[] }[] = [];
      let n = 0;
      const put = (runs: readonly Run[]): void => {
        const id = `resp_${n++}`;
        const context = {
          id: id as ResponseId,
          runs,
          chars: 0,
          openCalls: [],
          labels: [],
          startedAt: 0,
          turns: 1,
          origin: null,
        };
        cache.put({ lane: null, context, deferred: null });
        held.push({ id, runs });
        const size = (): number => bytesOf(new Set(held.flatMap(one => one.runs)));
        while (held.length > BOUNDS.entries || size() > BOUNDS.bytes) held = held.slice(1);
      };
      const use = (of: number): (typeof held)[number] | undefined => {
        const one = held[of % Math.max(1, held.length)];
        if (one === undefined) return undefined;
        expect(cache.get(one.id)?.context.runs).toBe(one.runs);
        held = [...held.filter(other => other !== one), one];
        return one;
      };
      for (const one of acts) {
        if (one.type === 'begin') put([run('x'.repeat(one.length))]);
        else if (one.type === 'continue') put([...(use(one.of)?.runs ?? []), run('y'.repeat(one.length))]);
        else if (one.type === 'read') use(one.of);
        else {
          const gone = held[one.of % Math.max(1, held.length)];
          if (gone !== undefined) cache.evict(gone.id);
          held = held.filter(other => other !== gone);
        }
        expect(cache.size).toBe(held.length);
        expect(cache.bytes).toBe(bytesOf(new Set(held.flatMap(({ runs }) => runs))));
        expect(cache.bytes).toBeLessThanOrEqual(BOUNDS.bytes);
      }
      for (let i = 0; i < n; i++)
        expect(cache.get(`resp_${i}`) !== null).toBe(held.some(({ id }) => id === `resp_${i}`));
      cache.clear();
      expect([cache.size, cache.bytes]).toEqual([0, 0]);
    }),
    { numRuns: 500 },
  );
});
