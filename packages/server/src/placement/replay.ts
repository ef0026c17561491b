/**
 * Recorded placements decided again on a supposition. What clauses say is found out once for all records that are alike to them; what
 * tells such records apart (tokens, health) is weighed for each. `replaySlowly` takes no such way, and comes to the same totals.
 *
 * R1  The recorded side is read from the record, never decided again.
 * R2  Memory is bounded: groups of like records are forgotten when they are too many, and the tally grows with the kinds of changes alone.
 * R3  A record that cannot be taken apart as text is decided slowly, and to the same end.
 */
import { decide, healthVerdict } from './decide.ts';
import { type Decision, exclusionKey, type Exclusion, type Row } from './decision.ts';
import type { Place, PlaceHealth, ShadowPrices, Use } from './facts.ts';
import { placeNamed } from './outside.ts';
import { fromRecord, healthFrom, type PlacementRecord } from './record.ts';
import { emptyRecordText, healthOf, takeApart } from './record-text.ts';
import { distanceOf, lacking, type MeteredTokens, scoreOf } from './score.ts';
import { type Sight, sightOf } from './sight.ts';
import type { Snapshot } from './snapshot.ts';
import { addTo, type Cell, cellFor, changeOf, type Counted, type Day, dayFor, type Side, type Tally } from './tally.ts';

/** Micro-USD of a metered call at a target. */
export type CostOf = (target: string, usage: MeteredTokens, at: number) => bigint;

/** What calls of one kind bring, micro-USD of a metered one; null: nothing, whatever they are. */
export type RevenueOf = (sale: {
  readonly product: string;
  readonly channel: string;
  readonly model: string;
  readonly purpose: string;
}) => ((usage: MeteredTokens, at: number) => bigint) | null;

export interface Supposition {
  /** What the record was decided on. */
  readonly recorded: Snapshot;
  /** What it is decided on instead: other contracts or readings over the same places. */
  readonly supposed: Snapshot;
  /** Whose readings hold: those that each session started under, or the supposed snapshot's. */
  readonly readings: 'session' | 'snapshot';
  readonly cost: CostOf;
  readonly revenue: RevenueOf;
  /** What is supposed cannot be of these placements: both sides are as they were recorded. */
  readonly stays?: true;
}

export interface RecordedPlacement {
  readonly id: string;
  /** When it was recorded, ms since 1970. */
  readonly at: number;
  readonly record: PlacementRecord;
  /** Null if it is not known (the call is open, was refused, or is none). */
  readonly usage: MeteredTokens | null;
  /** What the session did in all: for readings that look back. Null: what it had done until then. */
  readonly use: Use | null;
}

