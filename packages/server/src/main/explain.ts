/**
 * Decides a call that nobody makes, on the configured places and contracts: the home of its state first, then its target; or, of a tool, whether
 * it may run there, and of data, whether they may leave.
 */
import type { Contract } from '../contract/contract.ts';
import { decide } from '../placement/decide.ts';
import type { Decision } from '../placement/decision.ts';
import type {
  Action,
  AgentFacts,
  CallFacts,
  DecideOptions,
  DestinationFacts,
  Health,
  PrincipalFacts,
  Purpose,
  RecordedEvent,
  Segment,
  ShadowPrices,
  Spend,
  ToolFacts,
} from '../placement/facts.ts';
import { type Alternatives, type Freeing, freeingChanges } from '../placement/free.ts';
import { OPEN_NETWORK } from '../placement/outside.ts';
import { type OfferState, supposed } from '../placement/supposed.ts';
import type { Config } from './config/config.ts';
import { saleOf } from './config/config.ts';
import { askedFor } from './govern/rights-asked.ts';
import type { LoadedSnapshot, SnapshotDocument } from './snapshots.ts';

/** What is done: a model is called, a tool runs, or data leave. */
export type Asked =
  | { readonly action: 'infer' }
  | { readonly action: 'execute'; readonly tool: ToolFacts }
  | { readonly action: 'egress'; readonly destination: DestinationFacts };

export interface HypotheticalCall {
  readonly asked: Asked;
  readonly tenant: string;
  readonly model: string;
  readonly product: string;
  readonly channel: string;
  readonly segment: Segment;
  /** Whether state is kept for the caller. */
  readonly stateHeld: boolean;
  readonly purpose: Purpose;
  /** Of what the session has read; without state, of the request. */
  readonly labels: readonly string[];
  /** Of the request's own content. */
  readonly requestLabels: readonly string[];
  /** The time that contracts see, ms since 1970. */
  readonly at: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The agent of the session; null: of none. */
  readonly agent: AgentFacts | null;
  /** In whose name it is asked; null: not known, and a clause that asks denies. */
  readonly principal: PrincipalFacts | null;
}

/** What is known beside the call, as a server knows it. */
export interface KnownNow {
  /** Null: not known. */
  readonly spend: Spend | null;
  /** Null: not known. Then every target is taken to be up, idle and without latency. */
  readonly health: Health | null;
  /** Null: none, or not known. */
  readonly shadow: ShadowPrices | null;
}

export interface Explanation {
  /** Null if nothing is kept. */
  readonly state: Decision | null;
  /** Where the call would go, even if its state had no home. Null if a tool or a transfer was asked about. */
  readonly infer: Decision | null;
  /** Of the tool, or the transfer. */
  readonly run: Decision | null;
  /** If it would be refused: single changes, each of which would have it placed. Of the call, or of the run. */
  readonly freeing: readonly Freeing[];
  /** The same for its state. */
  readonly freeingState: readonly Freeing[];
  readonly warnings: readonly string[];
}

/** The product, channel or model is not configured, or who asks is not there. */
export class UnknownFact extends Error {
  override readonly name = 'UnknownFact';
}

/** @throws UnknownFact */
export function explainHypothetical(
  config: Config,
  loaded: LoadedSnapshot,
  call: HypotheticalCall,
  known: KnownNow,
): Explanation {
  const { snapshot, warnings } = loaded;
  const facts = factsOf(config, call, known.spend);
  const freed = (action: Action, decision: Decision | null, of: CallFacts, how: DecideOptions): readonly Freeing[] =>
    decision?.outcome === 'refused'
      ? freeingChanges({ snapshot, action, facts: of, health: {}, options: how }, alternativesOf(config, loaded))
      : [];
  const kept: CallFacts = { ...facts, requestLabels: [] };
  const state = call.stateHeld ? decide(snapshot, 'place_state', kept, {}) : null;
  const near = state?.chosen ?? null;
  const freeingState = freed('place_state', state, kept, {});
  const { asked } = call;
  if (asked.action === 'infer') {
    const options = { ...(near !== null && { near }), ...(known.shadow !== null && { shadow: known.shadow }) };
    const infer = decide(snapshot, 'infer', facts, known.health ?? {}, options);
    return { state, infer, run: null, freeing: freed('infer', infer, facts, options), freeingState, warnings };
  }
  const { action, ...what } = asked;
  const running: CallFacts = { ...facts, ...what, inputTokens: 0, outputBound: 0 };
  // A tool runs in the session's home. Without one, every home is looked at.
  const place = action === 'egress' ? OPEN_NETWORK : near;
  const options = place === null ? {} : { only: [place] };
  const run = decide(snapshot, action, running, {}, options);
  return { state, infer: null, run, freeing: freed(action, run, running, options), freeingState, warnings };
}

