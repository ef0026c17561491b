/** A record holds all that its decision needs: decided again, the whole table is the same. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { CallFacts, Health } from './facts.ts';
import {
  APRIL,
  CHANNELS,
  call,
  load,
  MARCH,
  PLACES,
  PRODUCTS,
  shippedFiles,
  snapshotOf,
} from './fixture.test-support.ts';
import { recompute, toRecord, type PlacementRecord } from './record.ts';
import type { Snapshot } from './snapshot.ts';

const contracts = [load(shippedFiles('openai-2026-02')), load(APRIL), load(shippedFiles('data-handling'))];
const ids = PLACES.map(place => place.id);
const labels = fc.subarray(['restricted', 'us-gov']);
const readings = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  { 'openai-2026-02': 'microsoft' },
  { 'openai-2026-02': 'as-written' },
);

const snapshots: fc.Arbitrary<Snapshot> = fc
  .record({
    readings,
    enforce: fc.boolean(),
    onAmbiguity: fc.constantFrom('flag' as const, 'refuse' as const),
    weights: fc.record({
      price: fc.constantFrom(0, 1),
      latency: fc.constantFrom(0, 0.5, 3),
      affinity: fc.constantFrom(0, 200),
    }),
    capped: fc.boolean(),
    waivers: fc.array(
      fc.record({
        id: fc.constantFrom('wvr_1', 'wvr_2'),
        contract: fc.constantFrom('openai-2026-02', 'data-handling'),
        clause: fc.constantFrom('joint.stateless', 'joint.first-party', 'amzn.inference', 'amzn.distribution'),
        tenant: fc.constantFrom(null, null, 'acme', 'other'),
        product: fc.constantFrom(null, null, 'api'),
        target: fc.constantFrom(null, null, null, ...ids),
        from: fc.constantFrom(0, 0, 0, MARCH + 1),
        until: fc.constantFrom(MARCH, Date.UTC(2027, 0, 1), Date.UTC(2027, 0, 1)),
      }),
      { maxLength: 4 },
    ),
  })
  .map(({ capped, ...parts }) => {
    const places = PLACES.map(place =>
      capped && place.kind === 'target' ? { ...place, capacity: { maxConcurrent: 2 } } : place,
    );
    return snapshotOf(contracts, { ...parts, places });
  });

const calls: fc.Arbitrary<CallFacts> = fc
  .record({
    session: fc.record({
      product: fc.constantFrom(...Object.values(PRODUCTS)),
      channel: fc.constantFrom(...Object.values(CHANNELS)),
      segment: fc.constantFrom('commercial' as const, 'us-gov' as const, 'us-natsec' as const),
      stateHeld: fc.boolean(),
      startedAt: fc.constantFrom(MARCH, MARCH - 1000),
      reading: readings,
    }),
    sessionId: fc.constantFrom('s1', 's2'),
    model: fc.constantFrom('gpt', 'gpt', 'gpt', 'unknown'),
    purpose: fc.constantFrom('turn' as const, 'compaction' as const),
    sessionLabels: labels,
    requestLabels: labels,
    at: fc.constantFrom(MARCH, Date.UTC(2026, 3, 27), Date.UTC(2020, 0, 1)),
    inputTokens: fc.nat(1_000_000),
    outputBound: fc.nat(100_000),
  })
  .map(call);

const healths: fc.Arbitrary<Health> = fc.dictionary(
  fc.constantFrom(...ids),
  fc.oneof(
    fc.record({ state: fc.constant('up' as const), inFlight: fc.nat(3), expectedLatencyMs: fc.nat(5000) }),
    fc.record({
      state: fc.constantFrom('down' as const, 'full' as const),
      inFlight: fc.nat(3),
      expectedLatencyMs: fc.nat(5000),
    }),
    fc.record({
      state: fc.constantFrom('down' as const, 'up' as const),
      inFlight: fc.nat(3),
      expectedLatencyMs: fc.nat(9),
      retryAfterMs: fc.nat(9),
    }),
  ),
);

const options = fc.record(
  { only: fc.subarray(ids), near: fc.constantFrom(...ids), previous: fc.constantFrom(...ids) },
  { requiredKeys: [] },
);

test('the whole decision is recomputed from its record', () => {
  const outcomes = new Map<string, number>();
  const waived = new Set<string>();
  const monitored = new Set<string>();
  fc.assert(
    fc.property(
      snapshots,
      fc.constantFrom('infer', 'infer', 'place_state', 'egress'),
      calls,
      healths,
      options,
      (snapshot, action, facts, health, opts) => {
        const decision = decide(snapshot, action, facts, health, opts);
        outcomes.set(decision.outcome, (outcomes.get(decision.outcome) ?? 0) + 1);
        const stored = JSON.parse(JSON.stringify(toRecord(decision, snapshot, facts, health, opts))) as PlacementRecord;
        expect(recompute(stored, snapshot)).toEqual(decision);
        expect(stored.c ?? null).toBe(decision.chosen);
        expect(stored.N === undefined).toBe(snapshot.enforce);
        const waivers = new Set(decision.rows.flatMap(row => row.waived.map(one => one.waiver)));
        expect(new Set(stored.W)).toEqual(waivers);
        for (const waiver of waivers) waived.add(waiver);
        if (decision.monitored !== null) monitored.add(decision.monitored);
      },
    ),
    { numRuns: 1500 },
  );
  for (const outcome of ['placed', 'refused', 'unavailable'])
    expect(outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(100);
  expect([...waived].toSorted()).toEqual(['wvr_1', 'wvr_2']);
  expect([...monitored].toSorted()).toEqual(['moved', 'nothing', 'refused']);
});
