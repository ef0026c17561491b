/** `Placing`: the pure decision of `placement/`, with the snapshot, the health and the time that it is to see. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { HomeId } from '../kernel/ids.ts';
import type { JsonObject, SessionOrigin } from '../log/events.ts';
import { bindingContracts } from '../placement/bind.ts';
import { decide } from '../placement/decide.ts';
import type { Decision } from '../placement/decision.ts';
import { explainTable, refusalMessage, remediesOf } from '../placement/explain.ts';
import type {
  Action,
  CallFacts,
  Channel,
  DecideOptions,
  Health,
  PlaceHealth,
  PrincipalFacts,
  Product,
  Segment,
  ShadowPrices,
  Spend,
} from '../placement/facts.ts';
import { toRecord } from '../placement/record.ts';
import { modelKey, type Snapshot } from '../placement/snapshot.ts';
import type { InferRequest, ModelCapacity, NotPlaced, Placing, PlacingSubject, ReachableTarget } from './placing.ts';
import { OPEN_NETWORK } from '../placement/outside.ts';
import type { Clock } from './ports.ts';
import { TargetHealth } from './target-health.ts';

/** Output tokens that a call is reserved for when neither the request nor the target bounds them. */
export const DEFAULT_OUTPUT_BOUND = 16_384;
/** Bytes of JSON that one token is taken to be, for estimates before the call. */
const BYTES_A_TOKEN = 4;

const PLAIN: DecideOptions = {};

export interface DeskTarget extends ReachableTarget {
  readonly model: string;
  readonly vendor: string;
  readonly capacity: number | null;
  /** Tokens of input and output; null or absent: not known. */
  readonly contextTokens?: number | null;
}

export interface DeskOptions {
  /** What is in force at a time, ms since 1970, by the real time. A decision asks once. */
  readonly snapshot: (now: number) => Snapshot;
  readonly targets: readonly DeskTarget[];
  /** What a key sells; null if it is not configured (any more). */
  readonly sale: (product: string, channel: string) => { readonly product: Product; readonly channel: Channel } | null;
  /** The time that contracts see, if it is set, ms since 1970. */
  readonly asOf: number | null;
  /** What a tenant has spent; undefined if it is not known, or no contract asks. Absent: not known. */
  readonly spend?: (tenant: string) => Spend | undefined;
  /** The scopes of a key now; undefined if it is none (any more). Absent: not known. */
  readonly scopes?: (key: string) => readonly string[] | undefined;
  /** What spending at targets saves elsewhere; undefined if nothing was computed. Absent: nothing. */
  readonly shadow?: () => ShadowPrices | undefined;
  readonly clock: Clock;
}

/** Decisions of this process that were not as enforcing would have had them. */
export interface Unenforced {
  readonly refused: number;
  readonly moved: number;
  readonly waived: number;
}

export interface PlacementDesk extends Placing {
  unenforced(): Unenforced;
  health(): { readonly [target: string]: PlaceHealth & { readonly failures: number } };
}

