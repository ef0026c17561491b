/** A loaded contract: its terms as data, its clauses as functions. */
import {
  callSignature,
  callValues,
  channelEntity,
  contextOf,
  definitionContext,
  productEntity,
  type RuleFacts,
  type RulePlace,
  type RuleSale,
  saleContext,
  signatureOfSale,
  signatureOfUse,
} from './facts.ts';
import { keeper, latest } from './kept.ts';
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
import { readsOfAll } from './reads.ts';
import { momentsRecorded, type Recorded } from './recorded.ts';
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
  /** Moments (ms since 1970) from which on a clause or definition may say another thing. Null: any may be told from any other. */
  readonly changesAt: (recorded: Recorded) => readonly number[] | null;
  /** Actions that a `forbid` of it reaches. */
  readonly restricts: ReadonlySet<PlaceAction>;
  /** Whether a clause asks what the tenant has spent. */
  readonly readsSpend: boolean;
  /** Whether a clause on places asks what the session has done so far. */
  readonly readsUse: boolean;
  /** Whether a clause or definition asks for the key in whose name it is asked, or for its scopes. */
  readonly readsKey: boolean;
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

/** What all contracts are told of a call. */
const valuesOf = latest(callValues);

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
  const asksUse = Object.fromEntries(
    PLACE_ACTIONS.map(action => [action, byAction[action].some(clause => clause.reads.use)]),
  ) as Readonly<Record<PlaceAction, boolean>>;
  const sales = forAction(clauses, ACTIONS.distribute.key);
  const seats = seatKeeper();
  const reads = readsOfAll([clauses, ...readings.values()].flat().map(clause => clause.reads));
  const signatureOf = latest((facts: RuleFacts) => callSignature(facts, reads));
  const saleReads = readsOfAll(sales.map(clause => clause.reads));
  const definitions = new Map(
    [...readings].map(([id, list]) => [
      id,
      { list, usesCount: list.some(clause => clause.reads.use), kept: keeper<Classification>() },
    ]),
  );
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
    changesAt(recorded) {
      if (reads.time) return null;
      const happened = reads.events || reads.firstRefusal ? momentsRecorded(recorded) : NOTHING;
      // `<=` and `==` hold at the moment itself and not just after it.
      return [...reads.moments.flatMap(moment => [moment, moment + 1]), ...happened];
    },
    restricts: new Set(
      PLACE_ACTIONS.filter(action => byAction[action].some(({ policy }) => policy.effect === 'forbid')),
    ),
    readsSpend: reads.spend,
    readsUse: PLACE_ACTIONS.some(action => asksUse[action]),
    readsKey: reads.key,
    manifest,

    classify(facts, reading) {
      const defined = reading === null ? undefined : definitions.get(reading);
      if (defined === undefined) return STATEFUL;
      const signature = signatureOf(facts);
      const key = defined.usesCount ? `${signature}/${signatureOfUse(facts.session.use)}` : signature;
      return defined.kept(key, () => classOf(defined.list, facts));
    },

    judge(action, facts, callClass, places) {
      const list = seats(places);
      const kept = list.kept(action, callClass);
      const signature = signatureOf(facts);
      // What the session has done differs from call to call: it counts only where a clause on this action asks for it.
      const key = asksUse[action] ? `${signature}/${signatureOfUse(facts.soFar)}` : signature;
      return kept(key, () =>
        judgePlaces(
          byAction[action],
          envOfCall(PLACE_ACTION_ENTITIES[action], valuesOf(facts), callClass, contextOf(action, facts)),
          list.blocks,
        ),
      );
    },

    judgeSale(sale) {
      return keptSales(signatureOfSale(sale, saleReads), () => judgementOfSale(sales, sale));
    },
  };
}

function classOf(definitions: readonly CompiledClause[], facts: RuleFacts): Classification {
  const values = valuesOf(facts);
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
