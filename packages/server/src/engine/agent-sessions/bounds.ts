/** How much one turn of an agent may do, and what its session may spend. Looked at before every model call but the first. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { MAX_TURN_CALLS } from '../../kernel/ids.ts';
import type { SessionState } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { familyOf, familyUsage, familyWork, isClosed, ownerOf } from '../subagents/family.ts';
import type { RunningTurn } from '../turn.ts';
import { readConfig } from './session-config.ts';

/** Micro-USD of a cent. */
const CENT = 10_000n;

/** What the calls of a session and of its sub-agents came to, in micro-USD, by the prices of now. */
function spentBy(engine: EngineContext, family: readonly LiveSession[]): bigint {
  const now = engine.clock.now();
  return familyUsage(family).reduce((sum, { target, usage }) => sum + engine.spend.cost(target, now, usage), 0n);
}

/** In whole cents, as it is shown: rounded down. */
export function centsSpent(engine: EngineContext, family: readonly LiveSession[]): number {
  return Number(spentBy(engine, family) / CENT);
}

/** The budget of the session, or of the one that owns it: a call begins only while less than all of it is spent, so the last one may pass it. */
export async function budgetSpent(engine: EngineContext, live: LiveSession): Promise<PerdureError | null> {
  const owner = await ownerOf(engine, live);
  const { spendLimit } = await readConfig(engine, owner);
  if (spendLimit === null) return null;
  if (spentBy(engine, await familyOf(engine, owner)) < BigInt(spendLimit) * CENT) return null;
  return perdureError('session_budget_exceeded', `The session has spent its limit of ${spendLimit} cents.`);
}

/** Why the turn makes no further call; null if it may. One of a sub-agent that was closed is cancelled. */
export async function agentBound(
  engine: EngineContext,
  turn: RunningTurn,
  state: SessionState,
): Promise<PerdureError | null> {
  if (turn.agent === null) return null;
  if (await isClosed(engine, turn.live)) {
    turn.cancel('engine');
    return null;
  }
  const { calls, tokens } = engine.tools.limits;
  if ((state.turn?.calls ?? 0) >= calls)
    return perdureError('turn_limit_reached', `A turn may call its model at most ${calls} times.`);
  const used = (turn.usage?.input ?? 0) + (turn.usage?.output ?? 0);
  if (used >= tokens) return perdureError('turn_limit_reached', `A turn may use at most ${tokens} tokens.`);
  return (await familyBound(engine, turn.live)) ?? (await budgetSpent(engine, turn.live));
}

/** Why no turn at all makes a further call: its ids count no further. Looked at before every call, also one that is tried again. */
export function callsUsedUp({ turn }: SessionState): PerdureError | null {
  if ((turn?.calls ?? 0) < MAX_TURN_CALLS) return null;
  return perdureError('turn_limit_reached', `A turn calls models at most ${MAX_TURN_CALLS} times, tries included.`);
}

/** The bounds of a turn hold for all that the session's agents do from its beginning to that of the next one. */
async function familyBound(engine: EngineContext, live: LiveSession): Promise<PerdureError | null> {
  const { subagent, subagents } = mustState(live);
  if (subagent === undefined && subagents === undefined) return null;
  const owner = await ownerOf(engine, live);
  const { calls, tokens } = await familyWork(engine, owner);
  const { before = { calls: 0, tokens: 0 } } = mustState(owner);
  const { limits } = engine.tools;
  if (calls - before.calls >= limits.calls)
    return perdureError(
      'turn_limit_reached',
      `A turn and its sub-agents may call models at most ${limits.calls} times.`,
    );
  if (tokens - before.tokens >= limits.tokens)
    return perdureError('turn_limit_reached', `A turn and its sub-agents may use at most ${limits.tokens} tokens.`);
  return null;
}
