/** Of the single changes, those that are named free the call, and those that are not named do not. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { CallFacts, Segment } from './facts.ts';
import { CHANNELS, call, load, MARCH, PLACES, PRODUCTS, shippedFiles, snapshotOf } from './fixture.test-support.ts';
import { type Alternatives, type Change, freeingChanges, type RefusedCall } from './free.ts';
import { makeSnapshot } from './snapshot.ts';
import { OFFER_STATES, type OfferState, supposed } from './supposed.ts';

const contracts = [
  load(shippedFiles('openai-2026-02')),
  load(shippedFiles('openai-2026-04')),
  load(shippedFiles('data-handling')),
  // What it asks to be recorded frees some calls, and its injunction refuses others.
  load({
    'contract.yaml':
      'id: recorded\nversion: "1"\nkind: house-rules\ntitle: Ours.\nsources:\n  own: {title: Ours}\nclauses:\n' +
      ['all', 'early', 'halted', 'first'].map(id => `  ${id}: {source: own, confidence: A, summary: Ours.}\n`).join(''),
    'rules.cedar': [
      '@id("all")\n@cite("ours")\npermit (principal, action, resource);',
      '@id("early")\n@cite("ours")\nforbid (principal, action == Action::"infer", resource) when { context.call.product.kind == "runtime" && !context.call.events.contains("agi-verified") };',
      '@id("halted")\n@cite("ours")\nforbid (principal, action == Action::"infer", resource) when { context.call.events.contains("injunction") };',
      '@id("first")\n@cite("ours")\nforbid (principal, action == Action::"infer", resource) when { context.call.channel.kind == "third-party" && !context.call.firstRefusal.declined.contains("rofr") };',
    ].join('\n'),
  }),
];
const SEGMENTS: readonly Segment[] = ['commercial', 'us-gov', 'us-natsec'];
const alternatives: Alternatives = {
  channels: Object.values(CHANNELS),
  products: Object.values(PRODUCTS),
  segments: SEGMENTS,
  events: ['agi-verified', 'injunction'],
  rights: ['rofr'],
};
const RIGHTS: readonly OfferState[] = [...OFFER_STATES];
/** Mostly nothing is in the way but what the shipped sets say. */
const events: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(['agi-verified']) },
  fc.constantFrom([], ['agi-verified', 'injunction']),
);
const right: fc.Arbitrary<OfferState | 'none'> = fc.oneof(
  { weight: 2, arbitrary: fc.constant('declined' as const) },
  fc.constantFrom('none' as const, ...RIGHTS),
);
const LABELS = ['restricted', 'us-gov'];
const READINGS = ['as-written', 'microsoft', 'amazon-openai'];
const reading = fc.constantFrom({}, ...READINGS.map(id => ({ 'openai-2026-02': id })));

const labels = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray(['restricted', 'us-gov']));

const calls: fc.Arbitrary<RefusedCall> = fc
  .record({
    places: fc.subarray([...PLACES], { minLength: 1 }),
    readings: reading,
    ours: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
    happened: events,
    refusal: right,
    action: fc.constantFrom('infer' as const, 'infer' as const, 'place_state' as const),
    session: fc.record({
      product: fc.constantFrom(...Object.values(PRODUCTS)),
      channel: fc.constantFrom(...Object.values(CHANNELS)),
      segment: fc.constantFrom(...SEGMENTS),
      stateHeld: fc.boolean(),
      reading,
    }),
    // Mostly few labels, in March: what forbids then is often a reading.
    sessionLabels: labels,
    requestLabels: labels,
    at: fc.constantFrom(MARCH, MARCH, MARCH, MARCH, Date.UTC(2026, 3, 27), Date.UTC(2025, 0, 1)),
    only: fc.option(
      fc.subarray(
        PLACES.map(({ id }) => id),
        { minLength: 1 },
      ),
      { nil: undefined },
    ),
  })
  .map(({ places, readings, ours, happened, refusal, action, only, ...facts }) => ({
    snapshot: snapshotOf(ours ? contracts : contracts.slice(0, 3), {
      places,
      readings,
      ...supposed(happened, refusal === 'none' ? {} : { rofr: refusal }, facts.at),
    }),
    action,
    facts: call(facts),
    health: {},
    options: only === undefined ? {} : { only },
  }));

const places = (one: RefusedCall): string | null =>
  decide(one.snapshot, one.action, one.facts, one.health, one.options).chosen;