/** The same, with the record as the text that it is kept as. */
export interface RecordedPlacementText extends Omit<RecordedPlacement, 'record'> {
  /** Holds the record from `start` to `end` (exclusive). */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Kinds of records, groups and cells that are remembered. Full, the memory starts anew. */
const MAX_KEPT = 40_000;

interface Candidate {
  readonly place: Place;
  readonly distance: number;
  /** How the place begins in a record's text of health. */
  readonly key: string;
}

interface Group {
  readonly supposition: Supposition;
  /** Equal only where all that follows is. */
  readonly name: string;
  /** Places that the clauses leave. */
  readonly legal: readonly Candidate[];
  /** If they leave none: why. */
  readonly refused: boolean;
  /** What is against each place that could have been. */
  readonly forbidding: ReadonlyMap<string, readonly string[]>;
  readonly refusing: readonly string[];
  readonly isCall: boolean;
  readonly vendor: string;
  readonly revenue: ReturnType<RevenueOf>;
  readonly requires: readonly string[] | undefined;
  readonly shadow: ShadowPrices | undefined;
  /** By what was recorded, and the place that is chosen. */
  readonly slots: Map<string, Map<Place | null, Slot>>;
}

/** Where placements are added up: a cell, and the two sides of the day that the last of them was on. */
interface Slot {
  readonly cell: Cell;
  day: number;
  was: Day | null;
  would: Day | null;
}

/** Records that tell clauses the same, but for time, use and spend. */
interface Kind {
  readonly looksBack: boolean;
  readonly groups: Map<string | number, Group>;
}

interface Known {
  readonly sight: Sight;
  readonly kinds: Map<string, Kind>;
  /** By their names. */
  readonly groups: Map<string, Group>;
}

const IDLE: PlaceHealth = { state: 'up', inFlight: 0, expectedLatencyMs: 0 };
const NO_CLAUSES: readonly string[] = [];

export interface Replay {
  add(placement: RecordedPlacementText, supposition: Supposition): Counted;
}

export function makeReplay(tally: Tally): Replay {
  const known = new Map<Supposition, Known>();
  const parts = emptyRecordText();
  let kept = 0;

  function keep(): void {
    kept += 1;
    if (kept <= MAX_KEPT) return;
    for (const { kinds, groups } of known.values()) {
      kinds.clear();
      groups.clear();
    }
    kept = 0;
  }

  function groupOf(placement: RecordedPlacementText, supposition: Supposition): Group {
    let own = known.get(supposition);
    if (own === undefined)
      known.set(supposition, (own = { sight: sightOf(supposition), kinds: new Map(), groups: new Map() }));
    const { sight, kinds, groups } = own;
    const name = supposition.readings === 'session' ? `${parts.kind}\n${parts.readings}` : parts.kind;
    let kind = kinds.get(name);
    if (kind === undefined) {
      keep();
      kind = { looksBack: sight.looksBack(parsed(placement)), groups: new Map() };
      kinds.set(name, kind);
    }
    const era = sight.era(parts.at);
    const key =
      kind.looksBack || sight.spending || sight.soFar
        ? `${era}${kind.looksBack ? ` ${useKey(placement)}` : ''}${sight.spending ? ` $${parts.spend}` : ''}${sight.soFar ? ` <${parts.use}` : ''}`
        : era;
    let group = kind.groups.get(key);
    if (group === undefined) {
      keep();
      const whole = { ...placement, record: parsed(placement) };
      const made = newGroup(whole, supposition, decided(whole, supposition, 'unsized'));
      // Most tenants are told the same, under whatever name: what was counted for one goes on for the next.
      group = groups.get(made.name) ?? made;
      groups.set(made.name, group);
      kind.groups.set(key, group);
    }
    return group;
  }

  function useKey({ use }: RecordedPlacementText): string {
    return use === null ? parts.use : `=${Object.values(use).join(' ')}`;
  }

  function slotOf(group: Group, placement: RecordedPlacementText, chosen: Place | null): Slot {
    let slots = group.slots.get(parts.marks);
    if (slots === undefined) group.slots.set(parts.marks, (slots = new Map()));
    let slot = slots.get(chosen);
    if (slot === undefined) {
      keep();
      slots.set(chosen, (slot = newSlot(tally, group, parsed(placement), chosen)));
    }
    return slot;
  }

  return {
    add(placement, supposition) {
      const { text, start, end } = placement;
      if (!takeApart(parts, text, start, end)) {
        return replaySlowly(tally, { ...placement, record: parsed(placement) }, supposition);
      }
      const group = groupOf(placement, supposition);
      const { input, output, health } = parts;
      const chosen =
        group.legal.length === 0 || supposition.stays
          ? null
          : cheapestOf(group, input, output, health === '' ? nothingKnown : ({ key }) => healthOf(health, key));
      return count(tally, group, slotOf(group, placement, chosen), placement, { input, output });
    },
  };
}

const nothingKnown = (): undefined => undefined;

function parsed({ text, start, end }: RecordedPlacementText): PlacementRecord {
  return JSON.parse(text.slice(start, end)) as PlacementRecord;
}

/** Decides every placement in full. For tests, and for whoever wants to check the other. */
export function replaySlowly(tally: Tally, placement: RecordedPlacement, supposition: Supposition): Counted {
  const decision = decided(placement, supposition);
  const chosen = placeNamed(supposition.supposed, decision.chosen ?? '') ?? null;
  const group = newGroup(placement, supposition, decision);
  const { i: input, o: output } = placement.record;
  return count(tally, group, newSlot(tally, group, placement.record, chosen), placement, { input, output });
}

/**
 * The whole decision under the supposition.
 * @param size `unsized` for a call without tokens to places that are all well: what clauses say, whatever else there is
 */
function decided(
  { record, use }: Pick<RecordedPlacement, 'record' | 'use'>,
  { recorded, supposed, readings }: Supposition,
  size: 'sized' | 'unsized' = 'sized',
): Decision {
  const { action, facts, health, options } = fromRecord(record);
  const reading = readings === 'snapshot' ? {} : { ...recorded.readings, ...facts.session.reading };
  const session = { ...facts.session, reading, ...(use !== null && { use }) };
  return size === 'sized'
    ? decide(supposed, action, { ...facts, session }, health, options)
    : decide(supposed, action, { ...facts, inputTokens: 0, outputBound: 0, session }, {}, options);
}

function newGroup({ record }: RecordedPlacement, supposition: Supposition, decision: Decision): Group {
  const { supposed } = supposition;
  const options = fromRecord(record).options;
  const rows = decision.rows.filter(row => row.verdict !== 'wrong-model');
  const legal = rows.flatMap(row => {
    const place = placeNamed(supposed, row.place);
    if (row.verdict === 'excluded' || place === undefined) return [];
    return [{ place, distance: distanceOf(place, supposed, options), key: `${JSON.stringify(place.id)}:[` }];
  });
  const refused = decision.outcome === 'refused';
  const forbidding = new Map(rows.map(row => [row.place, forbiddingOf(row, supposed)]));
  const refusing = names(rows.flatMap(row => row.exclusions));
  const distances = legal.map(({ place, distance }) => [place.id, distance]);
  const { a, p, h, m, u, k, H: shadow } = record;
  return {
    supposition,
    name: JSON.stringify([a, p[0], h[0], m, u, k, shadow, distances, refused, [...forbidding], refusing]),
    legal,
    refused,
    forbidding,
    refusing,
    isCall: a === undefined,
    vendor: m[0],
    revenue: supposition.revenue(saleOf(record)),
    requires: k,
    shadow,
    slots: new Map(),
  };
}

function saleOf({ p, h, m, u }: PlacementRecord): Parameters<RevenueOf>[0] {
  return { product: p[0], channel: h[0], model: m[1], purpose: u ?? 'turn' };
}

/** What the alternative has against a place, whether it enforces it or only records it. */
function forbiddingOf(row: Row, { enforce }: Snapshot): readonly string[] {
  if (enforce) return names(row.exclusions);
  return names(row.flagged.filter(one => one.kind !== 'clause' || one.ambiguous === null));
}

/** What stands for a clause where no contract in force could have had one. */
export const NO_CONTRACT = 'no-contract-in-force';

function names(exclusions: readonly Exclusion[]): readonly string[] {
  return exclusions.length === 0 ? NO_CLAUSES : [...new Set(exclusions.map(nameOf))].toSorted();
}

function nameOf(exclusion: Exclusion): string {
  return exclusion.kind === NO_CONTRACT ? NO_CONTRACT : exclusionKey(exclusion);
}

/** The clauses that a record says decided, with their contracts. */
export function recordedClauses({ d, f }: Pick<PlacementRecord, 'd' | 'f'>): readonly string[] {
  if (d === undefined) return NO_CLAUSES;
  const only = f?.length === 1 ? (f[0] ?? '').split('@')[0] : undefined;
  const enforced = d.filter(name => !name.startsWith('~'));
  return enforced.map(name =>
    name === '-' ? NO_CONTRACT : only === undefined || name.includes('/') ? name : `${only}/${name}`,
  );
}

/** The outcome that a record is of. */
export function recordedOutcome({ c, x }: Pick<PlacementRecord, 'c' | 'x'>): Side['outcome'] {
  if (c !== undefined) return 'placed';
  return x === 'placement_refused' || x === 'no_contract_in_force' ? 'refused' : 'unavailable';
}

function wasOf(record: PlacementRecord, recorded: Snapshot): Side {
  const place = record.c === undefined ? undefined : recorded.byId.get(record.c);
  return { outcome: recordedOutcome(record), place: record.c ?? null, cloud: place?.cloud ?? null };
}

function cheapestOf(
  { legal, supposition, requires, shadow }: Group,
  inputTokens: number,
  outputBound: number,
  numbersOf: (candidate: Candidate) => readonly number[] | undefined,
): Place | null {
  const size = requires === undefined ? { inputTokens, outputBound } : { inputTokens, outputBound, requires };
  const { weights } = supposition.supposed;
  let best: Place | null = null;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of legal) {
    const { place, distance } = candidate;
    const numbers = numbersOf(candidate);
    const health = numbers === undefined ? IDLE : healthFrom(numbers);
    if (lacking(place, size) !== null || healthVerdict(place, health) !== 'eligible') continue;
    const { score } = scoreOf(place, size, health.expectedLatencyMs, distance, weights, shadow?.[place.id]);
    if (score > bestScore || (score === bestScore && best !== null && place.id > best.id)) continue;
    best = place;
    bestScore = score;
  }
  return best;
}

