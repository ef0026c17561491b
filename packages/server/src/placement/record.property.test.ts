/** A record holds all that its decision needs: decided again, the whole table is the same. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { type CallFacts, FACTS_VERSION, type Health } from './facts.ts';
import { CHANNELS, call, load, MARCH, PLACES, PRODUCTS, shippedFiles, snapshotOf } from './fixture.test-support.ts';
import { recompute, toRecord, type PlacementRecord } from './record.ts';
import type { Snapshot } from './snapshot.ts';

/** Reads all that a clause can: what is recorded, and what is spent. */
const asking = load({
  'contract.yaml': `
id: asking
version: "1"
kind: house-rules
title: Asks for everything
sources: {s: {title: x}}
clauses:
  base: {source: s, confidence: A, summary: x}
  agi: {source: s, confidence: A, summary: x}
  first: {source: s, confidence: A, summary: x}
  cap: {source: s, confidence: A, summary: x}
  busy: {source: s, confidence: A, summary: x}
  agent: {source: s, confidence: A, summary: x}
  key: {source: s, confidence: A, summary: x}
  target: {source: s, confidence: A, summary: x}
`,
  'clauses.cedar': `
@id("base") @cite("x") permit (principal, action, resource);
@id("agi") @cite("x") forbid (principal, action == Action::"infer", resource in Cloud::"aws")
when { context.call.events.contains("agi-verified") };
@id("first") @cite("x") forbid (principal, action in [Action::"infer", Action::"place_state"], resource in Cloud::"azure")
when { context.call.firstRefusal.offered.contains("azure-first") };
@id("cap") @cite("x") forbid (principal, action == Action::"infer", resource)
when { context.call.purpose == "compaction" && context.call.spend.month > 500 };
@id("busy") @cite("x") forbid (principal, action in [Action::"infer", Action::"place_state"], resource in Cloud::"aws")
when { context.call.purpose == "compaction" && context.use.toolsRun > 1 };
@id("agent") @cite("x") forbid (principal, action == Action::"infer", resource)
when { context.call has agent && context.call.agent.id == "a" && context.call.agent.version > 1 };
@id("key") @cite("x") forbid (principal, action == Action::"place_state", resource)
when { context.call.purpose == "compaction" && principal.scopes.contains("agents") && principal.key == "k" };
@id("target") @cite("x") forbid (principal, action == Action::"infer", resource)
when { resource.id == "aws" && resource.model == "gpt" };
`,
});
const contracts = [
  asking,
  load(shippedFiles('openai-2025-10')),
  load(shippedFiles('openai-2026-02')),
  load(shippedFiles('openai-2026-04')),
  load(shippedFiles('data-handling')),
];
const ids = PLACES.map(place => place.id);
const labels = fc.subarray(['restricted', 'us-gov']);
const readings = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  { 'openai-2026-02': 'microsoft' },
  { 'openai-2026-02': 'as-written' },
);

/** Nine times of ten the first: what must meet several such conditions is met at all. */
const oftenest = <T>(first: T, ...rest: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(first) }, { weight: 1, arbitrary: fc.constantFrom(...rest) });

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
    events: fc.subarray([{ id: 'agi-verified', date: '2026-03-20', source: 'x' }]),
    firstRefusals: fc.subarray([
      { id: 'azure-first', product: null, offered: '2026-03-20', deadline: '2026-04-01', answer: null, source: 'x' },
    ]),
    waivers: fc.array(
      fc.record({
        id: fc.constantFrom('wvr_1', 'wvr_2'),
        contract: oftenest('openai-2026-02', 'data-handling'),
        clause: fc.constantFrom('joint.stateless', 'joint.first-party', 'amzn.inference', 'amzn.distribution'),
        tenant: oftenest(null, 'acme', 'other'),
        product: oftenest(null, 'api'),
        target: oftenest(null, ...ids),
        from: oftenest(0, MARCH + 1),
        until: oftenest(Date.UTC(2027, 0, 1), MARCH),
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
    use: fc.record({
      turns: fc.nat(3),
      itemsRead: fc.nat(3),
      memoryReads: fc.constant(0),
      toolsRun: fc.nat(3),
      filesTouched: fc.nat(3),
    }),
    told: fc.boolean(),
    agent: fc.option(fc.record({ id: fc.constantFrom('a', 'b'), version: fc.integer({ min: 1, max: 3 }) })),
    principal: fc.constantFrom(null, { key: 'k' }, { key: 'k', scopes: ['agents'] }, { key: 'other', scopes: [] }),
    spend: fc.option(fc.record({ month: fc.nat(1000), total: fc.maxSafeNat() }), { freq: 2 }),
    tool: fc.option(fc.record({ name: fc.string(), origin: fc.constantFrom('builtin' as const, 'mcp' as const) })),
    destination: fc.option(fc.record({ host: fc.string(), use: fc.constantFrom('web' as const, 'command' as const) })),
  })
  .map(({ spend, tool, destination, agent, principal, use, told, session, ...parts }) => ({
    ...call({ ...parts, session: { ...session, ...(told && { use }) }, ...(spend !== null && { spend }) }),
    ...(told && { soFar: use }),
    ...(agent !== null && { agent }),
    ...(principal !== null && { principal }),
    ...(tool !== null && { tool }),
    ...(destination !== null && { destination }),
  }));

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
  {
    only: fc.subarray(ids),
    near: fc.constantFrom(...ids),
    previous: fc.constantFrom(...ids),
    shadow: fc.dictionary(fc.constantFrom(...ids), fc.integer({ min: 1, max: 1_000_000 }), { maxKeys: 3 }),
  },
  { requiredKeys: [] },
);

test('the whole decision is recomputed from its record', () => {
  const outcomes = new Map<string, number>();
  const decided = new Map<string, number>();
  const waived = new Set<string>();
  const monitored = new Set<string>();
  fc.assert(
    fc.property(
      snapshots,
      fc.constantFrom('infer', 'infer', 'place_state', 'execute', 'egress'),
      calls,
      healths,
      options,
      (snapshot, action, facts, health, opts) => {
        const decision = decide(snapshot, action, facts, health, opts);
        outcomes.set(decision.outcome, (outcomes.get(decision.outcome) ?? 0) + 1);
        const stored = JSON.parse(JSON.stringify(toRecord(decision, snapshot, facts, health, opts))) as PlacementRecord;
        expect(recompute(stored, snapshot)).toEqual(decision);
        expect(stored.c ?? null).toBe(decision.chosen);
        expect(stored.F).toBe(FACTS_VERSION);
        for (const by of stored.d ?? []) {
          const clause = by.replace('~', '');
          decided.set(clause, (decided.get(clause) ?? 0) + 1);
        }
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
  // The facts that are recorded, or that the snapshot has, decided some of them.
  for (const clause of ['agi', 'first', 'cap', 'cap!', 'busy', 'busy!', 'agent', 'key', 'key!', 'target'].map(
    id => `asking/${id}`,
  ))
    expect(decided.get(clause) ?? 0, clause).toBeGreaterThan(0);
  expect([...waived].toSorted()).toEqual(['wvr_1', 'wvr_2']);
  expect([...monitored].toSorted()).toEqual(['moved', 'nothing', 'refused']);
});
