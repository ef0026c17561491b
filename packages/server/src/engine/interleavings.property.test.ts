/**
 * Any interleaving of reads, resumes, disconnects, cancels and restarts shows each reader the same sequence of events, without gap or twin
 * (L2, B1, F1), and ends the response once (L7). `PERDURE_PROPERTY_RUNS` raises the number of runs.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SessionId } from '../kernel/ids.ts';
import { decodeEvent } from '../log/codec.ts';
import { validateShown } from '../session/open-responses.test-support.ts';
import { type Action, Scene, type Setting } from './interleavings.test-support.ts';
import { functionCall, message } from './scripted-provider.test-support.ts';
import { ACME, read } from './world.test-support.ts';

const RUNS = Number(process.env['PERDURE_PROPERTY_RUNS'] ?? 150);

const text = fc.array(fc.constantFrom('Hel', 'lo', '', ' there', '!'), { maxLength: 5 });
const said = fc.oneof(
  { weight: 4, arbitrary: text.map(deltas => message(...deltas)) },
  { weight: 1, arbitrary: text.map(deltas => [...message(...deltas), ...functionCall('c1', '{"a":1}', 1)]) },
);
const setting: fc.Arbitrary<Setting> = fc.record({
  background: fc.nat(3).map(n => n > 0),
  stream: fc.boolean(),
  calls: fc.array(said, { minLength: 1, maxLength: 3 }),
  delays: fc.array(fc.nat(3), { minLength: 1, maxLength: 7 }),
});
const reader = fc.nat(3);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), steps: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const), from: fc.integer({ min: 0, max: 130 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const), reader }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('come back' as const), reader }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('die' as const), recovers: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ do: 'cancel' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'break off' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'poll' as const }) },
);

/** What came up over all runs: a property that meets nothing shows nothing. */
const met = new Map<string, number>();
const note = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1);

test('every reader sees one and the same sequence, whatever comes between', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(setting, fc.array(action, { minLength: 4, maxLength: 28, size: 'max' }), async (how, actions) => {
      const scene = await Scene.begin(how);
      for (const one of actions) await scene.act(one);
      await scene.rest();
      await check(scene, how);
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 500_000 },
  );
  const enough = (what: string, share: number): void =>
    expect([what, (met.get(what) ?? 0) >= RUNS * share]).toEqual([what, true]);
  enough('completed', 0.2);
  enough('cancelled', 0.1);
  enough('taken over', 0.3);
  enough('cut, and said again', 0.05);
  enough('read in pieces', 0.2);
});

async function check({ engine, store, id, clients, told, polled, world }: Scene, how: Setting): Promise<void> {
  const whole = await read(await engine.stream(ACME, id, -1));
  const resource = await engine.response(ACME, id);
  for (const client of clients) {
    expect(client.shown).toEqual(whole.slice(client.from + 1));
    if (client.from >= 0 && client.shown.length > 0) note('read in pieces');
  }
  expect(whole.flatMap(validateShown)).toEqual([]);
  const events = whole.map(json => JSON.parse(json) as { type: string; sequence_number: number; response?: unknown });
  expect(events.map(event => event.sequence_number)).toEqual(whole.map((_, i) => i));
  const ends = events.filter(({ type }) => /^response\.(completed|incomplete|failed)$/.test(type));
  expect(ends).toEqual([events.at(-1)]);
  expect(ends[0]?.response).toEqual(resource);
  // L7: one end, and whoever was told of one was told of this one.
  for (const one of told) expect(one).toEqual(resource);
  if (!how.background) expect(told).toEqual([]);
  const first = polled.findIndex(({ status }) => status !== 'in_progress');
  if (first >= 0) for (const one of polled.slice(first)) expect(one).toEqual(resource);
  note(resource.status);
  await checkLog({ store, id, world });
}

/** L5: every call that left had its placement, and its end is in the log once. */
async function checkLog({ store, id, world }: Pick<Scene, 'store' | 'id' | 'world'>): Promise<void> {
  const { tenant } = ACME;
  expect(await store.open(null, 10)).toEqual([]);
  const [session] = [...(world.data.get('local')?.sessions.keys() ?? [])] as SessionId[];
  if (session === undefined) throw new Error(`${id} has no session`);
  expect(await store.journal(tenant, session)).toEqual([]);
  const events = (await store.events({ tenant, session, from: 1, limit: 1000 })).map(one =>
    decodeEvent({ tenant, session }, one),
  );
  const types = events.map(({ type }) => type);
  const count = (...wanted: readonly string[]): number => types.filter(type => wanted.includes(type)).length;
  expect(count('turn.completed', 'turn.failed', 'turn.cancelled')).toBe(1);
  expect(count('call.placed')).toBe(count('call.completed', 'call.failed', 'call.cancelled'));
  expect(world.provider.calls.length).toBeLessThanOrEqual(count('call.placed'));
  if (types.includes('session.claimed')) note('taken over');
  if (events.some(event => event.type === 'call.failed' && event.head.count > 0)) note('cut, and said again');
}
