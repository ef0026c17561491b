/** What placement is asked for the next call of a turn that runs. */
import type { SessionState } from '../session/state.ts';
import { callBounds } from './compaction/measure.ts';
import type { EngineContext } from './engine-context.ts';
import { agentOf, type InferRequest } from './placing.ts';
import type { RunningTurn } from './turn.ts';

/** What a call that answers somebody is made for. */
export function purposeOf(state: SessionState | null): 'turn' | 'subagent' {
  return state?.subagent === undefined ? 'turn' : 'subagent';
}

export function inferRequest(engine: EngineContext, state: SessionState, turn: RunningTurn): InferRequest {
  return {
    tenant: state.tenant,
    session: state.session,
    origin: state.origin,
    labels: state.labels,
    startedAt: state.createdAt,
    use: state.use,
    ...agentOf(state, turn.agent?.config),
    key: turn.principal,
    model: turn.base.model,
    purpose: purposeOf(state),
    requestLabels: turn.labels,
    ...callBounds(engine, turn),
    avoid: turn.avoid,
  };
}