function count(
  tally: Tally,
  { isCall, supposition, vendor, revenue }: Group,
  slot: Slot,
  placement: Pick<RecordedPlacement, 'id' | 'at' | 'usage'>,
  { input, output }: { readonly input: number; readonly output: number },
): Counted {
  const { cost } = supposition;
  const { cell } = slot;
  const { at } = placement;
  const was = cell.was.place;
  const would = cell.would.place;
  const usage = isCall ? placement.usage : null;
  if (usage === null) {
    const atMost = isCall && would !== null ? cost(would, { input, cached: 0, output }, at) : 0n;
    return addTo(tally, cell, placement, { ...NOTHING_KNOWN, atMost });
  }
  const wasCost = was === null ? 0n : cost(was, usage, at);
  const wouldCost = would === null ? 0n : would === was ? wasCost : cost(would, usage, at);
  const brought = revenue === null ? 0n : revenue(usage, at);
  const wasRevenue = was === null ? 0n : brought;
  const wouldRevenue = would === null ? 0n : brought;
  const counted = addTo(tally, cell, placement, { usage, wasCost, wouldCost, wasRevenue, wouldRevenue, atMost: 0n });
  const day = Math.floor(at / DAY_MS);
  if (day !== slot.day) {
    slot.day = day;
    slot.was = was === null ? null : dayFor(tally, { day, cloud: cell.was.cloud ?? '-', vendor });
    slot.would = would === null ? null : dayFor(tally, { day, cloud: cell.would.cloud ?? '-', vendor });
  }
  if (slot.was !== null) {
    slot.was.wasCost += wasCost;
    if (wasRevenue !== 0n) slot.was.wasRevenue += wasRevenue;
  }
  if (slot.would !== null) {
    slot.would.wouldCost += wouldCost;
    if (wouldRevenue !== 0n) slot.would.wouldRevenue += wouldRevenue;
  }
  return counted;
}

