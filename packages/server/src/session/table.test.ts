/** The table of states says what the reducer does: every cell is tried, from both sides. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BARE_EVENTS } from '../log/event.test-support.ts';
import type { EventBody, EventType } from '../log/events.ts';
import { anyHistory, bend, following, rareHistories } from './history.test-support.ts';
import { reduce } from './reduce.ts';
import type { Phase, SessionState } from './state.ts';
import { TABLE } from './table.ts';

const PHASES = Object.keys(TABLE) as Phase[];
const TYPES = Object.keys(BARE_EVENTS) as EventType[];
const EACH = 24;

/** States of every phase, met in random histories; the same in every run of the test. */
const MET: ReadonlyMap<Phase, (SessionState | null)[]> = (() => {
  const met = new Map<Phase, (SessionState | null)[]>([['none', [null]]]);
  for (const { states } of rareHistories())
    for (const state of states) met.set(state.phase, [...(met.get(state.phase) ?? []), state]);
  for (const { states } of fc.sample(anyHistory, { numRuns: 900, seed: 7 })) {
    for (const state of states) {
      const known = met.get(state.phase) ?? [];
      // Spread over all the histories, and over all that a state of the phase can hold.
      if (known.length < EACH || state.seq % 5 === 0) known.push(state);
      met.set(state.phase, known);
    }
  }
  return met;
})();

const SAMPLES = new Map(
  TYPES.map(type => [type, fc.sample(BARE_EVENTS[type] as fc.Arbitrary<EventBody>, { numRuns: EACH, seed: 11 })]),
);

test.each(PHASES)('random histories meet the phase %s', phase => {
  expect(MET.get(phase)?.length ?? 0).toBeGreaterThan(phase === 'none' ? 0 : 8);
});

test.each(PHASES.flatMap(phase => TYPES.map(type => [phase, type] as const)))('%s x %s', (phase, type) => {
  const states = (MET.get(phase) ?? []).slice(0, 400);
  let taken = 0;
  for (const [i, state] of states.entries()) {
    for (const [j, body] of (SAMPLES.get(type) ?? []).entries()) {
      if (state !== null && (i + j) % 6 !== 0) continue;
      const reduced = reduce(state, following(state, bend(state, body)));
      if (reduced.ok) taken += 1;
      // A cell that is empty refuses by the table, whatever the event says.
      else if (!TABLE[phase][type]) expect(reduced.code).toBe('event_not_allowed');
      else expect(reduced.code).toBe('event_mismatch');
    }
  }
  expect(taken > 0).toBe(TABLE[phase][type]);
});
