/**
 * Which single change would have a refused call placed: found by trying each over what is configured, one at a time, and deciding again. So
 * every answer is true, and none that was tried is left out. Off the hot path: only explanations ask.
 */
import { dayOf } from '../kernel/day.ts';
import { bindingContracts, readingFor } from './bind.ts';
import { decide } from './decide.ts';
import type { Action, CallFacts, Channel, DecideOptions, Health, Place, Product, Segment } from './facts.ts';
import { outsideOf } from './outside.ts';
import { makeSnapshot, modelKey, type Snapshot } from './snapshot.ts';
import { OFFER_STATES, supposed } from './supposed.ts';

/** What could be instead. */
export interface Alternatives {
  /** A channel without a seller is sold by the product's own vendor. */
  readonly channels: readonly (Omit<Channel, 'seller'> & { readonly seller: string | null })[];
  readonly products: readonly Product[];
  readonly segments: readonly Segment[];
  /** Events and rights of first refusal that clauses ask for. */
  readonly events: readonly string[];
  readonly rights: readonly string[];
}

export interface Change {
  readonly kind:
    | ('channel' | 'product' | 'segment' | 'state' | 'label' | 'reading' | 'date' | 'place')
    | ('event' | 'retraction' | 'right' | 'clearance');
  /**
   * What it would be instead; the label that would be gone; `contract:reading`; the day; the region of a place that would be added; the event
   * that would have happened, or would not; `right=state`; `label:place`.
   */
  readonly to: string;
}

export interface Freeing extends Change {
  /** Where it would then be placed. */
  readonly place: string;
}

export interface RefusedCall {
  readonly snapshot: Snapshot;
  readonly action: Action;
  readonly facts: CallFacts;
  readonly health: Health;
  readonly options: DecideOptions;
}

/** Changes that are tried, at most. */
const MAX_CHANGES = 400;
const DAY = 86_400_000;
/** The name of a place that is not there. */
const ADDED = '(new)';

interface Trial {
  readonly change: Change;
  readonly call: RefusedCall;
}

/** In the order of `trialsOf`; of dates the nearest one in each direction. */
export function freeingChanges(call: RefusedCall, alternatives: Alternatives): readonly Freeing[] {
  const found: Freeing[] = [];
  let tried = 0;
  for (const trials of [...trialsOf(call, alternatives).map(trial => [trial]), ...dateTrials(call)]) {
    for (const { change, call: other } of trials) {
      tried += 1;
      if (tried > MAX_CHANGES) return found;
      const { chosen } = decide(other.snapshot, other.action, other.facts, other.health, other.options);
      if (chosen === null) continue;
      found.push({ ...change, place: chosen });
      break;
    }
  }
  return found;
}

/** Every single change, but for dates. */
function trialsOf(call: RefusedCall, alternatives: Alternatives): readonly Trial[] {
  const { facts } = call;
  const { session } = facts;
  const { channels, products, segments } = alternatives;
  const withSession = (change: Change, other: Partial<CallFacts['session']>): Trial => ({
    change,
    call: { ...call, facts: { ...facts, session: { ...session, ...other } } },
  });
  const labels = [...new Set([...facts.sessionLabels, ...facts.requestLabels])];
  const without = (list: readonly string[], label: string): readonly string[] => list.filter(one => one !== label);
  return [
    ...channels
      .filter(({ id }) => id !== session.channel.id)
      .map(channel => withSession({ kind: 'channel', to: channel.id }, { channel: soldBy(channel, session.product) })),
    ...products
      .filter(({ id }) => id !== session.product.id)
      .map(product => {
        const own = channels.find(({ id }) => id === session.channel.id);
        const channel = own === undefined ? session.channel : soldBy(own, product);
        return withSession({ kind: 'product', to: product.id }, { product, channel });
      }),
    ...segments
      .filter(segment => segment !== session.segment)
      .map(segment => withSession({ kind: 'segment', to: segment }, { segment })),
    ...(call.action === 'infer'
      ? [withSession({ kind: 'state', to: session.stateHeld ? 'not held' : 'held' }, { stateHeld: !session.stateHeld })]
      : []),
    ...labels.map(label => ({
      change: { kind: 'label', to: label } as const,
      call: {
        ...call,
        facts: {
          ...facts,
          sessionLabels: without(facts.sessionLabels, label),
          requestLabels: without(facts.requestLabels, label),
        },
      },
    })),
    ...readingsOf(call).map(([contract, reading]) =>
      withSession(
        { kind: 'reading', to: `${contract}:${reading}` },
        { reading: { ...session.reading, [contract]: reading } },
      ),
    ),
    ...placesOf(call).map(place => ({
      change: { kind: 'place', to: `${place.cloud} ${place.region}` } as const,
      call: { ...call, snapshot: withPlace(call.snapshot, place), options: open(call.options) },
    })),
    ...recordTrials(call, alternatives),
    ...clearanceTrials(call),
  ];
}

