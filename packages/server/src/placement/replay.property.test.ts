/** The quick replay comes to exactly what the slow one does, record by record and interrupted or not. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { CHANNELS, call, load, MARCH, PLACES, PRODUCTS, shippedFiles, snapshotOf } from './fixture.test-support.ts';
import { toRecord } from './record.ts';
import {
  makeReplay,
  type RecordedPlacement,
  type RecordedPlacementText,
  replaySlowly,
  type Supposition,
} from './replay.ts';
import type { Snapshot } from './snapshot.ts';
import { changeOf, type DaySums, emptyTally, tallyFrom, wireTally } from './tally.ts';

const february = load(shippedFiles('openai-2026-02'));
const handling = load(shippedFiles('data-handling'));
const TIMED = load({
  'contract.yaml': `
id: timed
version: '1'
title: A clause that reads the time
kind: house-rules
parties: [us]
sources: {own: {title: Own}}
clauses:
  base: {source: own, confidence: A, summary: All.}
  curfew: {source: own, confidence: A, summary: Not on AWS before April.}
`,
  'clauses.cedar': `
@id("base") @cite("all")
permit (principal, action, resource);
@id("curfew") @cite("not on AWS before April")
forbid (principal, action == Action::"infer", resource)
when { resource in Cloud::"aws" && context.call.at < datetime("2026-04-01") };
`,
});
const ASKING = load({
  'contract.yaml': `
id: asking
version: '1'
title: Clauses that read who asks, and what was done
kind: house-rules
parties: [us]
sources: {own: {title: Own}}
clauses:
  base: {source: own, confidence: A, summary: All.}
  busy: {source: own, confidence: A, summary: Not on AWS once a tool ran.}
  agent: {source: own, confidence: A, summary: Not by an agent.}
  key: {source: own, confidence: A, summary: Not by a key.}
`,
  'clauses.cedar': `
@id("base") @cite("all")
permit (principal, action, resource);
@id("busy") @cite("not on AWS once a tool ran")
forbid (principal, action in [Action::"infer", Action::"place_state"], resource)
when { resource in Cloud::"aws" && context.use.toolsRun > 0 };
@id("agent") @cite("not by an agent")
forbid (principal, action == Action::"infer", resource)
when { context.call has agent && context.call.agent.id == "clerk" };
@id("key") @cite("not by a key")
forbid (principal, action == Action::"infer", resource)
when { resource in Cloud::"azure" && principal.key == "key_a" };
`,
});
const APRIL_SET = load(shippedFiles('openai-2026-04'));
const ids = PLACES.map(place => place.id);
const readings = [
  {},
  { 'openai-2026-02': 'microsoft' },
  { 'openai-2026-02': 'amazon-openai' },
  { 'openai-2026-02': 'substance' },
];
/** Names that a reader of texts could take for something else. */
const NASTY = ['a},"F":2', '"t":1,', 'x","n":"y', 'e', 'y', 'b', 'i', ',"S":[1]'];
const nasty = PLACES.map((place, i) =>
  place.kind === 'target' && i % 2 === 0 ? { ...place, id: `${NASTY[i]}` } : place,
);
const capped = PLACES.map(place =>
  place.kind === 'target'
    ? { ...place, capacity: { maxConcurrent: 2 }, contextTokens: place.id === 'azure' ? 5000 : null }
    : place,
);

const WAIVERS = [
  { id: 'w1', contract: 'openai-2026-02', clause: 'joint.stateless', tenant: null, product: null, target: 'aws' },
  { id: 'w2', contract: 'openai-2026-02', clause: 'amzn.inference', tenant: 'acme', product: null, target: null },
].map(waiver => ({ ...waiver, from: MARCH + 3, until: Date.UTC(2026, 3, 1) }));

const snapshots: fc.Arbitrary<Snapshot> = fc
  .record({
    contracts: fc.constantFrom(
      [february],
      [february, APRIL_SET],
      [february, handling],
      [APRIL_SET, TIMED],
      [february, APRIL_SET, TIMED],
      [ASKING],
      [february, ASKING],
      [],
    ),
    readings: fc.constantFrom(...readings),
    enforce: fc.constantFrom(true, true, false),
    onAmbiguity: fc.constantFrom('flag' as const, 'refuse' as const),
    places: fc.constantFrom(PLACES, capped, nasty),
    waivers: fc.constantFrom([], [], WAIVERS),
    weights: fc.constantFrom({ price: 1, latency: 1, affinity: 200 }, { price: 0, latency: 3, affinity: 0 }),
  })
  .map(({ contracts, ...parts }) => snapshotOf(contracts, parts));

