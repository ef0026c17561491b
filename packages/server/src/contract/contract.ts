/** A loaded contract: its terms as data, its clauses as functions. */
import {
  callSignature,
  callValues,
  channelEntity,
  definitionContext,
  productEntity,
  type RuleFacts,
  type RulePlace,
  type RuleSale,
  saleContext,
  signatureOfSale,
  signatureOfUse,
} from './facts.ts';
import { keeper } from './kept.ts';
import {
  type ClauseError,
  type ClauseInfo,
  type ClauseRef,
  type CompiledClause,
  envOfCall,
  type Judgement,
  judgeOnce,
  judgePlaces,
  seatKeeper,
} from './judge.ts';
import type { Manifest } from './manifest.ts';
import { PLACE_ACTIONS, type PlaceAction } from './schema.ts';
import { type EntityData, type EntityValue, entityValue } from './value.ts';

export type CallClass = 'stateless' | 'stateful';

export interface Classification {
  /** Null if a definition could not be evaluated: deny. */
  readonly class: CallClass | null;
  /** The definitions that made it stateless. */
  readonly by: readonly ClauseRef[];
  readonly errors: readonly ClauseError[];
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
  /** One judgement per place, in order. Places and facts must not be changed afterwards: what was found out about them is kept. */
  readonly judge: (
    action: PlaceAction,
    facts: RuleFacts,
    callClass: CallClass,
    places: readonly RulePlace[],
  ) => readonly Judgement[];
  readonly judgeSale: (sale: RuleSale) => Judgement;
}

const NOTHING: readonly never[] = [];
const STATEFUL: Classification = { class: 'stateful', by: NOTHING, errors: NOTHING };

function actionEntity(id: string): EntityValue {
  return entityValue('Action', id, null);
}

const ACTIONS = { stateless: actionEntity('stateless'), distribute: actionEntity('distribute') };
const PLACE_ACTION_ENTITIES = Object.fromEntries(PLACE_ACTIONS.map(id => [id, actionEntity(id)])) as Readonly<
  Record<PlaceAction, EntityValue>
>;

/** Policies of one action, ready to run. */
function forAction(clauses: readonly CompiledClause[], actionKey: string): readonly CompiledClause[] {
  return clauses.filter(clause => clause.policy.matchesAction(actionKey));
}

/** Remembers the last result: a decision asks for the class and for the places with the same facts. */
function latest<Key extends object, Result>(make: (key: Key) => Result): (key: Key) => Result {
  let last: { key: Key; result: Result } | null = null;
  return key => {
    if (last?.key !== key) last = { key, result: make(key) };
    return last.result;
  };
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
    PLACE_ACTIONS.map(action => [action, forAction(clauses, PLACE_ACTION_ENTITIES[action].key)]),
  ) as Readonly<Record<PlaceAction, readonly CompiledClause[]>>;
  const sales = forAction(clauses, ACTIONS.distribute.key);
  const seats = seatKeeper();
  const timed = [clauses, ...readings.values()].some(list => list.some(clause => clause.readsTime));
  const signatureOf = latest((facts: RuleFacts) => callSignature(facts, timed));
  const keptClasses = keeper<Classification>();
  const keptSales = keeper<Judgement>();

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
      if (reading === null || definitions === undefined) return STATEFUL;
      const key = `${reading}/${signatureOf(facts)}/${signatureOfUse(facts.session.use)}`;
      return keptClasses(key, () => classOf(definitions, facts));
    },

    judge(action, facts, callClass, places) {
      const list = seats(places);
      return list.kept(`${action}/${callClass}/${signatureOf(facts)}`, () =>
        judgePlaces(
          byAction[action],
          envOfCall(PLACE_ACTION_ENTITIES[action], callValues(facts), callClass),
          list.blocks,
        ),
      );
    },

    judgeSale(sale) {
      return keptSales(signatureOfSale(sale, timed), () => judgementOfSale(sales, sale));
    },
  };
}

function classOf(definitions: readonly CompiledClause[], facts: RuleFacts): Classification {
  const values = callValues(facts);
  const judgement = judgeOnce(definitions, {
    principal: values.principal,
    action: ACTIONS.stateless,
    resource: values.product,
    context: definitionContext(values, facts.session.use),
    entities: values.entities,
    callMemo: null,
    placeMemo: null,
  });
  if (judgement.errors.length > 0) return { class: null, by: NOTHING, errors: judgement.errors };
  if (judgement.forbids.length > 0 || judgement.permits.length === 0) return STATEFUL;
  return { class: 'stateless', by: judgement.permits, errors: NOTHING };
}

function judgementOfSale(clauses: readonly CompiledClause[], sale: RuleSale): Judgement {
  const channel = channelEntity(sale.channel);
  const product = productEntity(sale.product);
  const entities = new Map<string, EntityData>();
  for (const known of [channel, product]) if (known.data !== null) entities.set(known.key, known.data);
  return judgeOnce(clauses, {
    principal: channel,
    action: ACTIONS.distribute,
    resource: product,
    context: saleContext(sale),
    entities,
    callMemo: null,
    placeMemo: null,
  });
}
