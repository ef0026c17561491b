/** Decides a call that nobody makes, on the configured places and contracts: the home of its state first, then its target. */
import { decide } from '../placement/decide.ts';
import type { Decision } from '../placement/decision.ts';
import type { Action, CallFacts, DecideOptions, Purpose, Segment, Spend } from '../placement/facts.ts';
import { type Alternatives, type Freeing, freeingChanges } from '../placement/free.ts';
import type { Config } from './config/config.ts';
import { saleOf } from './config/config.ts';
import type { LoadedSnapshot } from './snapshots.ts';

export interface HypotheticalCall {
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
  /** The time that contracts see, ms since 1970. */
  readonly at: number;
  /** Null: not known. */
  readonly spend: Spend | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Explanation {
  /** Null if nothing is kept. */
  readonly state: Decision | null;
  /** Where the call would go, even if its state had no home. */
  readonly infer: Decision;
  /** If the call would be refused: single changes, each of which would have it placed. */
  readonly freeing: readonly Freeing[];
  /** The same for its state. */
  readonly freeingState: readonly Freeing[];
  readonly warnings: readonly string[];
}

/** The product, channel or model is not configured. */
export class UnknownFact extends Error {
  override readonly name = 'UnknownFact';
}

/** @throws UnknownFact */
export function explainHypothetical(
  config: Config,
  { snapshot, warnings }: Pick<LoadedSnapshot, 'snapshot' | 'warnings'>,
  call: HypotheticalCall,
): Explanation {
  const facts = factsOf(config, call);
  const state = call.stateHeld ? decide(snapshot, 'place_state', facts, {}) : null;
  const near = state?.chosen ?? null;
  const options = near === null ? {} : { near };
  const infer = decide(snapshot, 'infer', facts, {}, options);
  const freed = (action: Action, decision: Decision | null, how: DecideOptions): readonly Freeing[] =>
    decision?.outcome === 'refused'
      ? freeingChanges({ snapshot, action, facts, health: {}, options: how }, alternativesOf(config))
      : [];
  return {
    state,
    infer,
    freeing: freed('infer', infer, options),
    freeingState: freed('place_state', state, {}),
    warnings,
  };
}

/** What this deployment could sell instead, over which channels, to whom. */
export function alternativesOf(config: Pick<Config, 'channels' | 'products'>): Alternatives {
  return { channels: config.channels, products: config.products, segments: SEGMENTS };
}

const SEGMENTS: readonly Segment[] = ['commercial', 'us-gov', 'us-natsec'];

function factsOf(config: Config, call: HypotheticalCall): CallFacts {
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
  const { tenant, segment, stateHeld, purpose, labels, at, spend } = call;
  return {
    session: { tenant, ...sale, segment, stateHeld, startedAt: at, reading: {} },
    sessionId: 'hypothetical',
    vendor: target.vendor,
    model: call.model,
    purpose,
    sessionLabels: stateHeld ? labels : [],
    requestLabels: stateHeld ? [] : labels,
    at,
    ...(spend !== null && { spend }),
    // Of a session that begins with it; who asks is not said, and so not known.
    soFar: { turns: 0, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 },
    inputTokens: call.inputTokens,
    outputBound: call.outputTokens,
  };
}