const NOTHING_KNOWN = { usage: null, wasCost: 0n, wouldCost: 0n, wasRevenue: 0n, wouldRevenue: 0n };
const DAY_MS = 86_400_000;

function newSlot(tally: Tally, group: Group, record: PlacementRecord, chosen: Place | null): Slot {
  const { recorded, stays = false } = group.supposition;
  const was = wasOf(record, recorded);
  const forbidding = stays ? NO_CLAUSES : (group.forbidding.get(record.c ?? '') ?? NO_CLAUSES);
  const breach = forbidding.length > 0;
  const outcome = chosen !== null ? 'placed' : group.refused ? 'refused' : 'unavailable';
  const would: Side = stays ? was : { outcome, place: chosen?.id ?? null, cloud: chosen?.cloud ?? null };
  const change = changeOf({ was, would });
  const naming = breach
    ? forbidding
    : change === 'same'
      ? NO_CLAUSES
      : outcome === 'refused'
        ? group.refusing
        : recordedClauses(record)
            .filter(name => !group.refusing.includes(name))
            .toSorted();
  const { p, h } = record;
  const cell = cellFor(tally, {
    action: record.a ?? 'infer',
    product: p[0],
    channel: h[0],
    was,
    would,
    breach,
    stays,
    clauses: naming,
  });
  return { cell, day: Number.NaN, was: null, would: null };
}
