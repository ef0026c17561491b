import * as fc from 'fast-check';
import { parseCreateResponse } from '@perdure/protocol';
import { expect, test } from 'vitest';
import type { Fields } from './frames.ts';
import { Steering } from './steering.ts';

const BOUNDS = { steers: 3, allSteers: 6, steerBytes: 50, ended: 4 };

type Act =
  | { readonly type: 'begin' | 'complete' | 'call' | 'fail' | 'give_back'; readonly id: string }
  | { readonly type: 'steer'; readonly id: string; readonly size: number }
  | { readonly type: 'continue'; readonly id: string; readonly lane: string | null };

const id = fc.constantFrom('resp_a', 'resp_b', 'resp_c');
const lanes: { readonly [id: string]: string | null } = { resp_a: null, resp_b: 'x', resp_c: 'x' };
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ type: fc.constantFrom('begin', 'complete', 'call', 'fail', 'give_back'), id }),
  fc.record({ type: fc.constant('steer' as const), id, size: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ type: fc.constant('continue' as const), id, lane: fc.constantFrom(null, 'x', 'y') }),
);

const parsed = parseCreateResponse({ model: 'm', input: 'x' });
if (!parsed.ok) throw parsed.error;
const request = parsed.value;

test('W1, W2: what is accepted is carried by one successor, in order, or given back, once', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80, size: 'max' }), acts => {
      const events: Fields[] = [];
      let n = 0;
      const steering = new Steering({
        bounds: BOUNDS,
        newId: () => `steer_${n++}`,
        send: (lane, event) => events.push({ ...event, lane }),
      });
      /** The model: texts that wait for a response, in order. */
      const waiting = new Map<string, string[]>();
      const running = new Set<string>();
      const carried: string[] = [];
      let texts = 0;
      const carry = (of: string, lane: string | null): void => {
        const items = steering.queued(of, lane).map(item => JSON.stringify(item));
        const own = lanes[of] === lane && !running.has(of) ? (waiting.get(of) ?? []) : [];
        expect(items.map(item => /text (\d+)/.exec(item)?.[0])).toEqual(own);
        steering.committed(of, lane);
        carried.push(...own);
        if (own.length > 0) waiting.delete(of);
      };
      for (const one of acts) {
        const lane = lanes[one.id] ?? null;
        const known = running.has(one.id);
        if (one.type === 'begin' && !known && !waiting.has(one.id)) {
          running.add(one.id);
          steering.began(one.id, { lane, request, unsupported: null, stop: () => undefined });
        } else if (one.type === 'steer') {
          const text = `text ${texts++}`;
          steering.take({ previous_response_id: one.id, input: text }, one.size);
          const accepted = events.at(-1)?.['type'] === 'response.steer.accepted';
          if (accepted) expect(known).toBe(true);
          if (accepted) waiting.set(one.id, [...(waiting.get(one.id) ?? []), text]);
          expect(waiting.get(one.id)?.length ?? 0).toBeLessThanOrEqual(BOUNDS.steers);
          expect([...waiting.values()].flat().length).toBeLessThanOrEqual(BOUNDS.allSteers);
        } else if ((one.type === 'complete' || one.type === 'call') && known) {
          running.delete(one.id);
          const open = one.type === 'call' ? [{ type: 'function_call_output' as const, call_id: 'c' }] : [];
          const { type } = steering.completed(one.id, open);
          const next = one.type === 'call' ? 'pending' : 'successor';
          expect(type).toBe(waiting.has(one.id) ? next : 'nothing');
          if (type === 'successor') carry(one.id, lane);
        } else if (one.type === 'fail' && known) {
          running.delete(one.id);
          steering.failed(one.id, 'why');
          waiting.delete(one.id);
        } else if (one.type === 'give_back' && !known) {
          steering.giveBack(one.id, 'why');
          waiting.delete(one.id);
        } else if (one.type === 'continue') carry(one.id, one.lane);
      }
      steering.end('over');
      const of = (type: string): Fields[] => events.filter(event => event['type'] === type);
      const ids = (type: string): unknown[] => of(type).map(event => (event['steer'] as Fields)['id']);
      const back = ids('response.steer.failed').filter(one => one !== undefined);
      const accepted = ids('response.steer.accepted');
      expect(new Set(back).size).toBe(back.length);
      expect(accepted).toEqual(expect.arrayContaining(back));
      expect(back.length + carried.length).toBe(accepted.length);
      expect(new Set(carried).size).toBe(carried.length);
      expect(events.map(event => event['sequence_number'])).toEqual(events.map((_, index) => index));
      // Nothing of it counts any more.
      steering.began('resp_z', { lane: null, request, unsupported: null, stop: () => undefined });
      for (let i = 0; i < BOUNDS.steers; i++) steering.take({ previous_response_id: 'resp_z', input: 'x' }, 16);
      expect(events.slice(-BOUNDS.steers).map(event => event['type'])).toEqual(
        Array.from({ length: BOUNDS.steers }, () => 'response.steer.accepted'),
      );
    }),
    { numRuns: 500 },
  );
});
