/**
 * M1, T1, T3, Y1, Y2, Z1, N4: whatever the agents of a family do with each other, whoever drives them says and cancels, the scheduler wakes, and
 * whichever processes die. `PERDURE_PROPERTY_RUNS` raises the number of runs, `PERDURE_PROPERTY_MS` how long they may take together.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Act, type Event, FamilyPlay, type Move, type Setting } from './family-play.test-support.ts';
import { checkFamily, met } from './family-laws.test-support.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 60);

const which = fc.nat(3);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Act>({ tool: 'create' }) },
  { weight: 3, arbitrary: fc.constant<Act>({ tool: 'wait for all' }) },
  { weight: 1, arbitrary: fc.constant<Act>({ tool: 'work' }) },
  {
    weight: 10,
    arbitrary: fc.record({
      tool: fc.constantFrom(
        'tell' as const,
        'tell',
        'tell',
        'wait',
        'interrupt',
        'close',
        'close',
        'close',
        'resume',
        'resume',
      ),
      which,
    }),
  },
);
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ do: fc.constant('act' as const), acts: fc.array(act, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 3, arbitrary: fc.constant<Move>({ do: 'end' }) },
  { weight: 1, arbitrary: fc.constant<Move>({ do: 'fail' }) },
);
const setting: fc.Arbitrary<Setting> = fc.record({
  moves: fc.array(move, { minLength: 8, maxLength: 24, size: 'max' }),
  delays: fc.array(fc.nat(3), { minLength: 1, maxLength: 7 }),
});
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('pass' as const), turns: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 3, arbitrary: fc.constant<Event>({ do: 'say' }) },
  { weight: 1, arbitrary: fc.constant<Event>({ do: 'cancel' }) },
  { weight: 1, arbitrary: fc.constant<Event>({ do: 'wake' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('die' as const),
      writes: fc.integer({ min: 1, max: 12 }),
      recovers: fc.boolean(),
    }),
  },
);

test('a family comes to rest with its laws kept, whatever comes between', { timeout: 600_000 }, async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(setting, fc.array(event, { minLength: 4, maxLength: 20, size: 'max' }), async (how, events) => {
      const play = await FamilyPlay.begin(how);
      for (const one of events) await play.take(one);
      await play.rest();
      await checkFamily(play);
      runs += 1;
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: Number(process.env['PERDURE_PROPERTY_MS'] ?? 15_000) },
  );
  // A property that meets nothing shows nothing.
  const enough = (what: string, share: number): void =>
    expect([what, (met.get(what) ?? 0) >= runs * share]).toEqual([what, true]);
  enough('made', 1);
  enough('below another', 0.2);
  enough('told', 0.05);
  enough('steered', 0.2);
  enough('waited', 0.1);
  enough('closed', 0.1);
  enough('cancelled', 0.2);
  enough('failed', 0.2);
  enough('taken over', 0.3);
});
