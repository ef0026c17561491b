/** The part of the reducer that is about the environment of an agent's session: where it stands, and tools that wait for its worker. */
import type { EnvelopeOf } from '../log/events.ts';
import { withTurn } from './reduce-tool.ts';
import { MAX_AWAITS, MAX_ENVIRONMENT_CHANGES, type SessionState, type ToolState } from './state.ts';

export function changeEnvironment(
  state: SessionState,
  event: EnvelopeOf<'environment.changed'>,
): SessionState | string {
  const { turn } = state;
  // Between two calls of a model its tools alone are told of; what a call shows is not interrupted.
  if (turn !== null && turn.tools.length === 0) return 'a call of the model comes first';
  const before = state.environment?.changes ?? 0;
  const ends = turn?.awaits !== undefined && event.head.status === 'connected';
  if (before >= MAX_ENVIRONMENT_CHANGES && !ends) return `it changed ${before} times since a turn began or ended`;
  const { files: _, ...now } = event.head;
  const environment = { ...now, seq: event.seq, at: event.at, changes: before + 1 };
  if (turn === null || !ends) return { ...state, environment };
  return withTurn({ ...state, environment }, open => {
    const { awaits: _, ...rest } = open;
    return { ...rest, tools: open.tools.map(served) };
  });
}

function served(tool: ToolState): ToolState {
  const { parked: _, ...rest } = tool;
  return rest;
}

export function awaitEnvironment(state: SessionState, event: EnvelopeOf<'environment.awaited'>): SessionState | string {
  const { environment, callIds, expiresAt } = event.head;
  const { tools = [], approvals = [], awaited = 0 } = state.turn ?? {};
  if (awaited >= MAX_AWAITS) return `tools of the turn have waited ${awaited} times`;
  if (callIds.length === 0) return 'no tool waits';
  for (const callId of callIds) {
    const tool = tools.find(one => one.callId === callId);
    if (tool?.status !== 'requested' || tool.client === true || approvals.some(open => open.callId === callId))
      return `tool call ${callId} is not about to run`;
  }
  return withTurn(state, turn => ({
    ...turn,
    awaits: { environment, expiresAt },
    awaited: awaited + 1,
    tools: turn.tools.map(tool => (callIds.includes(tool.callId) ? { ...tool, parked: true as const } : tool)),
  }));
}

/** A turn began or ended: what it may say of the environment is counted anew. */
export function recounted(state: SessionState): SessionState {
  const { environment } = state;
  return environment === undefined || environment.changes === 0
    ? state
    : { ...state, environment: { ...environment, changes: 0 } };
}
