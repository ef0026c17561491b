/** What the rest of the engine asks of sub-agents, behind one door: they are made of its parts, and its parts know no more of them than this. */
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { goOn } from '../tools/approvals.ts';
import { cancelMembers, endMembers, settleMembers } from './end.ts';
import { cameToRest, resumeReady } from './rest.ts';

export interface SubagentHooks {
  /** Something happened that its waiting tools may wait for. */
  look(live: LiveSession): Promise<void>;
  /** A turn of a sub-agent is over. */
  rested(live: LiveSession): void;
  /** Ends what all sub-agents of a session run. */
  cancel(caller: Caller, owner: LiveSession): Promise<void>;
  /** Before a session is deleted. @throws session_running if a sub-agent runs */
  settle(caller: Caller, owner: LiveSession): Promise<void>;
  /** Ends and erases all sub-agents of a session. @throws session_running if one has a turn open */
  end(owner: LiveSession, actor: string): Promise<void>;
}

export function subagentHooks(engine: () => EngineContext): SubagentHooks {
  const proceed = (live: LiveSession): Promise<void> => goOn(engine(), live);
  return {
    async look(live) {
      if (await resumeReady(engine(), live)) await proceed(live);
    },
    rested: live => void cameToRest(engine(), live, proceed),
    cancel: (caller, owner) => cancelMembers(engine(), caller, owner),
    settle: (caller, owner) => settleMembers(engine(), caller, owner),
    end: (owner, actor) => endMembers(engine(), owner, actor),
  };
}
