/** What placement is asked for the next call of a turn. */
import type { SessionState } from '../session/state.ts';
import type { InferRequest } from './placing.ts';
import type { RunningTurn } from './turn.ts';

export function inferRequest(state: SessionState, turn: RunningTurn): InferRequest {
  return {
    tenant: state.tenant,
    session: state.session,
    origin: state.origin,
    labels: state.labels,
    startedAt: state.createdAt,
    use: state.use,
    model: turn.base.model,
    purpose: 'turn',
    requestLabels: turn.labels,
    inputBytes: turn.live.context.bytes / 2,
    outputBound: turn.call.maxOutputTokens ?? null,
    avoid: turn.avoid,
  };
}
