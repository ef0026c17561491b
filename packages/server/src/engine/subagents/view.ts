/** Sub-agents as they are read: what the owner's log says of them, and their turns, which are in logs of their own. */
import { perdureError } from '@perdure/protocol';
import type { SessionId } from '../../kernel/ids.ts';
import type { SubagentEntry } from '../../session/state.ts';
import { findSession, findTurn } from '../agent-sessions/find.ts';
import { type Paged, turnPage, type TurnListQuery } from '../agent-sessions/turn-page.ts';
import { readTurnRecord, type TurnRecord } from '../agent-sessions/turns.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { eventAt } from '../event-at.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState, short } from '../plan.ts';
import { entriesOf, memberOf } from './family.ts';
import { sessionOfSubagent, subagentId } from './ids.ts';

export interface SubagentView {
  readonly id: string;
  /** The session that owns it. */
  readonly session: SessionId;
  readonly name: string | null;
  /** The agent that made it: the session's own, or another sub-agent. */
  readonly parent: string;
  /** Its task; null: erased. */
  readonly instructions: string | null;
  /** ms since 1970. */
  readonly openedAt: number;
  /** Null while it is active. */
  readonly closedAt: number | null;
}

export interface SubagentListQuery {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly after: string | null;
}

/** Reading them; each names the session that owns them. @throws session_not_found, subagent_not_found, turn_not_found */
export interface SubagentReads {
  list(caller: Caller, session: string, query: SubagentListQuery): Promise<Paged<SubagentView>>;
  view(caller: Caller, session: string, id: string): Promise<SubagentView>;
  turn(caller: Caller, session: string, id: string, turn: string): Promise<TurnRecord>;
  turns(caller: Caller, session: string, id: string, query: TurnListQuery): Promise<Paged<TurnRecord>>;
}

export function subagentReads(engine: EngineContext): SubagentReads {
  return {
    async list(caller, session, { order, limit, after }) {
      const owner = await findSession(engine, caller, session);
      const all = order === 'asc' ? entriesOf(owner) : entriesOf(owner).toReversed();
      const at = after === null ? -1 : all.findIndex(one => subagentId(one.session) === after);
      if (after !== null && at < 0)
        throw perdureError('subagent_not_found', 'The cursor is no sub-agent of this session.', {
          status: 400,
          param: 'after',
        });
      const page = all.slice(at + 1, at + 1 + limit);
      const data: SubagentView[] = [];
      for (const entry of page) data.push(await viewOfEntry(engine, owner, entry));
      return { data, hasMore: at + 1 + limit < all.length };
    },
    async view(caller, session, id) {
      const owner = await findSession(engine, caller, session);
      return viewOfEntry(engine, owner, mustEntry(owner, id));
    },
    async turn(caller, session, id, turn) {
      const member = await find(engine, caller, session, id);
      if (member === null) throw perdureError('turn_not_found', `Turn with id '${short(turn)}' not found.`);
      return readTurnRecord(engine, member, await findTurn(engine, member, turn));
    },
    async turns(caller, session, id, query) {
      const member = await find(engine, caller, session, id);
      return member === null ? { data: [], hasMore: false } : turnPage(engine, member, query);
    },
  };
}

async function find(engine: EngineContext, caller: Caller, session: string, id: string): Promise<LiveSession | null> {
  const owner = await findSession(engine, caller, session);
  return memberOf(engine, owner, mustEntry(owner, id).session);
}

function mustEntry(owner: LiveSession, id: string): SubagentEntry {
  const entry = entriesOf(owner).find(one => one.session === sessionOfSubagent(id) && id.startsWith('subagent_'));
  if (entry === undefined) throw perdureError('subagent_not_found', `Sub-agent with id '${short(id)}' not found.`);
  return entry;
}

export async function viewOfEntry(
  engine: EngineContext,
  owner: LiveSession,
  { session: made, parent, seq, openedAt, closedAt }: SubagentEntry,
): Promise<SubagentView> {
  const said = (await eventAt(engine, owner, seq, 'subagent.created'))?.payload ?? null;
  return {
    id: subagentId(made),
    session: owner.session,
    name: said?.name ?? null,
    parent: parent === null ? (mustState(owner).agent?.id ?? '') : subagentId(parent),
    instructions: said?.instructions ?? null,
    openedAt,
    closedAt,
  };
}
