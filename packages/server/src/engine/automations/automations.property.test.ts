/** Whatever the schedule, whenever the process dies, however the clock jumps: every time that came due has one run, or a reason why not. */
import { perdureError } from '@perdure/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Resources } from '../resources.ts';
import { makeAutomationRunner } from './runner.ts';
import { checkSchedule, lastDue, nextAfter } from './schedule.ts';
import { invocationOf } from './records.ts';
import { CALLER, NEW_SESSION, openWorld, START, wanted } from './world.test-support.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 150);
const MINUTE = 60_000;

const field = (from: number, to: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 2, arbitrary: fc.integer({ min: from, max: to }).map(String) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 20 }).map(step => `*/${Math.min(step, to)}`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to }))
        .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    },
  );
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe');
const schedule = fc.record({
  expression: fc
    .tuple(field(0, 59), field(0, 23), fc.constant('*'), fc.constant('*'), field(0, 6))
    .map(all => all.join(' ')),
  timezone: zone,
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.integer({ min: 1, max: 90 }).map(minutes => ({ type: 'pass', ms: minutes * MINUTE }) as const),
  },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 90_000 }).map(ms => ({ type: 'pass', ms }) as const) },
  // Nobody was there, or the clock was put forward.
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40 }).map(days => ({ type: 'pass', ms: days * 1_440 * MINUTE }) as const),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 5_000 }).map(back => ({ type: 'pass', ms: -back * MINUTE }) as const),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('die' as const),
      commit: fc.integer({ min: 1, max: 4 }),
      done: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom('after', 'error', 'busy').map(fault => ({ type: 'fault', fault }) as const) },
);

test('every time that came due is in one invocation, and what was delivered was delivered once', async () => {
  await fc.assert(
    fc.asyncProperty(
      schedule,
      fc.constantFrom('run_once' as const, 'skip' as const),
      fc.boolean(),
      fc.array(step, { minLength: 8, maxLength: 25 }),
      async (when, missed, fresh, steps) => {
        const world = await openWorld({ missed, kept: 100_000, keyMs: 1e15, tryMs: 1e15 });
        // The process: dead once a commit fails, until another begins.
        let death: { left: number; readonly done: boolean } | null = null;
        let dead = false;
        const store: Resources = {
          ...world.store,
          changeResources: async (changes, entry) => {
            if (dead) throw perdureError('store_unavailable');
            if (death !== null && --death.left === 0) {
              dead = true;
              if (death.done) await world.store.changeResources(changes, entry);
              throw perdureError('store_unavailable');
            }
            return world.store.changeResources(changes, entry);
          },
        };
        const begin = () => makeAutomationRunner({ ...world.deps, store });
        const target = fresh ? { target: NEW_SESSION } : {};
        const automation = await world.desk.create(CALLER, wanted({ ...when, ...target }));
        let runner = begin();
        let latest = START;
        for (const one of steps) {
          if (one.type === 'die') death = { left: one.commit, done: one.done };
          else if (one.type === 'fault')
            world.sessions.faults.push(one.fault === 'error' ? perdureError('no_target_available') : one.fault);
          else {
            world.now = Math.max(START, world.now + one.ms);
            latest = Math.max(latest, world.now);
            await runner.look();
            if (dead) {
              [dead, death, runner] = [false, null, begin()];
              await runner.look();
            }
          }
        }
        [dead, death] = [false, null];
        world.sessions.faults.length = 0;
        // The clock comes to where it was, and what waits is delivered.
        world.now = latest;
        for (let i = 0; i < 4; i++) {
          world.now += 2 * MINUTE;
          await runner.look();
        }

        const found: (readonly [number, number])[] = [];
        let delivered = 0;
        for (let after: string | null = null; ; ) {
          const query = { kind: 'invocation', tenant: CALLER.tenant, parent: automation.id, order: 'asc' } as const;
          const rows = await world.store.resources({ ...query, limit: 1_000, after });
          for (const { scheduledAt, from, status, skipReason, error } of rows.map(invocationOf)) {
            found.push([from ?? scheduledAt ?? 0, scheduledAt ?? 0]);
            if (status === 'completed') delivered += 1;
            else if (status === 'skipped') expect([skipReason, error?.code].filter(Boolean)).toHaveLength(1);
            else if (status === 'queued') expect(scheduledAt).toBeGreaterThan(latest);
            else expect(status).toBe('none of these');
          }
          after = rows.at(-1)?.id ?? null;
          if (rows.length < 1_000) break;
        }
        // One after another without overlap; the first time of each follows the last of the one before.
        const plan = { type: 'periodic', ...when } as const;
        let expected = nextAfter(plan, START);
        for (const [from, to] of found) {
          expect(from).toBe(expected);
          expect(lastDue(plan, from, to)).toBe(to);
          expected = nextAfter(plan, to);
        }
        expect(expected === null || expected > world.now).toBe(true);
        expect(fresh ? world.sessions.started.size : world.sessions.told.size).toBe(delivered);
      },
    ),
    { numRuns: RUNS },
  );
});

test('the last due time is the one that walking there would find', () => {
  fc.assert(
    fc.property(
      schedule,
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: 0, max: 4_000 }),
      (when, days, minutes) => {
        const plan = { type: 'periodic', ...when } as const;
        const start = START + days * 1_440 * MINUTE;
        checkSchedule(plan, start);
        const first = nextAfter(plan, start) ?? 0;
        const now = first + minutes * MINUTE;
        let walked = first;
        for (let next: number | null = first; next !== null && next <= now; next = nextAfter(plan, next)) walked = next;
        expect(lastDue(plan, first, now)).toBe(walked);
      },
    ),
    { numRuns: Math.min(RUNS, 60) },
  );
});
