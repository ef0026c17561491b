/** F3: whatever is tried, in whatever order, what is kept can be: the state machine finds nothing wrong with it. */
import { isPerdureError } from '@perdure/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkFirstRefusals } from '../../contract/first-refusal.ts';
import { newRequest } from './request.ts';
import { decideMove, makeMove, refusalFacts, retractMove, type Right, rightStates } from './right.ts';

const NOW = Date.UTC(2026, 4, 20);
const HOUR = 3_600_000;
const DAYS = 8;
const LEAST_SHARE = 0.05;
const day = (n: number): string => new Date(Date.UTC(2026, 4, 1 + n)).toISOString().slice(0, 10);

const arbitraryStep = fc.record({
  kind: fc.constantFrom('offer', 'offer', 'accept', 'decline', 'approve', 'reject', 'retract'),
  product: fc.constantFrom(null, null, 'api'),
  date: fc.nat({ max: DAYS }),
  open: fc.nat({ max: 5 }),
  second: fc.constantFrom(false, false, true),
  hours: fc.nat({ max: 2 }),
});

test('moves that are kept can be, and those that are refused leave all as it was', () => {
  const seen = { kept: 0, refused: 0 };
  const states = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(arbitraryStep, { minLength: 1, maxLength: 12 }), steps => {
      let right: Right = { id: 'first', moves: [] };
      let now = NOW;
      for (const { kind, product, date, open, second, hours } of steps) {
        now += hours * HOUR;
        const before = JSON.stringify(right);
        const request = newRequest('key_ops', now, null, second ? now + HOUR : null);
        try {
          if (kind === 'offer')
            right = makeMove(
              right,
              { kind, product, date: day(date), deadline: day(date + open), source: 's' },
              request,
              [],
            );
          else if (kind === 'accept' || kind === 'decline')
            right = makeMove(right, { kind, product, date: day(date), deadline: null, source: 's' }, request, []);
          else if (kind === 'retract') right = retractMove(right, 'key_second', now);
          else right = decideMove(right, 'key_second', kind === 'approve' ? 'approved' : 'rejected', now, []);
          seen.kept += 1;
        } catch (error) {
          if (!isPerdureError(error)) throw error;
          expect(['right_state_conflict', 'right_not_found', 'not_pending']).toContain(error.code);
          expect(JSON.stringify(right)).toBe(before);
          seen.refused += 1;
        }
        const facts = refusalFacts([right], now);
        expect(checkFirstRefusals(facts)).toEqual([]);
        for (const at of [day(DAYS / 2), day(DAYS)])
          for (const { state } of rightStates(facts, 'first', Date.parse(at)))
            states.set(state, (states.get(state) ?? 0) + 1);
      }
    }),
    { numRuns: 1000 },
  );
  for (const count of Object.values(seen)) expect(count / (seen.kept + seen.refused)).toBeGreaterThan(LEAST_SHARE);
  for (const state of ['none', 'offered', 'accepted', 'declined', 'lapsed'])
    expect([state, states.get(state) ?? 0]).toEqual([state, expect.toSatisfy((n: number) => n > 20)]);
});
