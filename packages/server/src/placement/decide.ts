/**
 * The pipeline: facts -> classify -> filter -> score -> pick -> explain. Pure: the same snapshot, facts, health and options give the
 * same decision, down to the last row.
 *
 * P1. Every place that could have been has a row, and every excluded one all of its reasons (L5).
 * P2. A clause that fails excludes (L5).
 * P3. A place is chosen only if every contract that binds the call permits it and none forbids it, or nothing is enforced.
 */
import { bindingContracts, hear, hearSale, mapAlike, readingFor, type Said } from './bind.ts';
import { conflictOf } from './conflict.ts';
import type { Decision, DecisionCode, Exclusion, Flag, InForce, Row, Verdict, WouldBe } from './decision.ts';
import { exclusionKey } from './decision.ts';
import type {
  Action,
  CallFacts,
  Channel,
  DecideOptions,
  Health,
  Place,
  PlaceHealth,
  Product,
  Segment,
} from './facts.ts';
import type { CallClass, Clause, ContractRules, ToldCall } from './ports.ts';
import { outsideOf } from './outside.ts';
import { distanceOf, lacking, type Score, scoreOf } from './score.ts';
import { modelKey, type Snapshot } from './snapshot.ts';
import { waive, type Waiver, waiverSubject } from './waive.ts';

const NOTHING: readonly never[] = [];
const IDLE: PlaceHealth = { state: 'up', inFlight: 0, expectedLatencyMs: 0 };
const NO_OPTIONS: DecideOptions = {};

export function decide(
  snapshot: Snapshot,
  action: Action,
  facts: CallFacts,
  health: Health,
  options: DecideOptions = NO_OPTIONS,
): Decision {
  const candidates = candidatesFor(snapshot, action, facts, options);
  const told: ToldCall = { ...facts, recorded: snapshot.recorded };
  const heard = hearAll(snapshot, action, told, candidates);
  const judged = candidates.map((place, i) =>
    judgedRow(place, heard.combined[i] ?? heard.always, snapshot, facts, health[place.id] ?? IDLE, options),
  );
  const best = cheapest(judged);
  if (best !== null) best.verdict = 'chosen';
  const refused = best === null && judged.length > 0 && judged.every(row => row.verdict === 'excluded');
  const code = best === null ? codeOf(judged, heard.lapsed, refused) : null;
  return {
    action,
    at: facts.at,
    outcome: best !== null ? 'placed' : refused ? 'refused' : 'unavailable',
    code,
    chosen: best?.place ?? null,
    rows: withOtherModels(snapshot, action, judged, options),
    classes: heard.classes,
    inForce: heard.inForce,
    flagged: flagsOf(judged, snapshot),
    monitored: snapshot.enforce ? null : wouldBe(judged, heard),
    conflict: refused
      ? conflictOf(judged, () => freedByReading(snapshot, action, told, candidates, heard.bound))
      : null,
    retryAfterMs: code === 'no_target_available' ? soonest(judged, health) : null,
    version: snapshot.version,
  };
}

export interface SaleDecision {
  readonly outcome: 'allowed' | 'refused';
  readonly code: 'placement_refused' | 'no_contract_in_force' | null;
  readonly exclusions: readonly Exclusion[];
  readonly flagged: readonly Flag[];
  readonly permits: readonly Clause[];
  readonly inForce: readonly InForce[];
}

