/** What the clauses of a contract say of places. */
import { type Asking, type Block, blocksOf, moveTo, type MovingEnv, indexOf, type Seat, seatOf } from './block.ts';
import { type CallValues, placeEntity, type RulePlace } from './facts.ts';
import { type Kept, keepers } from './kept.ts';
import type { CompiledPolicy, Outcome } from './policy.ts';
import type { Reads } from './reads.ts';
import { type EntityValue, type Env, EvaluationError, entityValue, recordValue, type Value } from './value.ts';

/** A clause, as decisions cite it. One object per clause: decisions share it. */
export interface ClauseRef {
  readonly kind: 'clause';
  readonly contract: string;
  readonly clause: string;
  readonly cite: string;
  /** What the sources leave open; null for a clear clause. */
  readonly ambiguous: string | null;
}

/** A clause or definition, as listings show it. */
export interface ClauseInfo extends ClauseRef {
  readonly effect: 'permit' | 'forbid';
  /** The reading that a definition belongs to; null for a clause. */
  readonly reading: string | null;
  readonly summary: string;
  readonly source: string;
  readonly confidence: 'A' | 'B' | 'C';
  readonly file: string;
  readonly line: number;
}

export interface ClauseError {
  readonly clause: ClauseRef;
  readonly message: string;
}

/** What one contract says about one place. Allowed only if something permits, nothing forbids and nothing failed. */
export interface Judgement {
  readonly permits: readonly ClauseRef[];
  readonly forbids: readonly ClauseRef[];
  readonly errors: readonly ClauseError[];
}

export interface CompiledClause {
  readonly ref: ClauseRef;
  readonly info: ClauseInfo;
  readonly policy: CompiledPolicy;
  readonly reads: Reads;
}

const NOTHING: readonly never[] = [];
const SILENT: Judgement = { permits: NOTHING, forbids: NOTHING, errors: NOTHING };
const NOWHERE = entityValue('Region', '', null);

interface Building {
  permits: ClauseRef[];
  forbids: ClauseRef[];
  errors: ClauseError[];
}

function add(judgement: Building, { ref, policy }: CompiledClause, outcome: Outcome): void {
  if (outcome === 'not') return;
  if (outcome !== 'applies') judgement.errors.push({ clause: ref, message: outcome.message });
  else (policy.effect === 'permit' ? judgement.permits : judgement.forbids).push(ref);
}

export function judgeOnce(clauses: readonly CompiledClause[], env: Env): Judgement {
  const judgement: Building = { permits: [], forbids: [], errors: [] };
  for (const clause of clauses) add(judgement, clause, clause.policy.evaluate(env));
  return judgement;
}

/** The seats of a list of places, and the judgements of it, by call. */
export interface Seats {
  readonly blocks: readonly Block[];
  readonly kept: (action: string, callClass: string) => Kept<readonly Judgement[]>;
}

/** Makes a place's seat once, and finds it again by the place, or by the list that the place came in. */
export function seatKeeper(): (places: readonly RulePlace[]) => Seats {
  const known = new WeakMap<RulePlace, Seat>();
  const lists = new WeakMap<readonly RulePlace[], Seats>();
  const seatFor = (place: RulePlace): Seat => {
    let seat = known.get(place);
    if (seat === undefined) {
      seat = { region: placeEntity(place), memo: [] };
      known.set(place, seat);
    }
    return seat;
  };
  return places => {
    let list = lists.get(places);
    if (list === undefined) {
      list = { blocks: blocksOf(places.map(seatFor)), kept: keepers() };
      lists.set(places, list);
    }
    return list;
  };
}

/** What a clause comes to at the places of a block: their bits, and why it failed. */
interface Finding {
  readonly clause: CompiledClause;
  readonly applies: number;
  readonly fails: number;
  /** One for all places, or one each by their bit. */
  readonly why: EvaluationError | ReadonlyMap<number, EvaluationError>;
}

const UNTOLD = new EvaluationError('the clause failed');
const NO_FAILURE: ReadonlyMap<number, EvaluationError> = new Map();