/** An event that had not happened, or had; a right in another state, whatever the product. */
function recordTrials(call: RefusedCall, { events, rights }: Alternatives): readonly Trial[] {
  const { snapshot, facts } = call;
  const { recorded } = snapshot;
  const happened = new Set(recorded.events.filter(({ date }) => Date.parse(date) <= facts.at).map(({ id }) => id));
  const trial = (change: Change, other: Partial<Snapshot['recorded']>): Trial => ({
    change,
    call: { ...call, snapshot: makeSnapshot({ ...snapshot, ...recorded, ...other }) },
  });
  return [
    ...events
      .filter(id => !happened.has(id))
      .map(id =>
        trial({ kind: 'event', to: id }, { events: [...recorded.events, ...supposed([id], {}, facts.at).events] }),
      ),
    ...[...happened].map(id =>
      trial({ kind: 'retraction', to: id }, { events: recorded.events.filter(one => one.id !== id) }),
    ),
    ...rights.flatMap(id => {
      const others = recorded.firstRefusals.filter(one => one.id !== id);
      return [
        trial({ kind: 'right', to: `${id}=none` }, { firstRefusals: others }),
        ...OFFER_STATES.map(state =>
          trial(
            { kind: 'right', to: `${id}=${state}` },
            { firstRefusals: [...others, ...supposed([], { [id]: state }, facts.at).firstRefusals] },
          ),
        ),
      ];
    }),
  ];
}

/** One place cleared for one more label that the call carries. What lies outside is cleared for nothing, whatever is configured. */
function clearanceTrials(call: RefusedCall): readonly Trial[] {
  const { snapshot, action, facts, options } = call;
  if (isOutside(call)) return [];
  const all: readonly Place[] =
    action === 'infer' ? (snapshot.byModel.get(modelKey(facts.vendor, facts.model)) ?? []) : snapshot.homes;
  const labels = [...new Set([...facts.sessionLabels, ...facts.requestLabels])];
  return all
    .filter(({ id }) => options.only?.includes(id) ?? true)
    .flatMap(place =>
      labels
        .filter(label => !place.clearances.includes(label))
        .map(label => {
          const cleared = { ...place, clearances: [...place.clearances, label] };
          const places = snapshot.places.map(one => (one.id === place.id ? cleared : one));
          return {
            change: { kind: 'clearance', to: `${label}:${place.id}` } as const,
            call: { ...call, snapshot: makeSnapshot({ ...snapshot, places }) },
          };
        }),
    );
}

function isOutside({ snapshot, action, options }: RefusedCall): boolean {
  return action === 'egress' || (action === 'execute' && outsideOf(snapshot, options) !== null);
}

function soldBy(channel: Alternatives['channels'][number], product: Product): Channel {
  return { ...channel, seller: channel.seller ?? product.vendor };
}

/** Other readings that can decide, of the contracts that bind the call. */
function readingsOf({ snapshot, action, facts }: RefusedCall): readonly (readonly [string, string])[] {
  const { contracts } = bindingContracts(snapshot, action, facts.vendor, facts.session.product, facts.at);
  return contracts.flatMap(contract => {
    const current = readingFor(contract, snapshot, facts);
    const others = contract.readings.filter(({ id, retrospective }) => !retrospective && id !== current);
    return others.map(({ id }) => [contract.id, id] as const);
  });
}

