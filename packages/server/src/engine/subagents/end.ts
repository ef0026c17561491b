/** Ending what sub-agents do, and them with the session that owns them. */
import { perdureError } from '@perdure/protocol';
import { closeSubagent, reach, resumeSubagent } from '../../tool/subagents.ts';
import { cancelOpenTurn } from '../agent-sessions/cancel-session.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { killPoint } from '../kill-point.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { endConversation, hideAll } from '../remove.ts';
import { agentName, entriesOf, memberOf, membersOf, treeOf } from './family.ts';
import { sessionOfSubagent } from './ids.ts';
import { type Acting, changeTree, NotPossible, openBound } from './make.ts';

/** Closes it and all below it, and ends what they run. Again: whatever of it is not done yet. */
export async function closeOne(engine: EngineContext, who: Acting, id: string): Promise<void> {
  const { live, owner, caller } = who;
  const by = agentName(mustState(live));
  await changeTree(engine, who, () => {
    const state = mustState(owner);
    const closed = closeSubagent(treeOf(state, null), by, id, engine.clock.now());
    if (!closed.ok) throw new NotPossible(closed);
    const sessions = closed.changed.map(one => sessionOfSubagent(one.id));
    const previous = state.subagents?.last ?? 0;
    return sessions.length === 0 ? [] : [{ type: 'subagent.closed', head: { sessions, previous }, payload: null }];
  });
  killPoint('subagent.after-closed');
  const tree = treeOf(mustState(owner), null);
  for (const one of tree.all) {
    if (one.id !== id && reach(tree, id, one.id) === null) continue;
    const member = await memberOf(engine, owner, sessionOfSubagent(one.id));
    // None begins after that: it is closed (Y2).
    if (member !== null) await endTurn(engine, caller, member);
  }
}

/** Opens it again: what was below it stays closed. */
export async function reopenOne(engine: EngineContext, who: Acting, id: string): Promise<void> {
  const { live, owner } = who;
  const open = await openBound(engine, owner);
  await changeTree(engine, who, () => {
    const state = mustState(owner);
    const opened = resumeSubagent(treeOf(state, open), agentName(mustState(live)), id);
    if (!opened.ok) throw new NotPossible(opened);
    const head = { session: sessionOfSubagent(id), previous: state.subagents?.last ?? 0 };
    return opened.changed.length === 0 ? [] : [{ type: 'subagent.reopened', head, payload: null }];
  });
}

/** Ends what all sub-agents of a session run: whoever drives it wants it to stop. They stay open. */
export async function cancelMembers(engine: EngineContext, caller: Caller, owner: LiveSession): Promise<void> {
  // Until its own turn has ended each of them may make others.
  for (let ended = -1; ended < entriesOf(owner).length; ) {
    ended = entriesOf(owner).length;
    for (const member of await membersOf(engine, owner)) await endTurn(engine, caller, member);
  }
}

/** Also one that is about to begin, or to be taken up: after what waits for its turn in the session. */
async function endTurn(engine: EngineContext, caller: Caller, member: LiveSession): Promise<void> {
  await engine.sessions.exclusive(member, async () => undefined);
  await cancelOpenTurn(engine, caller, member);
}

/** Before a session is deleted: sub-agents that wait for people end with it. @throws session_running if one runs */
export async function settleMembers(engine: EngineContext, caller: Caller, owner: LiveSession): Promise<void> {
  for (const member of await membersOf(engine, owner)) {
    const { phase, turn } = mustState(member);
    if (turn !== null && phase !== 'waiting') throw running();
    if (turn !== null) await cancelOpenTurn(engine, caller, member);
  }
}

/** Ends and erases all sub-agents of a session that ends: before it, so that one that a process leaves is ended with the next try (L13). */
export async function endMembers(engine: EngineContext, owner: LiveSession, actor: string): Promise<void> {
  for (const member of await membersOf(engine, owner))
    await engine.sessions.exclusive(member, async () => {
      if (member.stale || mustState(member).turn !== null) throw running();
      await hideAll(engine, member, actor);
      await endConversation(engine, member, actor);
    });
}

function running(): Error {
  return perdureError('session_running', 'A sub-agent of the session has a turn in progress: cancel it first.');
}