/** Whether the product may be sold over the channel: asked when a key is made and when a session starts. */
export function decideDistribution(
  snapshot: Snapshot,
  channel: Channel,
  product: Product,
  segment: Segment,
  at: number,
  tenant: string | null = null,
): SaleDecision {
  const { contracts, lapsed } = bindingContracts(snapshot, 'distribute', product.vendor, product, at);
  const heard = hearSale(contracts, snapshot, { channel, product, segment, at, recorded: snapshot.recorded });
  const said = waive(heard, waiversOf(snapshot), { tenant, product: product.id, at }, null);
  const exclusions = lapsed.length > 0 ? [lapsedExclusion(lapsed), ...said.exclusions] : said.exclusions;
  const refused = snapshot.enforce && exclusions.length > 0;
  const flagged = [...said.flagged, ...(snapshot.enforce ? [] : exclusions)];
  return {
    outcome: refused ? 'refused' : 'allowed',
    code: !refused ? null : lapsed.length > 0 ? 'no_contract_in_force' : 'placement_refused',
    exclusions: refused ? exclusions : NOTHING,
    flagged: [
      ...flagged.map(exclusion => ({ why: whyFlagged(exclusion, snapshot), exclusion, places: NOTHING })),
      ...(said.waived ?? NOTHING).map(one => ({ why: 'waived' as const, ...one, places: NOTHING })),
    ],
    permits: said.permits,
    inForce: contracts.map(contract => ({ contract: contract.id, version: contract.version, reading: null })),
  };
}

function candidatesFor(snapshot: Snapshot, action: Action, facts: CallFacts, options: DecideOptions): readonly Place[] {
  const { only } = options;
  const beyond = action === 'execute' || action === 'egress' ? outsideOf(snapshot, options) : null;
  if (beyond !== null) return beyond;
  const all =
    action === 'infer' ? (snapshot.byModel.get(modelKey(facts.vendor, facts.model)) ?? NOTHING) : snapshot.homes;
  return only === undefined ? all : theOnly(all, only);
}

const alone = new WeakMap<Place, readonly Place[]>();

/** Those of the places that are wanted. A single one comes in the same list every time: what clauses said is kept by the list. */
function theOnly(places: readonly Place[], wanted: readonly string[]): readonly Place[] {
  const some = places.filter(place => wanted.includes(place.id));
  const [place] = some;
  if (place === undefined || some.length > 1) return some;
  const known = alone.get(place) ?? some;
  alone.set(place, known);
  return known;
}

interface Heard {
  /** What all contracts together say of each candidate. */
  readonly combined: readonly Said[];
  readonly always: Said;
  readonly bound: readonly ContractRules[];
  readonly lapsed: readonly string[];
  readonly classes: Record<string, CallClass | null>;
  readonly inForce: InForce[];
}

function lapsedExclusion(contracts: readonly string[]): Exclusion {
  return { kind: 'no-contract-in-force', contracts };
}

function hearAll(snapshot: Snapshot, action: Action, facts: ToldCall, places: readonly Place[]): Heard {
  const { product, channel, segment } = facts.session;
  const { contracts, lapsed } = bindingContracts(snapshot, action, facts.vendor, product, facts.at);
  const { at, recorded } = facts;
  const waivers = waiversOf(snapshot);
  const subject = waiverSubject(facts.session, at);
  const sold = hearSale(contracts, snapshot, { channel, product, segment, at, recorded });
  const sale = waive(sold, waivers, subject, null);
  const always: Said = {
    exclusions: lapsed.length > 0 ? [lapsedExclusion(lapsed), ...sale.exclusions] : sale.exclusions,
    flagged: sale.flagged,
    permits: NOTHING,
    ...(sale.waived !== undefined && { waived: sale.waived }),
  };
  const classes: Record<string, CallClass | null> = {};
  const inForce: InForce[] = [];
  const said: (readonly Said[])[] = [];
  for (const contract of contracts) {
    const reading = readingFor(contract, snapshot, facts);
    const heard = hear(contract, snapshot, action, facts, reading, places);
    if (contract.readings.length > 0) classes[contract.id] = heard.class;
    inForce.push({ contract: contract.id, version: contract.version, reading });
    said.push(
      waivers.length === 0 ? heard.said : heard.said.map((one, i) => waive(one, waivers, subject, places[i] ?? null)),
    );
  }
  return { combined: combine(always, said, places.length), always, bound: contracts, lapsed, classes, inForce };
}

