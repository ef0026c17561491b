/** What the clauses of a contract say of places. */
import { type CallValues, placeEntity, type RulePlace } from './facts.ts';
import { keeper } from './kept.ts';
import type { CompiledPolicy, Outcome } from './policy.ts';
import { type EntityValue, type Env, type EvaluationError, entityValue, type Memo, recordValue } from './value.ts';

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
  /** Whether it can tell one moment from another. */
  readonly readsTime: boolean;
}

const NOTHING: readonly never[] = [];
const SILENT: Judgement = { permits: NOTHING, forbids: NOTHING, errors: NOTHING };
const NOWHERE = entityValue('Region', '', null);

interface Building {
  permits: ClauseRef[];
  forbids: ClauseRef[];
  errors: ClauseError[];
}

function judgementOf(clauses: readonly CompiledClause[], outcomes: readonly Outcome[]): Judgement {
  const judgement: Building = { permits: [], forbids: [], errors: [] };
  for (let i = 0; i < clauses.length; i++) {
    const clause = clauses[i];
    const outcome = outcomes[i] ?? 'not';
    if (clause === undefined || outcome === 'not') continue;
    const { ref, policy } = clause;
    if (outcome !== 'applies') judgement.errors.push({ clause: ref, message: outcome.message });
    else (policy.effect === 'permit' ? judgement.permits : judgement.forbids).push(ref);
  }
  return judgement;
}

export function judgeOnce(clauses: readonly CompiledClause[], env: Env): Judgement {
  return judgementOf(
    clauses,
    clauses.map(clause => clause.policy.evaluate(env)),
  );
}

/** A place as a contract keeps it: its entity, and what its clauses have found out about it alone. */
export interface Seat {
  readonly region: EntityValue;
  readonly memo: Memo;
}

/** The seats of a list of places, and the judgements of it, by call. */
export interface Seats {
  readonly seats: readonly Seat[];
  readonly kept: (key: string, make: () => readonly Judgement[]) => readonly Judgement[];
}

/** Makes a place's seat once, and finds it again by the place, or by the list that the place came in. */
export function seatKeeper(): (places: readonly RulePlace[]) => Seats {
  const known = new WeakMap<RulePlace, Seat>();
  const lists = new WeakMap<readonly RulePlace[], Seats>();
  const seatOf = (place: RulePlace): Seat => {
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
      list = { seats: places.map(seatOf), kept: keeper() };
      lists.set(places, list);
    }
    return list;
  };
}

type MutableEnv = { -readonly [Key in keyof Env]: Env[Key] };

/** The hot loop: what the call alone decides is decided once, the rest per place. */
export function judgePlaces(
  clauses: readonly CompiledClause[],
  action: EntityValue,
  values: CallValues,
  callClass: string,
  seats: readonly Seat[],
): Judgement[] {
  const context = recordValue([
    ['call', values.call],
    ['class', callClass],
  ]);
  const { principal, entities } = values;
  const env: MutableEnv = { principal, action, resource: NOWHERE, context, entities, callMemo: [], placeMemo: null };
  const live: CompiledClause[] = [];
  const stages: ('maybe' | EvaluationError)[] = [];
  for (const clause of clauses) {
    const stage = clause.policy.onCall(env);
    if (stage === 'not') continue;
    live.push(clause);
    stages.push(stage);
  }
  let outcomes: Outcome[] = [];
  let judgement = SILENT;
  const judgements: Judgement[] = [];
  for (const { region, memo } of seats) {
    env.resource = region;
    env.placeMemo = memo;
    // The place is known to clauses that name it, as any entity of the request is; the one before it is not.
    if (region.data !== null) entities.set(region.key, region.data);
    // Neighbours that are judged alike share their judgement: most places of a call are.
    let same = judgements.length > 0;
    const now: Outcome[] = [];
    for (let k = 0; k < live.length; k++) {
      const outcome = live[k]?.policy.onPlace(env, stages[k] ?? 'maybe') ?? 'not';
      now.push(outcome);
      if (outcome !== outcomes[k]) same = false;
    }
    entities.delete(region.key);
    outcomes = now;
    if (!same) judgement = judgementOf(live, now);
    judgements.push(judgement);
  }
  return judgements;
}