/** A place for this call in every location that the deployment has already, and where there is none for it. */
function placesOf(call: RefusedCall): readonly Place[] {
  if (isOutside(call)) return [];
  const { snapshot, action, facts } = call;
  const location = ({ cloud, region, jurisdiction, sovereignty, clearances }: Place): string =>
    JSON.stringify([cloud, region, jurisdiction, sovereignty, [...clearances].toSorted()]);
  const serves = (place: Place): boolean =>
    action === 'infer'
      ? place.kind === 'target' && place.vendor === facts.vendor && place.model === facts.model
      : place.kind === 'home';
  const taken = new Set(snapshot.places.filter(serves).map(location));
  const free = new Map(snapshot.places.filter(place => !taken.has(location(place))).map(one => [location(one), one]));
  return [...free.values()].map(({ cloud, region, jurisdiction, sovereignty, clearances }) => {
    const where = { id: ADDED, cloud, region, jurisdiction, sovereignty, clearances };
    if (action !== 'infer') return { ...where, kind: 'home' };
    return {
      ...where,
      kind: 'target',
      vendor: facts.vendor,
      model: facts.model,
      prices: { inputPerMtok: 0, cachedInputPerMtok: 0, outputPerMtok: 0 },
      accelerator: null,
      capacity: { maxConcurrent: null },
      capabilities: null,
      contextTokens: null,
    };
  });
}

function withPlace(snapshot: Snapshot, place: Place): Snapshot {
  return makeSnapshot({ ...snapshot, places: [...snapshot.places, place] });
}

/** A place that is added is a candidate, even where only some were. */
function open({ only, ...options }: DecideOptions): DecideOptions {
  return only === undefined ? options : { ...options, only: [...only, ADDED] };
}

/** Later days and earlier days on which another contract holds, each list nearest first. */
function dateTrials(call: RefusedCall): readonly (readonly Trial[])[] {
  const { snapshot, facts } = call;
  const edges = snapshot.contracts.flatMap(({ effective }) => [effective.from, effective.to]).filter(ms => ms !== null);
  const at = (ms: number): Trial => ({
    change: { kind: 'date', to: dayOf(ms) },
    call: { ...call, facts: { ...facts, at: ms } },
  });
  const distinct = [...new Set(edges)].toSorted((a, b) => a - b);
  const later = distinct.filter(edge => edge > facts.at).map(at);
  const earlier = distinct
    .toReversed()
    .map(edge => edge - DAY)
    .filter(day => day < facts.at)
    .map(at);
  return [later, earlier];
}

export function freeingText({ kind, to, place }: Freeing): string {
  return `${CHANGES[kind](to)}: ${place === ADDED ? 'there' : place}`;
}

const CHANGES: { readonly [K in Change['kind']]: (to: string) => string } = {
  channel: to => `sold through ${to}`,
  product: to => `sold as ${to}`,
  segment: to => `for the segment ${to}`,
  state: to => `with state ${to}`,
  label: to => `without the label ${to}`,
  reading: to => `under the reading ${to.split(':')[1] ?? to} of ${to.split(':')[0] ?? ''}`,
  date: to => `on ${to}`,
  place: to => `with a place at ${to}`,
  event: to => `once ${to} is recorded`,
  retraction: to => `without the event ${to}`,
  right: to => `with the right ${to.split('=')[0] ?? to} ${RIGHT_WORDS[to.split('=')[1] ?? ''] ?? ''}`,
  clearance: to => `with ${to.slice(to.indexOf(':') + 1)} cleared for ${to.slice(0, to.indexOf(':'))}`,
};

const RIGHT_WORDS: Readonly<Record<string, string>> = {
  none: 'not offered',
  offered: 'offered and not answered',
  accepted: 'accepted',
  declined: 'declined',
  lapsed: 'lapsed',
};
