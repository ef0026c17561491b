/** Sub-agents, for who reads and follows the sessions that own them. */
import type { ResponseId, SessionId } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { type FamilyEvents, familyNow, type FamilyPlace, familyTurn, followFamily, type ReadAgain } from './follow.ts';
import { type SubagentReads, subagentReads } from './view.ts';

export interface SubagentsApi extends SubagentReads {
  /** Where somebody begins to follow a session who asks for nothing that was. */
  now(caller: Caller, session: string): Promise<FamilyPlace>;
  /** A session with all its sub-agents. @param again whose events come first: the last of them that was shown is among what follows */
  follow(
    caller: Caller,
    session: string,
    from: FamilyPlace,
    signal: AbortSignal,
    again?: ReadAgain | null,
  ): AsyncGenerator<FamilyEvents>;
  /** Whose turn it is, of the session and its sub-agents. @throws turn_not_found */
  whose(caller: Caller, session: string, turn: ResponseId): Promise<SessionId>;
}

export function subagentsApi(engine: EngineContext): SubagentsApi {
  return {
    ...subagentReads(engine),
    now: (caller, session) => familyNow(engine, caller, session),
    follow: (caller, session, from, signal, again) => followFamily(engine, caller, session, from, signal, again),
    whose: (caller, session, turn) => familyTurn(engine, caller, session, turn),
  };
}