/** The change made by hand, without the module's help. */
function made(one: RefusedCall, { kind, to }: Change): RefusedCall {
  const { facts, snapshot, action, options } = one;
  const withSession = (other: Partial<CallFacts['session']>): RefusedCall => ({
    ...one,
    facts: { ...facts, session: { ...facts.session, ...other } },
  });
  const known = <T extends { readonly id: string }>(list: readonly T[]): T => {
    const found = list.find(({ id }) => id === to);
    if (found === undefined) throw new Error(`${kind} ${to} is not configured`);
    return found;
  };
  switch (kind) {
    case 'channel':
      return withSession({ channel: known(Object.values(CHANNELS)) });
    case 'product':
      return withSession({ product: known(alternatives.products) });
    case 'segment':
      return withSession({ segment: to as Segment });
    case 'state':
      return withSession({ stateHeld: to === 'held' });
    case 'label': {
      const rest = (labels: readonly string[]) => labels.filter(label => label !== to);
      return {
        ...one,
        facts: { ...facts, sessionLabels: rest(facts.sessionLabels), requestLabels: rest(facts.requestLabels) },
      };
    }
    case 'reading': {
      const [contract = '', id = ''] = to.split(':');
      return withSession({ reading: { ...facts.session.reading, [contract]: id } });
    }
    case 'event':
    case 'retraction': {
      const kept = snapshot.recorded.events.map(({ id }) => id).filter(id => id !== to);
      const { events: all } = supposed(kind === 'event' ? [...kept, to] : kept, {}, facts.at);
      return { ...one, snapshot: makeSnapshot({ ...snapshot, events: all }) };
    }
    case 'right': {
      const [id = '', state = ''] = to.split('=');
      const { firstRefusals } = supposed([], state === 'none' ? {} : { [id]: state as OfferState }, facts.at);
      return { ...one, snapshot: makeSnapshot({ ...snapshot, firstRefusals }) };
    }
    case 'clearance': {
      const [label = '', id = ''] = to.split(':');
      const cleared = snapshot.places.map(place =>
        place.id === id ? { ...place, clearances: [...place.clearances, label] } : place,
      );
      return { ...one, snapshot: makeSnapshot({ ...snapshot, places: cleared }) };
    }
    case 'date':
      return { ...one, facts: { ...facts, at: Date.parse(to) } };
    case 'place': {
      const there = PLACES.filter(({ cloud, region }) => `${cloud} ${region}` === to);
      const [where] = there;
      const model = PLACES.find(place => (action === 'infer' ? place.id === 'azure' : place.kind === 'home'));
      if (where === undefined || model === undefined) throw new Error(`${to} is no location of the deployment`);
      // Locations that differ in clearances only have one name: the widest stands for all.
      const clearances = [...new Set(there.flatMap(place => place.clearances))];
      const { cloud, region, jurisdiction, sovereignty } = where;
      const added = { ...model, id: 'added', cloud, region, jurisdiction, sovereignty, clearances };
      const only = options.only === undefined ? {} : { only: [...options.only, 'added'] };
      return {
        ...one,
        snapshot: makeSnapshot({ ...snapshot, places: [...snapshot.places, added] }),
        options: { ...options, ...only },
      };
    }
  }
}

test('what is named frees the call; of what could be instead, nothing that frees is left out', () => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(calls, one => {
      fc.pre(decide(one.snapshot, one.action, one.facts, {}, one.options).outcome === 'refused');
      const freeing = freeingChanges(one, alternatives);
      const named = new Set(freeing.map(({ kind, to }) => `${kind} ${to}`));
      for (const change of freeing) {
        expect(places(made(one, change)), `${change.kind} ${change.to}`).not.toBeNull();
        kinds.set(change.kind, (kinds.get(change.kind) ?? 0) + 1);
      }
      const { session, sessionLabels, requestLabels, at } = one.facts;
      const others: Change[] = [
        ...alternatives.channels.map(({ id }) => ({ kind: 'channel' as const, to: id })),
        ...alternatives.products.map(({ id }) => ({ kind: 'product' as const, to: id })),
        ...SEGMENTS.map(to => ({ kind: 'segment' as const, to })),
        ...[...sessionLabels, ...requestLabels].map(to => ({ kind: 'label' as const, to })),
        ...(one.action === 'infer' ? [{ kind: 'state' as const, to: session.stateHeld ? 'not held' : 'held' }] : []),
        ...alternatives.events.flatMap(to => [
          { kind: 'event' as const, to },
          { kind: 'retraction' as const, to },
        ]),
        ...['none', ...RIGHTS].map(state => ({ kind: 'right' as const, to: `rofr=${state}` })),
        ...LABELS.filter(label => [...sessionLabels, ...requestLabels].includes(label)).flatMap(label =>
          one.snapshot.places
            .filter(({ kind }) => kind === (one.action === 'infer' ? 'target' : 'home'))
            .map(({ id }) => ({ kind: 'clearance' as const, to: `${label}:${id}` })),
        ),
        ...(at === MARCH ? READINGS.map(id => ({ kind: 'reading' as const, to: `openai-2026-02:${id}` })) : []),
      ];
      for (const change of others)
        expect(places(made(one, change)) !== null, `${change.kind} ${change.to}`).toBe(
          named.has(`${change.kind} ${change.to}`),
        );
      // Dates: the nearest in each direction, so that none that frees lies between. They are the contracts' own: what was recorded has others.
      const { events, firstRefusals } = one.snapshot.recorded;
      if (events.length + firstRefusals.length > 0) return;
      for (const day of [Date.UTC(2026, 1, 26), Date.UTC(2026, 1, 27), Date.UTC(2026, 3, 26), Date.UTC(2026, 3, 27)]) {
        if (places(made(one, { kind: 'date', to: new Date(day).toISOString() })) === null) continue;
        const dates = freeing.filter(({ kind }) => kind === 'date').map(({ to }) => Date.parse(to));
        const nearer = dates.some(date => (date < at ? day <= date : day >= date));
        expect(nearer, `on ${new Date(day).toISOString()}, named ${[...named].join(', ')}`).toBe(true);
      }
    }),
    { numRuns: 1500 },
  );
  for (const kind of [
    'channel',
    'product',
    'segment',
    'label',
    'reading',
    'date',
    'place',
    'event',
    'retraction',
    'right',
    'clearance',
  ])
    expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(0);
});

test('a call that is refused because nothing is held would be placed with its state', () => {
  const aws = PLACES.filter(({ id }) => id === 'aws');
  const snapshot = snapshotOf(contracts.slice(0, 3), { places: aws, readings: { 'openai-2026-02': 'amazon-openai' } });
  const facts = call({ session: { stateHeld: false, channel: CHANNELS.bedrock } });
  const freeing = freeingChanges({ snapshot, action: 'infer', facts, health: {}, options: {} }, alternatives);
  expect(freeing).toContainEqual({ kind: 'state', to: 'held', place: 'aws' });
});
