/** How much one turn of an agent may do, and what its session may spend. Looked at before every model call but the first. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import type { SessionState } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import type { RunningTurn } from '../turn.ts';
import type { SessionConfig } from './session-config.ts';

/** Micro-USD of a cent. */
const CENT = 10_000n;

/** What the session's calls came to, in micro-USD, by the prices of now. */
export function spentBy(engine: EngineContext, state: SessionState): bigint {
  const now = engine.clock.now();
  let spent = 0n;
  for (const [target, usage] of Object.entries(state.used ?? {})) spent += engine.spend.cost(target, now, usage);
  return spent;
}

/** In whole cents, as it is shown: rounded down. */
export function centsSpent(engine: EngineContext, state: SessionState): number {
  return Number(spentBy(engine, state) / CENT);
}

/** The session's budget: a call begins only while less than all of it is spent, so the last one may pass it. */
export function budgetSpent(
  engine: EngineContext,
  state: SessionState,
  { spendLimit }: Pick<SessionConfig, 'spendLimit'>,
): PerdureError | null {
  if (spendLimit === null || spentBy(engine, state) < BigInt(spendLimit) * CENT) return null;
  return perdureError('session_budget_exceeded', `The session has spent its limit of ${spendLimit} cents.`);
}

/** Why the turn makes no further call; null if it may. */
export function agentBound(engine: EngineContext, turn: RunningTurn, state: SessionState): PerdureError | null {
  if (turn.agent === null) return null;
  const { calls, tokens } = engine.tools.limits;
  if ((state.turn?.calls ?? 0) >= calls)
    return perdureError('turn_limit_reached', `A turn may call its model at most ${calls} times.`);
  const used = (turn.usage?.input ?? 0) + (turn.usage?.output ?? 0);
  if (used >= tokens) return perdureError('turn_limit_reached', `A turn may use at most ${tokens} tokens.`);
  return budgetSpent(engine, state, turn.agent.config);
}
