/** What tools the next call of a turn is sent: those of the turn, and what searches have found since. */
import type { SessionState } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import { mustState } from '../plan.ts';
import type { RunningTurn } from '../turn.ts';
import { offered, openToolbox, scopeOf } from './toolbox.ts';

/** Lists the tools if that is to be done: a turn that was taken up has none yet. Then the call is sent what is offered now. */
export async function readyTools(engine: EngineContext, turn: RunningTurn): Promise<void> {
  const { agent, live } = turn;
  if (agent === null) return;
  const scope = scopeOf(mustState(live), agent.config, turn.principal);
  agent.toolbox ??= await openToolbox(engine, scope, turn.abort.signal);
  offerTools(turn, mustState(live));
}

/** Nothing, as long as the tools were not listed. */
export function offerTools(turn: RunningTurn, { found = [] }: SessionState): void {
  const box = turn.agent?.toolbox ?? null;
  if (box === null) return;
  const tools = offered(box, found);
  // Encoded once, as long as they are the same.
  const same = (turn.call.tools ?? []).map(({ name }) => name);
  if (same.length === tools.length && tools.every(({ name }, i) => name === same[i])) return;
  const { tools: _, ...rest } = turn.call;
  turn.call = { ...rest, ...(tools.length > 0 && { tools }) };
}
