/** How people know a session: one of a sub-agent by the session that owns it, and by its own id beside that. */
import type { SessionId } from '../../kernel/ids.ts';
import { stateIn } from '../../session/project.ts';
import { subagentId } from '../subagents/ids.ts';

export interface Whose {
  readonly session: SessionId;
  readonly subagent: string | null;
}

/** @param state as its row has it */
export function whose(session: SessionId, state: string | null): Whose {
  const subagent = stateIn({ state })?.subagent;
  return subagent === undefined
    ? { session, subagent: null }
    : { session: subagent.owner, subagent: subagentId(session) };
}