export function makeDesk(options: DeskOptions): PlacementDesk {
  const { asOf, clock } = options;
  const inForce = (): Snapshot => options.snapshot(clock.now());
  const counts = { refused: 0, moved: 0, waived: 0 };
  const targets = new Map(options.targets.map(target => [target.id, target]));
  const health = new Map(options.targets.map(target => [target.id, new TargetHealth(clock, target.capacity)]));
  const vendors = new Map(options.targets.map(target => [target.model, target.vendor]));
  const capacities = capacitiesOf(options.targets);
  const now = (): number => asOf ?? clock.now();

  /** Of the targets that the call could go to: no decision asks for others. */
  function healthNow(snapshot: Snapshot, { vendor, model }: CallFacts, avoid: readonly string[]): Health {
    const all: Record<string, PlaceHealth> = {};
    for (const { id } of snapshot.byModel.get(modelKey(vendor, model)) ?? []) {
      const seen = health.get(id)?.now();
      if (seen !== undefined) all[id] = avoid.includes(id) ? { ...seen, state: 'down' } : seen;
    }
    return all;
  }

  function factsOf(
    snapshot: Snapshot,
    subject: PlacingSubject & { readonly model: string },
    more: Partial<CallFacts>,
  ): CallFacts | null {
    const { origin, labels, session, startedAt, tenant, use, agent, key } = subject;
    const sale = options.sale(origin.product, origin.channel);
    if (sale === null) return null;
    const at = now();
    const spend = options.spend?.(tenant);
    return {
      session: {
        tenant,
        product: sale.product,
        channel: sale.channel,
        segment: origin.segment as Segment,
        stateHeld: origin.stateHeld,
        startedAt: asOf ?? startedAt,
        reading: origin.readings,
        use,
      },
      sessionId: session,
      vendor: vendors.get(subject.model) ?? sale.product.vendor,
      model: subject.model,
      purpose: 'turn',
      sessionLabels: labels,
      requestLabels: [],
      at,
      inputTokens: 0,
      outputBound: 0,
      soFar: use,
      ...(spend !== undefined && { spend }),
      ...(agent !== undefined && { agent }),
      ...(key !== undefined && { principal: principalOf(snapshot, key) }),
      ...more,
    };
  }

  /** Scopes are looked up only where a contract asks. */
  function principalOf({ contracts }: Snapshot, key: string): PrincipalFacts {
    const scopes = contracts.some(({ readsKey }) => readsKey) ? options.scopes?.(key) : undefined;
    return scopes === undefined ? { key } : { key, scopes };
  }

  function run(
    snapshot: Snapshot,
    action: Action,
    facts: CallFacts,
    seen: Health,
    how: DecideOptions,
  ): { decision: Decision; record: JsonObject } {
    const decision = decide(snapshot, action, facts, seen, how);
    count(decision);
    return { decision, record: toRecord(decision, snapshot, facts, seen, how) as unknown as JsonObject };
  }

  function count({ monitored, flagged }: Decision): void {
    if (monitored === 'refused') counts.refused += 1;
    if (monitored === 'moved') counts.moved += 1;
    if (flagged.some(({ why }) => why === 'waived')) counts.waived += 1;
  }

  function weighed(): DecideOptions {
    const shadow = options.shadow?.();
    return shadow === undefined ? PLAIN : { shadow };
  }

  function placeState(subject: PlacingSubject & { readonly model: string }, how: DecideOptions) {
    const snapshot = inForce();
    const facts = factsOf(snapshot, subject, {});
    if (facts === null) return unsold(subject.origin);
    const { decision, record } = run(snapshot, 'place_state', facts, {}, how);
    return decision.chosen === null
      ? notPlaced(decision, record, snapshot)
      : { ok: true as const, home: decision.chosen as HomeId, record };
  }

  return {
    unenforced: () => ({ ...counts }),
    infer(request: InferRequest) {
      const inputTokens = Math.ceil(request.inputBytes / BYTES_A_TOKEN);
      const outputBound = request.outputBound ?? DEFAULT_OUTPUT_BOUND;
      const snapshot = inForce();
      const facts = factsOf(snapshot, request, {
        purpose: request.purpose,
        requestLabels: request.requestLabels,
        inputTokens,
        outputBound,
      });
      if (facts === null) return unsold(request.origin);
      if (!vendors.has(request.model)) return unknownModel(request.model);
      const { decision, record } = run(snapshot, 'infer', facts, healthNow(snapshot, facts, request.avoid), weighed());
      const target = decision.chosen === null ? undefined : targets.get(decision.chosen);
      if (target === undefined) return notPlaced(decision, record, snapshot);
      health.get(target.id)?.promise();
      return { ok: true, target, record, reserved: { input: inputTokens, output: outputBound } };
    },
    state: subject => placeState(subject, {}),
    stateAt: (subject, home) => placeState(subject, { only: [home] }),
    egress({ requestLabels, destination, ...subject }) {
      const snapshot = inForce();
      const facts = factsOf(snapshot, subject, { requestLabels, destination });
      if (facts === null) return unsold(subject.origin).error;
      const decision = decide(snapshot, 'egress', facts, {}, { only: [OPEN_NETWORK] });
      count(decision);
      if (decision.chosen !== null) return null;
      const { message, details } = errorOf(decision, snapshot);
      return perdureError('egress_denied', message, details === undefined ? {} : { details });
    },
    speaksOfTools: () =>
      inForce().contracts.some(({ restricts }) => restricts.has('execute') || restricts.has('egress')),
    run({ action, place, requestLabels, tool, destination, ...subject }) {
      const more = { ...(tool !== undefined && { tool }), ...(destination !== undefined && { destination }) };
      const snapshot = inForce();
      const facts = factsOf(snapshot, subject, { requestLabels, ...more });
      if (facts === null) {
        const { record, error } = unsold(subject.origin);
        return { record, chosen: null, error };
      }
      const { contracts, lapsed } = bindingContracts(snapshot, action, facts.vendor, facts.session.product, facts.at);
      if (contracts.length === 0 && lapsed.length === 0) return null;
      const { decision, record } = run(snapshot, action, facts, {}, { only: [place] });
      return { record, chosen: decision.chosen, error: decision.chosen === null ? errorOf(decision, snapshot) : null };
    },
    target: id => targets.get(id) ?? null,
    readings: () => inForce().readings,
    begin: target => health.get(target)?.begin() ?? (() => undefined),
    capacity: model => capacities.get(model) ?? { window: null, provider: null },
    models: () => [...vendors].map(([id, vendor]) => ({ id, vendor })),
    health: () => Object.fromEntries([...health].map(([id, one]) => [id, { ...one.now(), failures: one.failures }])),
  };
}

