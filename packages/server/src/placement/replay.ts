/**
 * Recorded placements decided again on a supposition. What clauses say is found out once for all records that are alike to them; what
 * tells such records apart (tokens, health) is weighed for each. `replaySlowly` takes no such way, and comes to the same totals.
 *
 * R1  The recorded side is read from the record, never decided again.
 * R2  Memory is bounded: groups of like records are forgotten when they are too many, and the tally grows with the kinds of changes alone.
 */
import { decide, healthVerdict } from './decide.ts';
import { type Decision, exclusionKey, type Exclusion, type Row } from './decision.ts';
import type { Place, PlaceHealth, Use } from './facts.ts';
import { fromRecord, healthFrom, type PlacementRecord } from './record.ts';
import { distanceOf, lacking, type MeteredTokens, scoreOf } from './score.ts';
import type { Snapshot } from './snapshot.ts';
import { addTo, type Cell, cellFor, changeOf, type Side, type Tally } from './tally.ts';

/** Micro-USD of a metered call at a target. */
export type CostOf = (target: string, usage: MeteredTokens, at: number) => bigint;

export interface Supposition {
  /** What the record was decided on. */
  readonly recorded: Snapshot;
  /** What it is decided on instead: other contracts or readings over the same places. */
  readonly supposed: Snapshot;
  /** Whose readings hold: those that each session started under, or the supposed snapshot's. */
  readonly readings: 'session' | 'snapshot';
  readonly cost: CostOf;
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

/** Groups of like records that are remembered. Full, the memory starts anew. */
const MAX_GROUPS = 20_000;

interface Candidate {
  readonly place: Place;
  readonly distance: number;
}

interface Group {
  readonly supposition: Supposition;
  /** Places that the clauses leave. */
  readonly legal: readonly Candidate[];
  /** If they leave none: why. */
  readonly refused: boolean;
  /** What is against each place that could have been. */
  readonly rows: readonly Row[];
  readonly refusing: readonly string[];
  /** By the recorded place and the one that is chosen; the empty text for none. */
  readonly cells: Map<string, Cell>;
}

const IDLE: PlaceHealth = { state: 'up', inFlight: 0, expectedLatencyMs: 0 };
const NO_CLAUSES: readonly string[] = [];

export interface Replay {
  add(placement: RecordedPlacement, supposition: Supposition): void;
}

export function makeReplay(tally: Tally): Replay {
  const known = new Map<Supposition, { readonly sight: Sight; readonly groups: Map<string, Group> }>();
  let kept = 0;

  function groupOf(placement: RecordedPlacement, supposition: Supposition): Group {
    let own = known.get(supposition);
    if (own === undefined) known.set(supposition, (own = { sight: sightOf(supposition), groups: new Map() }));
    const key = likeness(placement, supposition, own.sight);
    let group = own.groups.get(key);
    if (group !== undefined) return group;
    if (kept >= MAX_GROUPS) {
      for (const { groups } of known.values()) groups.clear();
      kept = 0;
    }
    group = newGroup(placement, supposition, decided(placement, supposition, 'unsized'));
    own.groups.set(key, group);
    kept += 1;
    return group;
  }

  return {
    add(placement, supposition) {
      const group = groupOf(placement, supposition);
      const chosen = group.legal.length === 0 ? null : cheapestOf(group, placement.record);
      count(tally, group, placement, chosen);
    },
  };
}

/** Decides every placement in full. For tests, and for whoever wants to check the other. */
export function replaySlowly(tally: Tally, placement: RecordedPlacement, supposition: Supposition): void {
  const decision = decided(placement, supposition);
  const chosen = supposition.supposed.byId.get(decision.chosen ?? '') ?? null;
  count(tally, newGroup(placement, supposition, decision), placement, chosen);
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
    const place = supposed.byId.get(row.place);
    if (row.verdict === 'excluded' || place === undefined) return [];
    return [{ place, distance: distanceOf(place, supposed, options) }];
  });
  return {
    supposition,
    legal,
    refused: decision.outcome === 'refused',
    rows,
    refusing: names(rows.flatMap(row => row.exclusions)),
    cells: new Map(),
  };
}

/** What the alternative has against a place, whether it enforces it or only records it. */
function forbiddingOf(row: Row | undefined, { enforce }: Snapshot): readonly string[] {
  if (row === undefined) return NO_CLAUSES;
  if (enforce) return names(row.exclusions);
  return names(row.flagged.filter(one => one.kind !== 'clause' || one.ambiguous === null));
}

function names(exclusions: readonly Exclusion[]): readonly string[] {
  return exclusions.length === 0 ? NO_CLAUSES : [...new Set(exclusions.map(exclusionKey))].toSorted();
}

/** The clauses that a record says decided, with their contracts. */
export function recordedClauses({ d, f }: Pick<PlacementRecord, 'd' | 'f'>): readonly string[] {
  if (d === undefined) return NO_CLAUSES;
  const only = f?.length === 1 ? (f[0] ?? '').split('@')[0] : undefined;
  const enforced = d.filter(name => !name.startsWith('~'));
  return enforced.map(name => (only === undefined || name.includes('/') || name === '-' ? name : `${only}/${name}`));
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

function cheapestOf({ legal, supposition }: Group, record: PlacementRecord): Place | null {
  const size = { inputTokens: record.i, outputBound: record.o, ...(record.k !== undefined && { requires: record.k }) };
  const { weights } = supposition.supposed;
  let best: Place | null = null;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const { place, distance } of legal) {
    const numbers = record.e?.[place.id];
    const health = numbers === undefined ? IDLE : healthFrom(numbers);
    if (lacking(place, size) !== null || healthVerdict(place, health) !== 'eligible') continue;
    const { score } = scoreOf(place, size, health.expectedLatencyMs, distance, weights, record.H?.[place.id]);
    if (score > bestScore || (score === bestScore && best !== null && place.id > best.id)) continue;
    best = place;
    bestScore = score;
  }
  return best;
}