const labels = fc.subarray(['restricted', 'us-gov', ...NASTY.slice(0, 3)], { maxLength: 3 });
const use = fc.record({
  turns: fc.constantFrom(1, 2),
  itemsRead: fc.constantFrom(0, 4),
  memoryReads: fc.constant(0),
  toolsRun: fc.constantFrom(0, 1),
  filesTouched: fc.constant(0),
});
const moments = [MARCH, MARCH + 5, Date.UTC(2026, 3, 27), Date.UTC(2026, 4, 3), Date.UTC(2020, 0, 1)];

const kinds = fc.record({
  action: fc.constantFrom('infer', 'infer', 'infer', 'place_state'),
  session: fc.record({
    tenant: fc.constantFrom('acme', 'acme', ...NASTY),
    product: fc.constantFrom(...Object.values(PRODUCTS)),
    channel: fc.constantFrom(...Object.values(CHANNELS)),
    segment: fc.constantFrom('commercial' as const, 'us-natsec' as const),
    stateHeld: fc.boolean(),
    startedAt: fc.constant(MARCH),
    reading: fc.constantFrom(...readings.slice(0, 3)),
  }),
  model: fc.constantFrom('gpt', 'gpt', 'gpt', 'unknown'),
  sessionLabels: labels,
  requestLabels: labels,
});
const turns = fc.record({
  kind: fc.nat(2),
  use,
  at: fc.constantFrom(...moments),
  inputTokens: fc.nat(10_000),
  outputBound: fc.nat(10_000),
  health: fc.dictionary(
    fc.constantFrom(...ids, ...NASTY),
    fc.record({
      state: fc.constantFrom('up' as const, 'up' as const, 'down' as const),
      inFlight: fc.nat(3),
      expectedLatencyMs: fc.oneof(fc.nat(50_000), fc.double({ min: 0, max: 1e7, noNaN: true })),
    }),
  ),
  options: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.record(
      {
        near: fc.constantFrom(...ids),
        previous: fc.constantFrom(...ids),
        only: fc.subarray([...ids, ...NASTY], { minLength: 1 }),
        shadow: fc.dictionary(fc.constantFrom(...ids), fc.integer({ min: 1, max: 1_000_000 }), { maxKeys: 3 }),
      },
      { requiredKeys: [] },
    ),
  ),
  usage: fc.option(fc.record({ input: fc.nat({ max: 1e9 }), cached: fc.nat(100), output: fc.nat({ max: 1e9 }) }), {
    freq: 4,
  }),
  requires: fc.constantFrom(undefined, undefined, ['tools'], [',"y":[1]']),
  spend: fc.constantFrom(undefined, { month: 3, total: 4 }, { month: 5_000_000, total: 9_000_000 }),
  asker: fc.constantFrom(
    { principal: { key: 'key_a' } },
    { principal: { key: 'key_a' } },
    { principal: { key: 'key_b', scopes: [',"y":[9]'] }, agent: { id: 'clerk', version: 1 } },
    { agent: { id: ',"y":[', version: 2 } },
  ),
  wholeUse: fc.option(use),
});
/** Few kinds of calls, and many of each: only records that are alike can be mistaken for one another. */
const traffic = fc
  .tuple(fc.tuple(kinds, kinds, kinds), fc.array(turns, { minLength: 1, maxLength: 40 }))
  .map(([[one, two, three], list]) => {
    // Neighbours differ in one thing alone.
    const some = [
      one,
      { ...one, sessionLabels: two.sessionLabels },
      { ...one, session: { ...one.session, reading: three.session.reading } },
    ];
    return list.map(({ kind, use: used, requires, spend, asker, ...turn }) => {
      const { session, ...rest } = some[kind] ?? one;
      const optional = { ...(requires !== undefined && { requires }), ...(spend !== undefined && { spend }) };
      return { ...rest, ...turn, ...optional, ...asker, soFar: used, session: { ...session, use: used } };
    });
  });

