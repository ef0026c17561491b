/**
 * Compaction inside a running turn, where a model is asked for it: its call is placed, made, metered and committed like any other. If it fails,
 * or may not be made, what can be extracted without a model takes its place: a compaction that is due is always done.
 */
import { perdureError } from '@perdure/protocol';
import type { EventBody } from '../../log/events.ts';
import type { WireEvent } from '../../session/output.ts';
import type { SessionState } from '../../session/state.ts';
import type { Prepared } from '../chain.ts';
import type { EngineContext } from '../engine-context.ts';
import type { PlacedCall, ReachableTarget } from '../placing.ts';
import type { RunningTurn } from '../turn.ts';
import { upstreamSteps } from '../upstream-call.ts';
import { coveredItems, type LaidCompaction, layCompaction, showCompaction } from './content.ts';
import { boundsOf } from './measure.ts';
import { expand } from './open-item.ts';
import { type CompactionPlan, planOf } from './plan.ts';
import { COMPACTION, type Summary, type SummaryCall, summaryCall, SummaryReader } from './summary.ts';

/** Calls that may fail before it is done without a model. */
const ATTEMPTS = 2;

function mustPlan(turn: RunningTurn): CompactionPlan {
  const plan = planOf(turn.base.settings);
  if (plan === null) throw perdureError('internal_error', undefined, { cause: new Error('no compaction was planned') });
  return plan;
}

function place(turn: RunningTurn) {
  const from = turn.live.state?.turn?.from ?? 0;
  return { history: turn.live.context.upTo(from), input: turn.input, from };
}

function callOf(engine: EngineContext, turn: RunningTurn): SummaryCall {
  const plan = mustPlan(turn);
  return summaryCall(engine, turn.base.model, coveredItems(plan, place(turn)), plan.budget);
}

/** Makes the placed call. @throws ProviderError */
export async function askForSummary(
  engine: EngineContext,
  turn: RunningTurn,
  target: ReachableTarget,
): Promise<Summary> {
  const { context, settings } = callOf(engine, turn);
  const reader = new SummaryReader();
  const onAsked = (): void => void (turn.asked = true);
  const steps = upstreamSteps({ target, context, settings, signal: turn.abort.signal, onAsked }, engine);
  for await (const batch of steps) reader.take(batch);
  return reader.summary;
}

/** The compaction that is due. */
export function layDue(engine: EngineContext, turn: RunningTurn, summary?: string): Promise<LaidCompaction> {
  const previous = turn.live.state?.compacted ?? null;
  return layCompaction(engine, mustPlan(turn), {
    ...place(turn),
    body: turn.body,
    previous,
    ...(summary !== undefined && { summary }),
  });
}

/** What was committed, in memory: the context begins with it from now on, and the output holds it. @returns makes the events that show it */
export function takeCompaction(
  engine: EngineContext,
  turn: RunningTurn,
  { event, items }: LaidCompaction,
  prepared: Prepared,
): () => readonly WireEvent[] {
  const { live, body } = turn;
  const position = prepared.state.compacted?.position ?? prepared.state.position;
  const rest = expand(turn.input.slice(mustPlan(turn).input));
  engine.sessions.grew(live.context.compact(expand(items), { position, to: event.head.to }, rest));
  const sealed = engine.compaction.seals.seal(live.tenant, items);
  const index = turn.output.length;
  turn.output.push(...sealed);
  return () => {
    const { events, seq } = showCompaction({ items: sealed }, { body, seq: turn.seq, index });
    turn.seq = seq;
    return events;
  };
}

/** Whether another call is to be made for the compaction that is due, and which. Null: it is done without a model. */
export function placeDue(
  engine: EngineContext,
  turn: RunningTurn,
  state: SessionState,
  before: readonly EventBody[],
): PlacedCall | null {
  const failures = (state.turn?.failures ?? 0) + before.filter(body => body.type === 'call.failed').length;
  if (failures >= ATTEMPTS) return null;
  const { context, settings } = callOf(engine, turn);
  const sent = { model: turn.base.model, context, settings };
  const placed = engine.placing.infer({
    ...engine.inferRequest(state, turn),
    ...boundsOf(engine, sent, turn.live.context.bytes / 2),
    purpose: COMPACTION,
  });
  return placed.ok ? placed : null;
}
