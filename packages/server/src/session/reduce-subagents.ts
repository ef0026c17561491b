/**
 * The part of the reducer that is about the sub-agents that a session owns. Their own sessions are logs of their own.
 *
 * T1  Each has a parent in the tree that was open when it was made.
 * T3  What is closed has nothing open below it.
 */
import type { EnvelopeOf } from '../log/events.ts';
import type { SessionId } from '../kernel/ids.ts';
import { MAX_SUBAGENTS, type SessionState, type SubagentEntry } from './state.ts';

type TreeEvent = EnvelopeOf<'subagent.created' | 'subagent.closed' | 'subagent.reopened'>;

export function reduceSubagents(state: SessionState, event: TreeEvent): SessionState | string {
  const { all, last } = state.subagents ?? { all: [], last: 0 };
  if (state.kind !== 'agent' || state.subagent !== undefined) return 'it owns no sub-agents';
  if (event.head.previous !== last) return 'another event tells of its sub-agents before it';
  const changed = change(all, event);
  return typeof changed === 'string' ? changed : { ...state, subagents: { all: changed, last: event.seq } };
}

function change(all: readonly SubagentEntry[], event: TreeEvent): readonly SubagentEntry[] | string {
  const find = (session: SessionId): SubagentEntry | undefined => all.find(one => one.session === session);
  const open = (session: SessionId | null): boolean => session === null || find(session)?.closedAt === null;
  switch (event.type) {
    case 'subagent.created': {
      const { session, parent } = event.head;
      if (find(session) !== undefined) return 'it was made already';
      if (all.length >= MAX_SUBAGENTS) return 'there are as many as there may be';
      if (!open(parent)) return 'who made it is not open';
      const depth = (parent === null ? 0 : (find(parent)?.depth ?? 0)) + 1;
      return [...all, { session, parent, depth, seq: event.seq, openedAt: event.at, closedAt: null }];
    }
    case 'subagent.closed': {
      const { sessions } = event.head;
      if (sessions.length === 0 || new Set(sessions).size < sessions.length) return 'it closes nothing, or one twice';
      if (sessions.some(session => find(session)?.closedAt !== null)) return 'one of them is not open';
      const after = all.map(one => (sessions.includes(one.session) ? { ...one, closedAt: event.at } : one));
      const orphan = after.some(one => one.closedAt === null && one.parent !== null && sessions.includes(one.parent));
      return orphan ? 'one below them is open' : after;
    }
    case 'subagent.reopened': {
      const { session } = event.head;
      const found = find(session);
      if (found === undefined || found.closedAt === null) return 'it is not closed';
      if (!open(found.parent)) return 'who made it is not open';
      return all.map(one => (one === found ? { ...one, closedAt: null } : one));
    }
  }
}
