/** Before a turn ends, what it leaves in its environment is kept: whoever is told that it has ended finds it. */
import { idBody } from '../../kernel/ids.ts';
import type { EventBody } from '../../log/events.ts';
import type { EngineContext } from '../engine-context.ts';
import { mustState } from '../plan.ts';
import type { RunningTurn } from '../turn.ts';

/** @param bodies what is about to be committed: with a tool call among it the turn goes on @returns how many artifacts it left */
export async function keepArtifacts(
  engine: EngineContext,
  turn: RunningTurn,
  bodies: readonly EventBody[],
): Promise<number> {
  const { agent, live } = turn;
  const state = mustState(live);
  if (agent === null || state.turn === null || agent.config.environment.type === 'none') return 0;
  const ends = bodies.every(body => body.type === 'call.completed' && body.head.calls.length === 0);
  if (!ends) return 0;
  const { tenant, labels } = state;
  // What a sub-agent leaves is its owner's.
  const session = state.subagent?.owner ?? state.session;
  const id = `turn_${idBody(turn.base.id, 'resp') ?? ''}`;
  const { environment } = agent.config;
  return engine.agentHost.ending({ tenant, session, turn: { id, seq: state.turn.inputSeq }, labels, environment });
}
