/** The context that a request continues, read without changing anything: for what is only counted, compacted or sent on. */
import type { Caller } from '../caller.ts';
import { SessionContext } from '../context.ts';
import type { EngineContext } from '../engine-context.ts';
import { mustState, planTurn } from '../plan.ts';
import type { ContextRun } from '../ports.ts';

export interface ReadContext {
  readonly history: readonly ContextRun[];
  readonly openCalls: readonly string[];
  /** Of what is read (L8). */
  readonly labels: readonly string[];
}

/** @throws previous_response_not_found, conversation_not_found, response_in_progress, session_product_mismatch */
export async function readContext(
  engine: EngineContext,
  caller: Caller,
  request: { readonly previous_response_id?: string; readonly conversation?: string },
): Promise<ReadContext> {
  if (request.previous_response_id === undefined && request.conversation === undefined)
    return { history: [], openCalls: [], labels: [] };
  const plan = await planTurn(engine, caller, request);
  if (plan.type === 'new') return { history: [], openCalls: [], labels: [] };
  const live = plan.type === 'append' ? plan.live : plan.parent;
  const state = mustState(live);
  const { labels } = state;
  const openCalls = plan.type === 'append' ? state.openCalls : plan.openCalls;
  if (plan.type === 'append' && live.context.loaded && state.turn === null)
    return { history: live.context.runs, openCalls, labels };
  const place = plan.type === 'append' ? state : { ...state, position: plan.position, compacted: plan.compacted };
  const context = new SessionContext();
  await engine.sessions.wait(context.load(live.store, place));
  return { history: context.runs, openCalls, labels };
}