/** Joins what the contracts say, place by place. Neighbours of which the same is said share the answer. */
function combine(always: Said, said: readonly (readonly Said[])[], count: number): readonly Said[] {
  const [only] = said;
  if (only !== undefined && said.length === 1) return mapAlike(only, one => joined(always, one));
  const combined: Said[] = [];
  for (let i = 0; i < count; i++) {
    const before = combined[i - 1];
    if (before !== undefined && said.every(list => list[i] === list[i - 1])) {
      combined.push(before);
      continue;
    }
    let all = always;
    for (const list of said) {
      const one = list[i];
      if (one !== undefined) all = joined(all, one);
    }
    combined.push(all);
  }
  return combined;
}

function joined(a: Said, b: Said): Said {
  const both = {
    exclusions: join(a.exclusions, b.exclusions),
    flagged: join(a.flagged, b.flagged),
    permits: join(a.permits, b.permits),
  };
  if (a.waived === undefined && b.waived === undefined) return both;
  return { ...both, waived: join(a.waived ?? NOTHING, b.waived ?? NOTHING) };
}

function waiversOf({ waivers }: Snapshot): readonly Waiver[] {
  return waivers ?? NOTHING;
}

/** What enforcing would have come to: of the place that was chosen, or of all if none was. */
function wouldBe(rows: readonly Row[], { combined }: Heard): WouldBe {
  const against = (i: number): boolean => (combined[i]?.exclusions.length ?? 0) > 0;
  if (rows.length > 0 && rows.every((_, i) => against(i))) return 'refused';
  return rows.some((row, i) => row.verdict === 'chosen' && against(i)) ? 'moved' : 'nothing';
}

function join<T>(a: readonly T[], b: readonly T[]): readonly T[] {
  return a.length === 0 ? b : b.length === 0 ? a : [...a, ...b];
}

type OpenRow = { -readonly [Key in keyof Row]: Row[Key] };

function judgedRow(
  place: Place,
  said: Said,
  snapshot: Snapshot,
  facts: CallFacts,
  health: PlaceHealth,
  options: DecideOptions,
): OpenRow {
  const excluded = snapshot.enforce && said.exclusions.length > 0;
  const lacks = lacking(place, facts);
  const verdict = excluded ? 'excluded' : lacks !== null ? 'unable' : healthVerdict(place, health);
  const shadow = place.kind === 'target' ? options.shadow?.[place.id] : undefined;
  let score: Score | null = null;
  if (verdict === 'eligible') {
    const distance = distanceOf(place, snapshot, options);
    score = scoreOf(place, facts, health.expectedLatencyMs, distance, snapshot.weights, shadow);
  }
  return {
    place: place.id,
    cloud: place.cloud,
    region: place.region,
    verdict,
    exclusions: excluded ? said.exclusions : NOTHING,
    flagged: excluded || snapshot.enforce ? said.flagged : join(said.flagged, said.exclusions),
    waived: said.waived ?? NOTHING,
    permits: said.permits,
    lacks: verdict === 'unable' ? lacks : null,
    cost: score?.cost ?? null,
    latencyMs: score?.latencyMs ?? null,
    distance: score?.distance ?? null,
    score: score?.score ?? null,
    ...(score !== null && shadow !== undefined && shadow > 0 && { shadow }),
  };
}

export function healthVerdict(place: Place, health: PlaceHealth): Verdict {
  if (health.state !== 'up') return health.state;
  const most = place.kind === 'target' ? place.capacity.maxConcurrent : null;
  return most !== null && health.inFlight >= most ? 'full' : 'eligible';
}

/** The lowest score; among equals the id that sorts first, so that the choice does not hang on the order of the config. */
function cheapest(rows: readonly OpenRow[]): OpenRow | null {
  let best: OpenRow | null = null;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    if (row.score === null) continue;
    if (row.score > bestScore || (row.score === bestScore && best !== null && row.place > best.place)) continue;
    best = row;
    bestScore = row.score;
  }
  return best;
}