function count(tally: Tally, group: Group, placement: RecordedPlacement, chosen: Place | null): void {
  const { record, usage, at, id } = placement;
  const { cost } = group.supposition;
  const key = `${record.c ?? ''}\n${chosen?.id ?? ''}`;
  let cell = group.cells.get(key);
  if (cell === undefined) group.cells.set(key, (cell = newCell(tally, group, record, chosen)));
  const isCall = record.a === undefined;
  const wasCost = isCall && usage !== null && record.c !== undefined ? cost(record.c, usage, at) : 0n;
  const wouldCost =
    isCall && usage !== null && chosen !== null ? (chosen.id === record.c ? wasCost : cost(chosen.id, usage, at)) : 0n;
  const atMost =
    isCall && usage === null && chosen !== null
      ? cost(chosen.id, { input: record.i, cached: 0, output: record.o }, at)
      : 0n;
  addTo(tally, cell, { id, at, usage: isCall ? usage : null, wasCost, wouldCost, atMost });
}

function newCell(tally: Tally, group: Group, record: PlacementRecord, chosen: Place | null): Cell {
  const { recorded, supposed } = group.supposition;
  const was = wasOf(record, recorded);
  const forbidding = forbiddingOf(
    group.rows.find(row => row.place === record.c),
    supposed,
  );
  const breach = forbidding.length > 0;
  const outcome = chosen !== null ? 'placed' : group.refused ? 'refused' : 'unavailable';
  const would: Side = { outcome, place: chosen?.id ?? null, cloud: chosen?.cloud ?? null };
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
  return cellFor(tally, {
    action: record.a ?? 'infer',
    product: p[0],
    channel: h[0],
    was,
    would,
    breach,
    clauses: naming,
  });
}

/** What the supposition can tell records apart by, besides what is in every record. */
interface Sight {
  /** Moments that the supposed snapshot cannot tell apart have the same number. */
  readonly era: (at: number) => number;
  /** Whether the record is judged by what its session did. */
  readonly looksBack: (record: PlacementRecord) => boolean;
  /** Whether what the tenant had spent counts. */
  readonly spending: boolean;
}

function sightOf({ recorded, supposed, readings }: Supposition): Sight {
  const back = new Set(
    supposed.contracts.flatMap(contract =>
      contract.readings.flatMap(({ id, retrospective }) => (retrospective ? [`${contract.id}:${id}`] : [])),
    ),
  );
  const anyBack = (chosen: Readonly<Record<string, string>>): boolean =>
    Object.entries(chosen).some(([contract, reading]) => back.has(`${contract}:${reading}`));
  const always = anyBack(supposed.readings) || (readings === 'session' && anyBack(recorded.readings));
  const looksBack =
    back.size === 0 || always || readings === 'snapshot'
      ? () => always
      : ({ r }: PlacementRecord) => r !== undefined && anyBack(r);
  return { era: eraOf(supposed), looksBack, spending: supposed.contracts.some(({ readsSpend }) => readsSpend) };
}

function eraOf(snapshot: Snapshot): Sight['era'] {
  if (snapshot.contracts.some(contract => contract.readsTime)) return at => at;
  const seen = new Map<unknown, number>();
  return at => {
    const contracts = snapshot.inForce(at);
    const known = seen.get(contracts);
    if (known !== undefined) return known;
    seen.set(contracts, seen.size);
    return seen.size - 1;
  };
}

/** One text for all records that clauses cannot tell apart, and whose recorded side is the same. Every part says its length: none runs into another. */
function likeness({ record, use }: RecordedPlacement, { readings }: Supposition, sight: Sight): string {
  const { x, n, p, h, g, z, r, m, u, l, q, k, f, d, w, j, a, S } = record;
  const used = sight.looksBack(record) ? (use === null ? record.y : Object.values(use)) : undefined;
  const own = readings === 'session' && r !== undefined ? JSON.stringify(r) : undefined;
  const head = `${sight.era(record.t)}${z === undefined ? 'h' : 's'}${part(a)}${part(x)}${part(n)}${part(g)}${part(u)}${part(own)}`;
  const texts = parts(p) + parts(h) + parts(m) + parts(d) + parts(f) + parts(l) + parts(q) + parts(k) + parts(j);
  return (
    head +
    texts +
    (used === undefined ? '' : used.join(' ')) +
    (w === undefined ? '' : JSON.stringify(w)) +
    (sight.spending ? `$${S?.join(' ') ?? '?'}` : '')
  );
}

function part(text: string | undefined): string {
  return text === undefined ? '-' : `${text.length}:${text}`;
}

function parts(texts: readonly string[] | undefined): string {
  if (texts === undefined) return '-';
  let joined = `${texts.length}[`;
  for (const text of texts) joined += `${text.length}:${text}`;
  return joined;
}
