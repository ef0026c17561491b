/**
 * A session and the sub-agents that it owns: each is a session of its own, in the same home, and the tree of them is in the owner's log.
 *
 * Y1  What one of them spends counts for the owner's limit, and what it does for the bounds of the owner's turn.
 * Y2  What is closed makes no further call once whoever closed it is told.
 */
import { isPerdureError, perdureError } from '@perdure/protocol';
import type { SessionId } from '../../kernel/ids.ts';
import type { Usage, Work } from '../../log/events.ts';
import { ownWork } from '../../session/reduce-agent.ts';
import { MAX_SUBAGENTS, type SessionState, type SubagentEntry } from '../../session/state.ts';
import { emptyTree, SUBAGENT_DEPTH, type SubagentTree } from '../../tool/subagents.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { subagentId } from './ids.ts';

/** Where an agent's configuration says no other number. */
const OPEN_AT_ONCE = 6;

/** The session that owns it: itself, unless it is a sub-agent's. @throws session_not_found if that is gone */
export async function ownerOf(engine: EngineContext, live: LiveSession): Promise<LiveSession> {
  const owner = mustState(live).subagent?.owner;
  if (owner === undefined) return live;
  const found = await engine.sessions.load(live.tenant, owner, live.store);
  if (found?.state?.kind !== 'agent' || found.state.phase === 'ended') throw perdureError('session_not_found');
  return found;
}

/** The sessions of its sub-agents, closed ones too. One that was never begun, or is erased already, has none. */
export async function membersOf(engine: EngineContext, owner: LiveSession): Promise<readonly LiveSession[]> {
  const found: LiveSession[] = [];
  for (const { session } of entriesOf(owner)) {
    const live = await memberOf(engine, owner, session);
    if (live !== null) found.push(live);
  }
  return found;
}

/** The owner, and the sessions of its sub-agents. */
export async function familyOf(engine: EngineContext, owner: LiveSession): Promise<readonly LiveSession[]> {
  return [owner, ...(await membersOf(engine, owner))];
}

export async function memberOf(
  engine: EngineContext,
  { tenant, store }: LiveSession,
  session: SessionId,
): Promise<LiveSession | null> {
  const live = await engine.sessions.load(tenant, session, store);
  return live?.state?.subagent === undefined || live.state.phase === 'ended' ? null : live;
}

export function entriesOf(owner: LiveSession): readonly SubagentEntry[] {
  return mustState(owner).subagents?.all ?? [];
}

/** What an agent is called among the others: a sub-agent by its id, the session's own by that of its configuration. */
export function agentName(state: SessionState): string {
  return state.subagent === undefined ? (state.agent?.id ?? '') : subagentId(state.session);
}

/** The tree as the owner's log says it. @param open how many the session's agent may have open */
export function treeOf(owner: SessionState, open: number | null): SubagentTree {
  const root = owner.agent?.id ?? '';
  const tree = emptyTree(root, { depth: SUBAGENT_DEPTH, open: open ?? OPEN_AT_ONCE, total: MAX_SUBAGENTS });
  const all = (owner.subagents?.all ?? []).map(({ session, parent, depth, openedAt, closedAt }) => ({
    id: subagentId(session),
    name: null,
    parent: parent === null ? root : subagentId(parent),
    depth,
    status: closedAt === null ? ('active' as const) : ('closed' as const),
    running: false,
    openedAt,
    closedAt,
  }));
  return { ...tree, all };
}

/** Whether it is a sub-agent that was closed, or whose owner is gone. */
export async function isClosed(engine: EngineContext, live: LiveSession): Promise<boolean> {
  if (mustState(live).subagent === undefined) return false;
  try {
    const owner = await ownerOf(engine, live);
    return entriesOf(owner).find(({ session }) => session === live.session)?.closedAt !== null;
  } catch (error) {
    // What cannot be read now says nothing of it.
    if (!isPerdureError(error) || error.code !== 'session_not_found') throw error;
    return true;
  }
}

/** What all of them used, by target. @param all the owner, and those that it owns */
export function familyUsage(
  all: readonly LiveSession[],
): readonly { readonly target: string; readonly usage: Usage }[] {
  return all.flatMap(one => Object.entries(mustState(one).used ?? {}).map(([target, usage]) => ({ target, usage })));
}

export async function familyWork(engine: EngineContext, owner: LiveSession): Promise<Work> {
  const works = (await familyOf(engine, owner)).map(one => ownWork(mustState(one)));
  return works.reduce((a, b) => ({ calls: a.calls + b.calls, tokens: a.tokens + b.tokens }));
}

/** Who asks for what a sub-agent does: whoever asked for the turn in which it was told to, as the session was opened. */
export function callerFor({ tenant, origin }: SessionState, principal: string): Caller {
  const { product, channel, segment } = origin;
  return { tenant, principal, product, channel, segment, scopes: [] };
}
