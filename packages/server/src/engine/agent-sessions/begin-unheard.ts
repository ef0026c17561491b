/**
 * After a turn that failed, one is begun for the messages that it ended without: whoever sent them was told that they were taken, and need not know that
 * the turn which they were meant for is gone. After one that was cancelled they wait for whoever cancelled it.
 */
import { beginsAt } from '../../session/state.ts';
import { principalOf } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { eventAt } from '../event-at.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { callerFor } from '../subagents/family.ts';
import { beginAgentTurn } from './begin.ts';

/** Begins the turn that is due by itself, if one is: for whoever sent the last of what it takes. */
export async function beginUnheard(engine: EngineContext, live: LiveSession): Promise<void> {
  if (beginsAt(mustState(live)) === null) return;
  await engine.sessions.exclusive(live, async () => {
    const state = mustState(live);
    const last = state.unheard?.inputs.at(-1);
    if (live.stale || beginsAt(state) === null || last === undefined) return;
    await engine.sessions.wait(engine.lease.ensure());
    const said = await eventAt(engine, live, last.seq, 'input.queued');
    const caller = callerFor(state, principalOf(said?.actor ?? ''));
    await beginAgentTurn(engine, caller, live, [], { reserved: null, alone: true });
  });
}
