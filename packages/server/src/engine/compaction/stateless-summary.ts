/** A summary for a context that is kept nowhere: a stateless call of its own, placed, metered and recorded as any. */
import { homeTag, idBody, placementId, type SessionId } from '../../kernel/ids.ts';
import type { LoggedItem, SessionOrigin, Usage } from '../../log/events.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { InferRequest } from '../placing.ts';
import { spendCall } from '../spend-call.ts';
import { StatelessRun } from '../stateless-run.ts';
import { boundsOf } from './measure.ts';
import { COMPACTION, summaryCall, SummaryReader, summaryUsage } from './summary.ts';

export interface StatelessSummary {
  readonly text: string;
  readonly usage: Usage;
  readonly placement: string;
}

export interface SummaryInput {
  readonly caller: Caller;
  readonly model: string;
  readonly labels: readonly string[];
  /** What is to be summarised. */
  readonly items: readonly LoggedItem[];
  readonly budget: number;
  readonly signal: AbortSignal;
}

/** Null if the strategy asks no model, or none may or can be asked: then what can be extracted must do. */
export async function statelessSummary(engine: EngineContext, input: SummaryInput): Promise<StatelessSummary | null> {
  const [store] = engine.homes.all;
  if (engine.compaction.strategy !== 'model' || store === undefined) return null;
  const { caller, model, labels, items, budget, signal } = input;
  const { product, channel, segment } = caller;
  const origin: SessionOrigin = { product, channel, segment, stateHeld: false, readings: engine.placing.readings() };
  const { context, settings } = summaryCall(engine, model, items, budget);
  const session = engine.ids.next('sess', homeTag(store.home)) as SessionId;
  const facts: InferRequest = {
    tenant: caller.tenant,
    session,
    origin,
    labels,
    startedAt: engine.clock.now(),
    use: { turns: 1, itemsRead: 0, memoryReads: 0, toolsRun: 0, filesTouched: 0 },
    key: caller.principal,
    model,
    purpose: COMPACTION,
    requestLabels: labels,
    ...boundsOf(engine, { model, context, settings }, JSON.stringify(items).length),
    avoid: [],
  };
  const placed = engine.placing.infer(facts);
  if (!placed.ok || engine.spend.hold(spendCall(facts, caller.principal, 1, placed)) !== null) return null;
  const run = new StatelessRun(engine, { caller, store, facts, placed, context, call: settings, signal, whole: false });
  const reader = new SummaryReader();
  try {
    reader.take(await run.answer());
  } catch (error) {
    // The client left: nobody waits for what would be extracted.
    if (signal.aborted) throw error;
    return null;
  }
  const { summary } = reader;
  const placement = placementId(idBody(session, 'sess') ?? '', 1);
  return { text: summary.text, usage: summaryUsage(summary, placed.reserved), placement };
}