function capacitiesOf(targets: DeskOptions['targets']): ReadonlyMap<string, ModelCapacity> {
  const windowOf = (all: DeskOptions['targets']): number | null =>
    all.some(target => target.contextTokens == null) ? null : Math.max(...all.map(target => target.contextTokens ?? 0));
  const byModel = Map.groupBy(targets, target => target.model);
  return new Map(
    [...byModel].map(([model, all]) => [model, { window: windowOf(all), provider: all[0]?.provider ?? null }]),
  );
}

function unsold(origin: SessionOrigin): NotPlaced {
  const message = `The product ${origin.product} through the channel ${origin.channel} is not configured on this server (any more).`;
  return { ok: false, record: {}, error: perdureError('placement_refused', message) };
}

function unknownModel(model: string): NotPlaced {
  const shown = model.length > 64 ? `${model.slice(0, 64)}...` : model;
  return {
    ok: false,
    record: {},
    error: perdureError('model_not_found', `The model '${shown}' is served by no target.`, { param: 'model' }),
  };
}

function notPlaced(decision: Decision, record: JsonObject, snapshot: Snapshot): NotPlaced {
  return { ok: false, record, error: errorOf(decision, snapshot) };
}

/** The error that a decision without a place means, with every target and its reasons, and what could be done. */
export function errorOf(decision: Decision, { contracts }: Pick<Snapshot, 'contracts'>): PerdureError {
  const targets = decision.rows
    .filter(row => row.verdict !== 'wrong-model')
    .map(row => ({
      id: row.place,
      cloud: row.cloud,
      region: row.region,
      verdict: row.verdict,
      clauses: row.exclusions.flatMap(one =>
        one.kind === 'clause' ? [{ contract: one.contract, id: one.clause, cite: one.cite }] : [],
      ),
    }));
  const message = refusalMessage(decision, contracts);
  const details = { targets, table: explainTable(decision), remedies: remediesOf(decision) };
  const retry = { ...(decision.retryAfterMs !== null && { retryAfterMs: decision.retryAfterMs }) };
  switch (decision.code) {
    case 'no_contract_in_force':
      return perdureError('no_contract_in_force', message, { details });
    case 'no_target_available':
    case 'no_capable_target':
      return perdureError('no_target_available', message, { details, ...retry });
    case 'no_such_target':
      return perdureError('model_not_found', message, { param: 'model' });
    case 'placement_refused':
    case null:
      return perdureError('placement_refused', message, { details });
  }
}
