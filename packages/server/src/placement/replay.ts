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
import type { Place, PlaceHealth, Use } from './facts.ts';
import { fromRecord, healthFrom, type PlacementRecord } from './record.ts';
import { emptyRecordText, healthOf, takeApart } from './record-text.ts';
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
  /** Places that the clauses leave. */
  readonly legal: readonly Candidate[];
  /** If they leave none: why. */
  readonly refused: boolean;
  /** What is against each place that could have been. */
  readonly rows: readonly Row[];
  readonly refusing: readonly string[];
  readonly isCall: boolean;
  readonly requires: readonly string[] | undefined;
  /** By what was recorded, and the place that is chosen. */
  readonly cells: Map<string, Map<Place | null, Cell>>;
}

/** Records that tell clauses the same, but for time, use and spend. */
interface Kind {
  readonly looksBack: boolean;
  readonly groups: Map<string | number, Group>;
}

const IDLE: PlaceHealth = { state: 'up', inFlight: 0, expectedLatencyMs: 0 };
const NO_CLAUSES: readonly string[] = [];

export interface Replay {
  add(placement: RecordedPlacementText, supposition: Supposition): void;
}

export function makeReplay(tally: Tally): Replay {
  const known = new Map<Supposition, { readonly sight: Sight; readonly kinds: Map<string, Kind> }>();
  const parts = emptyRecordText();
  let kept = 0;

  function keep(): void {
    kept += 1;
    if (kept <= MAX_KEPT) return;
    for (const { kinds } of known.values()) kinds.clear();
    kept = 0;
  }

  function groupOf(placement: RecordedPlacementText, supposition: Supposition): Group {
    let own = known.get(supposition);
    if (own === undefined) known.set(supposition, (own = { sight: sightOf(supposition), kinds: new Map() }));
    const { sight, kinds } = own;
    let kind = kinds.get(parts.kind);
    if (kind === undefined) {
      keep();
      kind = { looksBack: sight.looksBack(parsed(placement)), groups: new Map() };
      kinds.set(parts.kind, kind);
    }
    const era = sight.era(parts.at);
    const key =
      kind.looksBack || sight.spending
        ? `${era}${kind.looksBack ? ` ${useKey(placement)}` : ''}${sight.spending ? ` $${parts.spend}` : ''}`
        : era;
    let group = kind.groups.get(key);
    if (group === undefined) {
      keep();
      const whole = { ...placement, record: parsed(placement) };
      group = newGroup(whole, supposition, decided(whole, supposition, 'unsized'));
      kind.groups.set(key, group);
    }
    return group;
  }

  function useKey({ use }: RecordedPlacementText): string {
    return use === null ? parts.use : `=${Object.values(use).join(' ')}`;
  }

  function cellOf(group: Group, placement: RecordedPlacementText, chosen: Place | null): Cell {
    let cells = group.cells.get(parts.marks);
    if (cells === undefined) group.cells.set(parts.marks, (cells = new Map()));
    let cell = cells.get(chosen);
    if (cell === undefined) {
      keep();
      cells.set(chosen, (cell = newCell(tally, group, parsed(placement), chosen)));
    }
    return cell;
  }

  return {
    add(placement, supposition) {
      const { text, start, end } = placement;
      if (!takeApart(parts, text, start, end)) {
        replaySlowly(tally, { ...placement, record: parsed(placement) }, supposition);
        return;
      }
      const group = groupOf(placement, supposition);
      const { input, output, health } = parts;
      const chosen =
        group.legal.length === 0
          ? null
          : cheapestOf(group, input, output, health === '' ? nothingKnown : ({ key }) => healthOf(health, key));
      count(tally, group, cellOf(group, placement, chosen), placement, { chosen, input, output });
    },
  };
}

const nothingKnown = (): undefined => undefined;

function parsed({ text, start, end }: RecordedPlacementText): PlacementRecord {
  return JSON.parse(text.slice(start, end)) as PlacementRecord;
}

/** Decides every placement in full. For tests, and for whoever wants to check the other. */
export function replaySlowly(tally: Tally, placement: RecordedPlacement, supposition: Supposition): void {
  const decision = decided(placement, supposition);
  const chosen = supposition.supposed.byId.get(decision.chosen ?? '') ?? null;
  const group = newGroup(placement, supposition, decision);
  const { i: input, o: output } = placement.record;
  count(tally, group, newCell(tally, group, placement.record, chosen), placement, { chosen, input, output });
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
    return [{ place, distance: distanceOf(place, supposed, options), key: `${JSON.stringify(place.id)}:[` }];
  });
  return {
    supposition,
    legal,
    refused: decision.outcome === 'refused',
    rows,
    refusing: names(rows.flatMap(row => row.exclusions)),
    isCall: record.a === undefined,
    requires: record.k,
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

function cheapestOf(
  { legal, supposition, requires }: Group,
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
    const { score } = scoreOf(place, size, health.expectedLatencyMs, distance, weights);
    if (score > bestScore || (score === bestScore && best !== null && place.id > best.id)) continue;
    best = place;
    bestScore = score;
  }
  return best;
}

function count(
  tally: Tally,
  { isCall, supposition }: Group,
  cell: Cell,
  placement: Pick<RecordedPlacement, 'id' | 'at' | 'usage'>,
  { chosen, input, output }: { readonly chosen: Place | null; readonly input: number; readonly output: number },
): void {
  const { cost } = supposition;
  const { at } = placement;
  const was = cell.was.place;
  const usage = isCall ? placement.usage : null;
  let [wasCost, wouldCost, atMost] = NO_COSTS;
  if (usage !== null) {
    if (was !== null) wasCost = cost(was, usage, at);
    if (chosen !== null) wouldCost = chosen.id === was ? wasCost : cost(chosen.id, usage, at);
  } else if (isCall && chosen !== null) {
    atMost = cost(chosen.id, { input, cached: 0, output }, at);
  }
  addTo(tally, cell, placement, { usage, wasCost, wouldCost, atMost });
}

const NO_COSTS = [0n, 0n, 0n] as const;

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

function eraOf({ contracts, recorded, waivers = [] }: Snapshot): Sight['era'] {
  const moments = new Set<number>();
  for (const { effective, changesAt } of contracts) {
    const changes = changesAt(recorded);
    if (changes === null) return at => at;
    for (const moment of [effective.from, effective.to, ...changes]) if (moment !== null) moments.add(moment);
  }
  for (const { from, until } of waivers) moments.add(from).add(until);
  const sorted = [...moments].toSorted((a, b) => a - b);
  return at => {
    let passed = 0;
    for (const moment of sorted) {
      if (moment > at) break;
      passed += 1;
    }
    return passed;
  };
}