function codeOf(rows: readonly Row[], lapsed: readonly string[], refused: boolean): DecisionCode {
  if (rows.length === 0) return 'no_such_target';
  if (refused) return lapsed.length > 0 ? 'no_contract_in_force' : 'placement_refused';
  return rows.some(row => row.verdict === 'down' || row.verdict === 'full')
    ? 'no_target_available'
    : 'no_capable_target';
}

function soonest(rows: readonly Row[], health: Health): number | null {
  let least: number | null = null;
  for (const row of rows) {
    const wait = row.verdict === 'down' || row.verdict === 'full' ? health[row.place]?.retryAfterMs : undefined;
    if (wait !== undefined && (least === null || wait < least)) least = wait;
  }
  return least;
}

/** Rows of targets that serve another model never change: made once per snapshot. */
const wrongModelRows = new WeakMap<Place, Row>();

function wrongModelRow(place: Place): Row {
  let row = wrongModelRows.get(place);
  if (row === undefined) {
    const { id, cloud, region } = place;
    row = {
      place: id,
      cloud,
      region,
      verdict: 'wrong-model',
      exclusions: NOTHING,
      flagged: NOTHING,
      waived: NOTHING,
      permits: NOTHING,
      lacks: null,
      cost: null,
      latencyMs: null,
      distance: null,
      score: null,
    };
    wrongModelRows.set(place, row);
  }
  return row;
}

function withOtherModels(
  snapshot: Snapshot,
  action: Action,
  judged: readonly Row[],
  { only }: DecideOptions,
): readonly Row[] {
  if (action !== 'infer' || only !== undefined || judged.length === snapshot.targets.length) return judged;
  let next = 0;
  return snapshot.targets.map(target => {
    const row = judged[next];
    if (row?.place !== target.id) return wrongModelRow(target);
    next += 1;
    return row;
  });
}

function whyFlagged(exclusion: Exclusion, { onAmbiguity }: Snapshot): Flag['why'] {
  return exclusion.kind === 'clause' && exclusion.ambiguous !== null && onAmbiguity === 'flag'
    ? 'ambiguous'
    : 'monitor';
}

function flagsOf(rows: readonly Row[], snapshot: Snapshot): readonly Flag[] {
  if (rows.every(row => row.flagged.length === 0 && row.waived.length === 0)) return NOTHING;
  const flags = new Map<string, Flag & { places: string[] }>();
  for (const row of rows) {
    for (const exclusion of row.flagged) {
      const key = exclusionKey(exclusion);
      const flag = flags.get(key);
      if (flag === undefined) flags.set(key, { why: whyFlagged(exclusion, snapshot), exclusion, places: [row.place] });
      else flag.places.push(row.place);
    }
    for (const { exclusion, waiver } of row.waived) {
      const key = `${exclusionKey(exclusion)}\n${waiver}`;
      const flag = flags.get(key);
      if (flag === undefined) flags.set(key, { why: 'waived', exclusion, places: [row.place], waiver });
      else flag.places.push(row.place);
    }
  }
  return [...flags.values()];
}

/** Other readings of the binding contracts, not retrospective, under which some place would be left. */
function freedByReading(
  snapshot: Snapshot,
  action: Action,
  facts: ToldCall,
  places: readonly Place[],
  bound: readonly ContractRules[],
): { contract: string; reading: string; frees: string[] }[] {
  return bound.flatMap(contract => {
    const current = readingFor(contract, snapshot, facts);
    const others = contract.readings.filter(({ id, retrospective }) => !retrospective && id !== current);
    return others.flatMap(({ id }) => {
      const reading = { ...facts.session.reading, [contract.id]: id };
      const supposed = hearAll(snapshot, action, { ...facts, session: { ...facts.session, reading } }, places);
      const frees = places.filter((_, i) => supposed.combined[i]?.exclusions.length === 0).map(place => place.id);
      return frees.length > 0 ? [{ contract: contract.id, reading: id, frees }] : [];
    });
  });
}
