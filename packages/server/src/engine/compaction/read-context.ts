/** The context that a request continues, read without changing anything: for what is only counted, compacted or sent on. */
import type { SessionState } from '../../session/state.ts';
import type { Caller } from '../caller.ts';
import { SessionContext } from '../context.ts';
import type { EngineContext } from '../engine-context.ts';
import { mustState, planTurn } from '../plan.ts';
import type { ContextRun } from '../ports.ts';

export interface ReadContext {
  readonly history: readonly ContextRun[];
  /** Characters of text in it. */
  readonly chars: number;
  readonly openCalls: readonly string[];
  /** Of what is read (L8). */
  readonly labels: readonly string[];
  /** The session that it is of; null if it is of none. */
  readonly of: Pick<SessionState, 'origin' | 'createdAt' | 'use'> | null;
}

const NOTHING: ReadContext = { history: [], chars: 0, openCalls: [], labels: [], of: null };

/** @throws previous_response_not_found, conversation_not_found, response_in_progress, session_product_mismatch */
export async function readContext(
  engine: EngineContext,
  caller: Caller,
  request: { readonly previous_response_id?: string; readonly conversation?: string },
): Promise<ReadContext> {
  if (request.previous_response_id === undefined && request.conversation === undefined) return NOTHING;
  const plan = await planTurn(engine, caller, request);
  if (plan.type === 'new') return NOTHING;
  const live = plan.type === 'append' ? plan.live : plan.parent;
  const state = mustState(live);
  const openCalls = plan.type === 'append' ? state.openCalls : plan.openCalls;
  const found = { openCalls, labels: state.labels, of: state };
  if (plan.type === 'append' && live.context.loaded && state.turn === null)
    // A copy: the session goes on, what is read of it here does not.
    return { ...found, history: [...live.context.runs], chars: live.context.bytes / 2 };
  const place = plan.type === 'append' ? state : { ...state, position: plan.position, compacted: plan.compacted };
  const context = new SessionContext();
  await engine.sessions.wait(context.load(live.store, place));
  return { ...found, history: context.runs, chars: context.bytes / 2 };
}
