/** A session as it stands, for whoever looks at it. */
import { type JsonObject, sumUsage, type Usage } from '../../log/events.ts';
import { decodeEvent } from '../../log/codec.ts';
import { beginsAt, type SessionState, type SessionStatus, statusOf } from '../../session/state.ts';
import { ToolFold } from '../../session/tool-fold.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { readMetadata } from '../metadata.ts';
import { mustState } from '../plan.ts';
import { readTurn } from '../read.ts';
import { familyUsage, membersOf } from '../subagents/family.ts';
import { centsSpent } from './bounds.ts';
import { turnId } from './find.ts';
import { awaitedCalls } from './late-results.ts';
import { readConfig, type SessionConfig } from './session-config.ts';

export interface SessionView {
  readonly id: string;
  readonly config: SessionConfig;
  readonly metadata: { readonly [key: string]: string };
  /** ms since 1970. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly status: SessionStatus;
  /** What it waits for, then the calls that it went on without. */
  readonly actions: readonly JsonObject[];
  /** The open turn's id on the wire. */
  readonly turn: string | null;
  readonly usage: Usage | null;
  /** Whole cents of USD. */
  readonly consumed: number;
}

export async function viewSession(engine: EngineContext, live: LiveSession): Promise<SessionView> {
  const [config, metadata] = [await readConfig(engine, live), await readMetadata(engine, live)];
  const state = mustState(live);
  const own = await pendingActions(engine, live);
  const members = await membersOf(engine, live);
  const family = [live, ...members];
  const actions = [...own, ...(await memberActions(engine, members))];
  return {
    id: live.session,
    config,
    metadata,
    createdAt: state.createdAt,
    updatedAt: state.updatedAt,
    status: standingOf(state, actions.length),
    actions: [...actions, ...(await pending(engine, live))],
    turn: state.turn === null ? null : turnId(state.turn.response),
    usage: familyUsage(family).reduce<Usage | null>((sum, { usage }) => sumUsage(sum, usage), null),
    consumed: centsSpent(engine, family),
  };
}

/** Calls that wait for their results while all else goes on. */
async function pending(engine: EngineContext, live: LiveSession): Promise<readonly JsonObject[]> {
  return (await awaitedCalls(engine, live)).map(({ call, arguments: args }) => ({
    kind: 'function_call',
    turn: turnId(call.turn),
    call_id: call.callId,
    name: call.tool,
    arguments: args,
  }));
}

/** What waits for sub-agents alone is under way; and where one of those waits for people, the session does. */
function standingOf(state: SessionState, actions: number): SessionStatus {
  const status = beginsAt(state) === null ? statusOf(state.phase) : 'in_progress';
  if (status === 'requires_action' && actions === 0) return 'in_progress';
  return status === 'idle' && actions > 0 ? 'requires_action' : status;
}

/** What the session's sub-agents wait for, each with its turn. */
async function memberActions(engine: EngineContext, members: readonly LiveSession[]): Promise<readonly JsonObject[]> {
  const all: JsonObject[] = [];
  for (const member of members) {
    const { turn } = mustState(member);
    if (turn === null) continue;
    const actions = await pendingActions(engine, member);
    all.push(...actions.map(action => ({ ...action, turn: turnId(turn.response) })));
  }
  return all;
}

/** What the open turn waits for, read from its part of the log. */
async function pendingActions(engine: EngineContext, live: LiveSession): Promise<readonly JsonObject[]> {
  const { turn, phase } = mustState(live);
  if (turn === null || phase !== 'waiting') return [];
  const { tenant, session, store } = live;
  const fold = new ToolFold();
  for (const stored of await readTurn(engine, store, { tenant, session, from: turn.inputSeq }))
    fold.take(decodeEvent({ tenant, session }, stored), 0, null);
  return fold.actions;
}