/** Contracts and readings differ; places are the recorded ones, as they are in a replay. */
const scenes = fc
  .tuple(snapshots, snapshots, fc.constantFrom('session' as const, 'snapshot' as const), traffic)
  .map(([recorded, other, how, calls]) => {
    const supposed = snapshotOf(other.contracts as never, { ...other, places: recorded.places });
    const supposition: Supposition = {
      recorded,
      supposed,
      readings: how,
      cost(target, { input, cached, output }, at) {
        const place = recorded.byId.get(target);
        if (place?.kind !== 'target') return 0n;
        const { inputPerMtok, cachedInputPerMtok, outputPerMtok } = place.prices;
        const dearer = BigInt(at % 5);
        return (
          (BigInt(input - cached) * BigInt(inputPerMtok) + BigInt(cached * cachedInputPerMtok)) / 1_000_000n +
          BigInt(output) * (BigInt(outputPerMtok) + dearer)
        );
      },
      revenue: ({ product, purpose }) =>
        purpose === 'eval' ? null : ({ input, output }, at) => BigInt(input + 2 * output + (at % 7) + product.length),
    };
    const placements = calls.map(({ action, health, options, usage, wholeUse, ...facts }, i): RecordedPlacement => {
      const made = call(facts);
      const record = toRecord(decide(recorded, action, made, health, options), recorded, made, health, options);
      return { id: `p${i}`, at: i * 9_000_000, record: JSON.parse(JSON.stringify(record)), usage, use: wholeUse };
    });
    return { supposition, placements };
  });

function money(sums: Iterable<DaySums>): readonly bigint[] {
  const all = [...sums];
  const total = (of: (one: DaySums) => bigint): bigint => all.reduce((sum, one) => sum + of(one), 0n);
  return [
    total(one => one.wasCost),
    total(one => one.wouldCost),
    total(one => one.wasRevenue),
    total(one => one.wouldRevenue),
  ];
}

/** As it lies in a store: with other text around it. */
function asText({ record, ...rest }: RecordedPlacement): RecordedPlacementText {
  const text = `{"chosen":"azure","placement":${JSON.stringify(record)},"reserved":{"input":1,"output":2}}`;
  return { ...rest, text, start: text.indexOf('{"v"'), end: text.lastIndexOf(',"reserved"') };
}

test('totals equal those of the slow reference exactly', () => {
  const changes = new Map<string, number>();
  fc.assert(
    fc.property(scenes, ({ supposition, placements }) => {
      const [quick, slow] = [emptyTally(), emptyTally()];
      const replay = makeReplay(quick);
      for (const placement of placements) {
        replay.add(asText(placement), supposition);
        replaySlowly(slow, placement, supposition);
      }
      expect(wireTally(quick)).toEqual(wireTally(slow));
      for (const cell of quick.cells.values()) {
        const change = cell.breach ? 'breach' : changeOf(cell);
        changes.set(change, (changes.get(change) ?? 0) + cell.placements);
      }
      expect(money(quick.days.values())).toEqual(money(quick.cells.values()));
      expect([...quick.cells.values()].reduce((sum, cell) => sum + cell.placements, 0)).toBe(placements.length);
    }),
    { numRuns: 800 },
  );
  for (const change of ['same', 'moved', 'refused', 'freed', 'breach'])
    expect(changes.get(change) ?? 0, change).toBeGreaterThan(10);
});

test('a replay that went through text half-way comes to the same', () => {
  fc.assert(
    fc.property(scenes, fc.nat(40), ({ supposition, placements }, cut) => {
      const whole = emptyTally();
      const replay = makeReplay(whole);
      for (const placement of placements) replay.add(asText(placement), supposition);
      const first = emptyTally();
      const before = makeReplay(first);
      for (const placement of placements.slice(0, cut)) before.add(asText(placement), supposition);
      const second = tallyFrom(JSON.parse(JSON.stringify(wireTally(first))));
      const after = makeReplay(second);
      for (const placement of placements.slice(cut)) after.add(asText(placement), supposition);
      expect(wireTally(second)).toEqual(wireTally(whole));
    }),
    { numRuns: 300 },
  );
});

test('on what was recorded nothing changes, but for what only later use shows', () => {
  fc.assert(
    fc.property(scenes, ({ supposition, placements }) => {
      const tally = emptyTally();
      const replay = makeReplay(tally);
      const same = { ...supposition, supposed: supposition.recorded, readings: 'session' as const };
      for (const placement of placements) replay.add(asText({ ...placement, use: null }), same);
      for (const cell of tally.cells.values()) expect(changeOf(cell)).toBe('same');
    }),
    { numRuns: 300 },
  );
});