/** @param more what the action is told beside the call */
export function envOfCall(
  action: EntityValue,
  values: CallValues,
  callClass: string,
  more: readonly (readonly [string, Value])[],
): MovingEnv {
  const context = recordValue([['call', values.call], ['class', callClass], ...more]);
  const { principal, entities } = values;
  return { principal, action, resource: NOWHERE, context, entities, callMemo: [], placeMemo: null };
}

/** The hot loop: what the call alone decides is decided once, the rest for all places together. */
export function judgePlaces(clauses: readonly CompiledClause[], env: MovingEnv, blocks: readonly Block[]): Judgement[] {
  const live: CompiledClause[] = [];
  const stages: ('maybe' | EvaluationError)[] = [];
  for (const clause of clauses) {
    const stage = clause.policy.onCall(env);
    if (stage === 'not') continue;
    live.push(clause);
    stages.push(stage);
  }
  const judgements: Judgement[] = [];
  for (const block of blocks) {
    const asking: Asking = { env, block, asked: [], holds: [] };
    const findings: Finding[] = [];
    for (let i = 0; i < live.length; i++) {
      const clause = live[i];
      if (clause === undefined) continue;
      const finding = findingOf(clause, stages[i] ?? 'maybe', asking);
      if ((finding.applies | finding.fails) !== 0) findings.push(finding);
    }
    const from = judgements.length;
    for (const _ of block.seats) judgements.push(SILENT);
    for (const group of groups(findings, block.all)) {
      const judgement = judgementOf(findings, group);
      for (let open = group; open !== 0; open &= open - 1) judgements[from + indexOf(open)] = judgement;
    }
  }
  return judgements;
}

function findingOf(clause: CompiledClause, stage: 'maybe' | EvaluationError, asking: Asking): Finding {
  const { scope, onPlaces } = clause.policy;
  const inScope = scope(asking, asking.block.all);
  if (stage !== 'maybe') return { clause, applies: 0, fails: inScope, why: stage };
  if (inScope === 0) return { clause, applies: 0, fails: 0, why: NO_FAILURE };
  try {
    return { clause, applies: onPlaces(asking, inScope), fails: 0, why: NO_FAILURE };
  } catch (error) {
    if (error instanceof EvaluationError) return placeByPlace(clause, inScope, asking);
    throw error;
  }
}

/** Where a clause fails: at which places, and why at each. */
function placeByPlace(clause: CompiledClause, inScope: number, { env, block }: Asking): Finding {
  let applies = 0;
  let fails = 0;
  const why = new Map<number, EvaluationError>();
  for (let open = inScope; open !== 0; open &= open - 1) {
    const bit = open & -open;
    moveTo(env, seatOf(block, bit));
    const outcome = clause.policy.onPlace(env, 'maybe');
    if (outcome === 'applies') applies |= bit;
    if (outcome === 'applies' || outcome === 'not') continue;
    fails |= bit;
    why.set(bit, outcome);
  }
  return { clause, applies, fails, why };
}

/** Places of which the same is found. Those where a clause fails for a reason of the place's own stand alone. */
function groups(findings: readonly Finding[], all: number): number[] {
  let found = [all];
  for (const { applies, fails, why } of findings) {
    if (applies !== 0 && applies !== all) found = split(found, applies);
    if (fails !== 0 && fails !== all) found = split(found, fails);
    if (why instanceof EvaluationError) continue;
    for (const bit of why.keys()) found = split(found, bit);
  }
  return found;
}

function split(groups: readonly number[], by: number): number[] {
  const parts: number[] = [];
  for (const group of groups) {
    const inside = group & by;
    if (inside !== 0) parts.push(inside);
    if (inside !== group) parts.push(group & ~by);
  }
  return parts;
}

/** @param bits places that are judged alike */
function judgementOf(findings: readonly Finding[], bits: number): Judgement {
  const one = bits & -bits;
  const judgement: Building = { permits: [], forbids: [], errors: [] };
  for (const { clause, applies, fails, why } of findings) {
    if ((applies & one) !== 0) add(judgement, clause, 'applies');
    else if ((fails & one) !== 0)
      add(judgement, clause, why instanceof EvaluationError ? why : (why.get(one) ?? UNTOLD));
  }
  return judgement;
}