/** What this deployment could sell instead, over which channels, to whom; and what its clauses ask to be recorded. */
export function alternativesOf(config: Pick<Config, 'channels' | 'products'>, loaded: LoadedSnapshot): Alternatives {
  return { channels: config.channels, products: config.products, segments: SEGMENTS, ...askedFor(loaded) };
}

const SEGMENTS: readonly Segment[] = ['commercial', 'us-gov', 'us-natsec'];

/** What is supposed over what is in force. */
export interface SupposedNow {
  /** Null: as in force. */
  readonly reading: string | null;
  readonly events: readonly RecordedEvent[];
  readonly rights: readonly { readonly id: string; readonly state: OfferState | 'none' }[];
  /** ms since 1970: the states are those of this time. */
  readonly at: number;
}

/** A right is in the state that is supposed, for every product, whatever was recorded of it. */
export function supposing(document: SnapshotDocument, { reading, events, rights, at }: SupposedNow): SnapshotDocument {
  const all = [...(document.events ?? []), ...events];
  const named = new Set(rights.map(({ id }) => id));
  const states = Object.fromEntries(
    rights.flatMap(({ id, state }) => (state === 'none' ? [] : [[id, state] as const])),
  );
  const others = (document.firstRefusals ?? []).filter(({ id }) => !named.has(id));
  const refusals = [...others, ...supposed([], states, at).firstRefusals];
  const { events: _events, firstRefusals: _refusals, ...rest } = document;
  return {
    ...rest,
    reading: reading ?? document.reading,
    ...(all.length > 0 && { events: all }),
    ...(refusals.length > 0 && { firstRefusals: refusals }),
  };
}

/** Whether a clause asks what the tenant has spent. */
export function asksForSpend(contracts: readonly Contract[]): boolean {
  return contracts.some(({ readsSpend }) => readsSpend);
}

function factsOf(config: Config, call: HypotheticalCall, spend: Spend | null): CallFacts {
  const sale = saleOf(config, call.product, call.channel);
  if (sale === null) {
    const known = (list: readonly { readonly id: string }[]): string => list.map(({ id }) => id).join(', ');
    const product = config.products.some(({ id }) => id === call.product);
    throw new UnknownFact(
      product
        ? `there is no channel ${call.channel} (there are: ${known(config.channels)})`
        : `there is no product ${call.product} (there are: ${known(config.products)})`,
    );
  }
  const target = config.targets.find(({ model }) => model === call.model);
  if (target === undefined) {
    const models = [...new Set(config.targets.map(({ model }) => model))];
    throw new UnknownFact(`no target serves the model ${call.model} (there are: ${models.join(', ')})`);
  }
  const { tenant, segment, stateHeld, purpose, labels, requestLabels, at } = call;
  return {
    session: { tenant, ...sale, segment, stateHeld, startedAt: at, reading: {} },
    sessionId: 'hypothetical',
    vendor: target.vendor,
    model: call.model,
    purpose,
    sessionLabels: stateHeld ? labels : [],
    requestLabels: stateHeld ? requestLabels : [...new Set([...labels, ...requestLabels])],
    at,
    ...(spend !== null && { spend }),
    ...(call.agent !== null && { agent: call.agent }),
    ...(call.principal !== null && { principal: call.principal }),
    // Of a session that begins with it.
    soFar: { turns: 0, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 },
    inputTokens: call.inputTokens,
    outputBound: call.outputTokens,
  };
}