test('a cap by spend is replayed by what had been spent', () => {
  const capped = load({
    'contract.yaml': `
id: capped
version: '1'
title: A cap
kind: house-rules
parties: [us]
sources: {own: {title: Own}}
clauses:
  base: {source: own, confidence: A, summary: All.}
  cap: {source: own, confidence: A, summary: A cap.}
`,
    'clauses.cedar': `
@id("base") @cite("all") permit (principal, action, resource);
@id("cap") @cite("a cap") forbid (principal, action == Action::"infer", resource) when { context.call.spend.month > 4 };
`,
  });
  const snapshot = snapshotOf([capped]);
  const other = { recorded: snapshotOf([]), supposed: snapshot, readings: 'session' as const };
  const supposition: Supposition = { ...other, cost: () => 1n, revenue: () => null };
  const tally = emptyTally();
  const replay = makeReplay(tally);
  for (const month of [3, 4, 5, 3]) {
    const made = call({ spend: { month, total: month } });
    const record = toRecord(decide(supposition.recorded, 'infer', made, {}), supposition.recorded, made, {});
    replay.add(asText({ id: 'p', at: 0, record, usage: null, use: null }), supposition);
  }
  const cells = [...tally.cells.values()].map(({ would, placements }) => [would.outcome, placements]);
  expect(cells.toSorted(([a], [b]) => String(a).localeCompare(String(b)))).toEqual([
    ['placed', 3],
    ['refused', 1],
  ]);
});

test('a waiver is replayed in its time alone, and what happens at a date from it on', () => {
  const waiver = { id: 'w', contract: 'timed', clause: 'curfew', tenant: null, product: null, target: null };
  const contract = load({
    'contract.yaml': `
id: timed
version: '1'
title: Until something happens
kind: house-rules
parties: [us]
sources: {own: {title: Own}}
clauses:
  base: {source: own, confidence: A, summary: All.}
  curfew: {source: own, confidence: A, summary: Not before.}
`,
    'clauses.cedar': `
@id("base") @cite("all") permit (principal, action, resource);
@id("curfew") @cite("not before") forbid (principal, action == Action::"infer", resource)
unless { context.call.events.contains("it") };
`,
  });
  const supposed = snapshotOf([contract], {
    waivers: [{ ...waiver, from: MARCH + 10, until: MARCH + 20 }],
    events: [{ id: 'it', date: new Date(MARCH + 30).toISOString(), source: 'x' }],
  });
  const parts = { recorded: snapshotOf([]), supposed, readings: 'session' as const };
  const supposition: Supposition = { ...parts, cost: () => 1n, revenue: () => null };
  const outcomes = [9, 10, 19, 20, 29, 30].map(after => {
    const made = call({ at: MARCH + after });
    const record = toRecord(decide(parts.recorded, 'infer', made, {}), parts.recorded, made, {});
    return { id: 'p', at: 0, record, usage: null, use: null };
  });
  const tally = emptyTally();
  const replay = makeReplay(tally);
  const placed = outcomes.map(placement => {
    replay.add(asText(placement), supposition);
    return [...tally.cells.values()].reduce((sum, { would, placements }) => sum + (would.place ? placements : 0), 0);
  });
  expect(placed).toEqual([0, 1, 2, 2, 2, 3]);
});

test('a clause that asks what was done is replayed by what had been done then, whatever the session did in all', () => {
  const supposed = snapshotOf([ASKING]);
  const parts = { recorded: snapshotOf([]), supposed, readings: 'session' as const };
  const supposition: Supposition = { ...parts, cost: () => 1n, revenue: () => null };
  const used = (toolsRun: number) => ({ turns: 1, itemsRead: 0, memoryReads: 0, toolsRun, filesTouched: 0 });
  const outcomes = (told: boolean) => {
    const tally = emptyTally();
    const replay = makeReplay(tally);
    for (const toolsRun of [0, 1, 0, 2]) {
      const soFar = used(toolsRun);
      const made = call({ soFar, session: { use: soFar }, principal: { key: 'key_b' } });
      const record = toRecord(decide(parts.recorded, 'infer', made, {}, AWS), parts.recorded, made, {}, AWS);
      const { F: _, ...old } = record;
      const kept = told ? record : { ...old, F: 3 };
      replay.add(asText({ id: 'p', at: 0, record: kept, usage: null, use: used(9) }), supposition);
    }
    return [...tally.cells.values()].map(({ would, placements }) => `${would.outcome} ${placements}`).toSorted();
  };
  expect(outcomes(true)).toEqual(['placed 2', 'refused 2']);
  // Before clauses were told, nobody knew: what is not known denies.
  expect(outcomes(false)).toEqual(['refused 4']);
});

const AWS = { only: ['aws'] };
