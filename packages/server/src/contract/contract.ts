/** A loaded contract: its terms as data, its clauses as functions. */
import type { CompiledPolicy, Outcome } from './policy.ts';
import {
  type CallValues,
  callValues,
  channelEntity,
  definitionContext,
  placeEntity,
  productEntity,
  type RuleFacts,
  type RulePlace,
  type RuleSale,
  saleContext,
} from './facts.ts';
import type { Manifest } from './manifest.ts';
import { PLACE_ACTIONS, type PlaceAction } from './schema.ts';
import {
  type EntityData,
  type EntityValue,
  type Env,
  EvaluationError,
  entityKey,
  entityValue,
  recordValue,
} from './value.ts';

/** A clause, as decisions cite it. One object per clause: decisions share it. */
export interface ClauseRef {
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

export type CallClass = 'stateless' | 'stateful';

export interface Classification {
  /** Null if a definition could not be evaluated: deny. */
  readonly class: CallClass | null;
  /** The definitions that made it stateless. */
  readonly by: readonly ClauseRef[];
  readonly errors: readonly ClauseError[];
}

export interface CompiledClause {
  readonly info: ClauseInfo;
  readonly policy: CompiledPolicy;
}

export interface Contract {
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly kind: 'agreement' | 'house-rules';
  /** Milliseconds since 1970; `to` is exclusive; null is unbounded. */
  readonly effective: { readonly from: number | null; readonly to: number | null };
  readonly supersedes: readonly string[];
  /** Null: everything. */
  readonly scope: { readonly vendors: readonly string[]; readonly products: readonly string[] } | null;
  readonly readings: readonly { readonly id: string; readonly title: string; readonly retrospective: boolean }[];
  readonly defaultReading: string | null;
  readonly clauses: readonly ClauseInfo[];
  /** Everything that `contract.yaml` says: parties, sources, money terms. */
  readonly manifest: Manifest;
  /** The class of a call under a reading. A contract without readings calls everything stateful. */
  readonly classify: (facts: RuleFacts, reading: string | null) => Classification;
  /** One judgement per place, in order. The places must not be changed afterwards: their values are kept with them. */
  readonly judge: (
    action: PlaceAction,
    facts: RuleFacts,
    callClass: CallClass,
    places: readonly RulePlace[],
  ) => Judgement[];
  readonly judgeSale: (sale: RuleSale) => Judgement;
}

const NOTHING: readonly never[] = [];
const STATEFUL: Classification = { class: 'stateful', by: NOTHING, errors: NOTHING };
const SILENT: Judgement = { permits: NOTHING, forbids: NOTHING, errors: NOTHING };
const NOWHERE = entityValue('Region', '', null);

function actionEntity(id: string): EntityValue {
  return entityValue('Action', id, null);
}

const ACTIONS = { stateless: actionEntity('stateless'), distribute: actionEntity('distribute') };
const PLACE_ACTION_ENTITIES = Object.fromEntries(PLACE_ACTIONS.map(id => [id, actionEntity(id)])) as Readonly<
  Record<PlaceAction, EntityValue>
>;

interface MutableEnv extends Env {
  resource: EntityValue;
}

interface Building {
  permits: ClauseRef[];
  forbids: ClauseRef[];
  errors: ClauseError[];
}

/** Policies of one action, ready to run. */
function forAction(clauses: readonly CompiledClause[], action: EntityValue): readonly CompiledClause[] {
  return clauses.filter(clause => clause.policy.matchesAction(action.key));
}

function add(to: Building, clause: CompiledClause, outcome: 'applies' | EvaluationError): void {
  const { info, policy } = clause;
  if (outcome !== 'applies') to.errors.push({ clause: info, message: outcome.message });
  else (policy.effect === 'permit' ? to.permits : to.forbids).push(info);
}

function judgeOnce(clauses: readonly CompiledClause[], env: Env): Judgement {
  return judgementOf(
    clauses,
    clauses.map(clause => clause.policy.evaluate(env)),
  );
}

export interface ContractParts {
  readonly manifest: Manifest;
  readonly effective: Contract['effective'];
  readonly clauses: readonly CompiledClause[];
  /** Definitions by reading. */
  readonly readings: ReadonlyMap<string, readonly CompiledClause[]>;
}

export function makeContract({ manifest, effective, clauses, readings }: ContractParts): Contract {
  const byAction = Object.fromEntries(
    PLACE_ACTIONS.map(action => [action, forAction(clauses, PLACE_ACTION_ENTITIES[action])]),
  ) as Readonly<Record<PlaceAction, readonly CompiledClause[]>>;
  const sales = forAction(clauses, ACTIONS.distribute);
  const regions = new WeakMap<RulePlace, EntityValue>();
  const regionOf = (place: RulePlace): EntityValue => {
    let region = regions.get(place);
    if (region === undefined) {
      region = placeEntity(place);
      regions.set(place, region);
    }
    return region;
  };

  return {
    id: manifest.id,
    version: manifest.version,
    title: manifest.title,
    kind: manifest.kind,
    effective,
    supersedes: manifest.supersedes,
    scope: manifest.scope,
    readings: manifest.readings,
    defaultReading: manifest.default_reading,
    clauses: [...clauses, ...[...readings.values()].flat()].map(clause => clause.info),
    manifest,

    classify(facts, reading) {
      const definitions = reading === null ? undefined : readings.get(reading);
      if (definitions === undefined) return STATEFUL;
      const values = callValues(facts);
      const judgement = judgeOnce(definitions, {
        principal: values.principal,
        action: ACTIONS.stateless,
        resource: values.product,
        context: definitionContext(values, facts.session.use),
        entities: values.entities,
      });
      if (judgement.errors.length > 0) return { class: null, by: NOTHING, errors: judgement.errors };
      if (judgement.forbids.length > 0 || judgement.permits.length === 0) return STATEFUL;
      return { class: 'stateless', by: judgement.permits, errors: NOTHING };
    },

    judge(action, facts, callClass, places) {
      return judgePlaces(
        byAction[action],
        PLACE_ACTION_ENTITIES[action],
        callValues(facts),
        callClass,
        places.map(regionOf),
      );
    },

    judgeSale(sale) {
      const channel = channelEntity(sale.channel);
      const product = productEntity(sale.product);
      const entities = new Map<string, EntityData>();
      for (const known of [channel, product]) if (known.data !== null) entities.set(known.key, known.data);
      return judgeOnce(sales, {
        principal: channel,
        action: ACTIONS.distribute,
        resource: product,
        context: saleContext(sale),
        entities,
      });
    },
  };
}

/** The hot loop: what the call alone decides is decided once, the rest per place. */
function judgePlaces(
  clauses: readonly CompiledClause[],
  action: EntityValue,
  values: CallValues,
  callClass: CallClass,
  regions: readonly EntityValue[],
): Judgement[] {
  const context = recordValue([
    ['call', values.call],
    ['class', callClass],
  ]);
  const { principal, entities } = values;
  const env: MutableEnv = { principal, action, resource: NOWHERE, context, entities };
  const live: CompiledClause[] = [];
  const stages: ('maybe' | EvaluationError)[] = [];
  for (const clause of clauses) {
    const stage = clause.policy.onCall(env);
    if (stage === 'not') continue;
    live.push(clause);
    stages.push(stage);
  }
  let previous = '';
  let outcomes: Outcome[] = [];
  let judgement = SILENT;
  return regions.map((region, i) => {
    env.resource = region;
    // The place is known to clauses that name it, as any entity of the request is; the place before it is not.
    if (region.key !== previous) entities.delete(previous);
    previous = region.key;
    if (region.data !== null) entities.set(region.key, region.data);
    // Neighbours that are judged alike share their judgement: most places of a call are.
    let same = i > 0;
    const now: Outcome[] = [];
    for (let k = 0; k < live.length; k++) {
      const outcome = live[k]?.policy.onPlace(env, stages[k] ?? 'maybe') ?? 'not';
      now.push(outcome);
      if (outcome !== outcomes[k]) same = false;
    }
    outcomes = now;
    if (same) return judgement;
    judgement = judgementOf(live, now);
    return judgement;
  });
}

function judgementOf(clauses: readonly CompiledClause[], outcomes: readonly Outcome[]): Judgement {
  const judgement: Building = { permits: [], forbids: [], errors: [] };
  for (const [i, clause] of clauses.entries()) {
    const outcome = outcomes[i];
    if (outcome !== undefined && outcome !== 'not') add(judgement, clause, outcome);
  }
  return judgement;
}

/** The entity key of a `Type::"id"` as written in a link, or null. */
export function parseUid(text: string): { type: string; id: string; key: string } | null {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)::"([^"\\]*)"$/.exec(text);
  const type = match?.[1];
  const id = match?.[2];
  return type === undefined || id === undefined ? null : { type, id, key: entityKey(type, id) };
}
