/**
 * What is done with the tools of a turn that may run now: started, asked about, reviewed, left for a worker, or failed. Decided by the turn as it
 * is, said in one commit; nothing here runs a tool.
 */
import { toPerdureError } from '@perdure/protocol';
import type { EventBody, JsonObject } from '../../log/events.ts';
import { afterCrash } from '../../session/next.ts';
import { callsOpen, canRun } from '../../session/reduce-tool.ts';
import type { ToolState } from '../../session/state.ts';
import type { AgentTurn } from '../agent-sessions/agent-turn.ts';
import type { EngineContext } from '../engine-context.ts';
import { mustState } from '../plan.ts';
import { PROGRAMS } from '../programs/program-tool.ts';
import { stateAfter } from '../state-after.ts';
import type { RunningTurn } from '../turn.ts';
import { parseArguments } from './arguments.ts';
import { failedTool } from './output.ts';
import { awaiting } from './park-tools.ts';
import { postponed } from './pending.ts';
import { placeTool } from './place-tool.ts';
import type { ToolVerdict } from './ports.ts';
import { approvalRequested, argumentsDigest, type AskedCall, denied, questionOf, verdictOf } from './request-tools.ts';
import type { Tool } from './toolbox.ts';

/** What is done with a tool that may run. `placed`: what contracts said of where it runs. */
export type Move =
  | { readonly do: 'start'; readonly tool: Tool; readonly args: JsonObject; readonly placed: readonly EventBody[] }
  | { readonly do: 'ask'; readonly policy: string; readonly why?: 'outcome_unknown' }
  | { readonly do: 'review'; readonly tool: Tool; readonly args: JsonObject; readonly verdict: ToolVerdict }
  | { readonly do: 'postpone'; readonly name: string; readonly arguments: string }
  | { readonly do: 'fail'; readonly code: string; readonly message: string; readonly placed?: readonly EventBody[] }
  /** It runs in an environment that no worker serves now. */
  | { readonly do: 'park' };

export interface Moved {
  readonly state: ToolState;
  readonly move: Move;
}

/** @param callIds those that are looked at */
export function movesNow(
  engine: EngineContext,
  turn: RunningTurn,
  agent: AgentTurn,
  callIds: ReadonlySet<string>,
): readonly Moved[] {
  const moves: Moved[] = [];
  const open = mustState(turn.live).turn;
  for (const state of open?.tools ?? []) {
    const orphan = state.status === 'started' && !agent.running.has(state.callId);
    if (!callIds.has(state.callId) || (!orphan && !canRun(open ?? { approvals: [] }, state))) continue;
    moves.push({ state, move: moveFor(engine, turn, agent, state) });
  }
  return moves;
}

function moveFor(engine: EngineContext, turn: RunningTurn, agent: AgentTurn, state: ToolState): Move {
  // Left running by a process that died (L6).
  if (state.status === 'started' && afterCrash(state) === 'outcome_unknown')
    return { do: 'ask', policy: 'outcome_unknown', why: 'outcome_unknown' };
  const call = agent.fold.call(state.callId);
  if (call !== null && state.client === true && state.async === true)
    return { do: 'postpone', name: call.name, arguments: call.arguments };
  const tool = call === null ? undefined : agent.toolbox?.get(call.name);
  const { caller } = state;
  const nested = caller !== undefined && tool?.source === PROGRAMS;
  if (call === null || tool === undefined || tool.source === null || nested)
    return { do: 'fail', code: 'tool_not_found', message: 'There is no such tool.' };
  if (state.definition !== undefined && state.definition !== tool.digest)
    return { do: 'fail', code: 'tool_changed', message: 'The tool has changed since it was called.' };
  if (call.salt === null || argumentsDigest(engine, call.salt, call.arguments) !== state.arguments)
    return { do: 'fail', code: 'arguments_changed', message: 'The arguments are not those that were asked for.' };
  const args = parseArguments(call.arguments);
  if (args === null) return { do: 'fail', code: 'invalid_arguments', message: 'The arguments are not a JSON object.' };
  const verdict = verdictOf(engine, turn, { tool, args, caller });
  if (verdict.verdict === 'deny') return { do: 'fail', ...denied(verdict) };
  // Before anybody is asked: what contracts refuse nobody can permit.
  const { events: placed, refused } = placeTool(engine, turn, tool, args, state.callId);
  if (refused !== null) return { do: 'fail', code: 'placement_refused', message: refused, placed };
  const allowed = state.granted !== null || state.status === 'started' || state.again === true;
  if (verdict.verdict === 'permit' || allowed) return { do: 'start', tool, args, placed };
  if (agent.config.review !== 'auto_review') return { do: 'ask', policy: verdict.policy };
  const ruled = rulesOf(engine, turn, { tool, args, caller });
  if (ruled === 'permit') return { do: 'start', tool, args, placed };
  if (ruled === 'deny' || engine.tools.review === null) return { do: 'fail', ...denied(verdict) };
  return { do: 'review', tool, args, verdict };
}

/** What rules say under `auto_review`; what errs denies. Null: nothing. */
function rulesOf(engine: EngineContext, turn: RunningTurn, call: AskedCall): 'permit' | 'deny' | null {
  try {
    return engine.tools.reviewer?.rules(questionOf(engine, turn, call)) ?? null;
  } catch (error) {
    engine.report('tools.reviewer', toPerdureError(error));
    return 'deny';
  }
}

/** The events that say what was decided. */
export function decided(engine: EngineContext, turn: RunningTurn, moves: readonly Moved[]): readonly EventBody[] {
  const { limits } = engine.tools;
  const { seq, turn: open } = mustState(turn.live);
  const bodies: EventBody[] = [];
  for (const { state, move } of moves) {
    const { callId, arguments: digest, definition } = state;
    switch (move.do) {
      case 'start':
        bodies.push(...move.placed, { type: 'tool.started', head: { callId, approval: state.granted }, payload: null });
        break;
      // Nothing runs of which the reviewer has not said that it may.
      case 'review':
        bodies.push(failedTool(state, denied(move.verdict), limits.outputChars));
        break;
      case 'postpone': {
        const asked = { tool: state, name: move.name, arguments: move.arguments, turn: turn.base.id };
        bodies.push(postponed(stateAfter(turn, bodies), { ...asked, now: engine.clock.now(), limits }));
        break;
      }
      case 'fail':
        // A program that may not go on ends once its calls have.
        if (callsOpen(open?.tools ?? [], callId))
          bodies.push({ type: 'tool.suspended', head: { callId }, payload: null });
        else bodies.push(...(move.placed ?? []), failedTool(state, move, limits.outputChars));
        break;
      case 'park':
        break;
      case 'ask': {
        if (move.why === 'outcome_unknown')
          bodies.push({ type: 'tool.outcome_unknown', head: { callId }, payload: null });
        const { policy, why } = move;
        const asking = { callId, digest, definition, policy, ...(why !== undefined && { why }) };
        bodies.push(approvalRequested(engine, turn, asking, seq + bodies.length + 1));
      }
    }
  }
  return [...bodies, ...awaiting(engine, turn, moves)];
}
