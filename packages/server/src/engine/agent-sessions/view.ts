/** A session as it stands, for whoever looks at it. */
import type { JsonObject, Usage } from '../../log/events.ts';
import { decodeEvent } from '../../log/codec.ts';
import { type SessionStatus, statusOf } from '../../session/state.ts';
import { ToolFold } from '../../session/tool-fold.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { readTurn } from '../read.ts';
import { sumUsage } from '../../log/events.ts';
import { centsSpent } from './bounds.ts';
import { turnId } from './find.ts';
import { awaitedCalls } from './late-results.ts';
import { readConfig, readMetadata, type SessionConfig } from './session-config.ts';

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
  const status = statusOf(state.phase);
  const all = Object.values(state.used ?? {});
  return {
    id: live.session,
    config,
    metadata,
    createdAt: state.createdAt,
    updatedAt: state.updatedAt,
    status,
    actions: [
      ...(status === 'requires_action' ? await pendingActions(engine, live) : []),
      ...(await pending(engine, live)),
    ],
    turn: state.turn === null ? null : turnId(state.turn.response),
    usage: all.reduce<Usage | null>((sum, one) => sumUsage(sum, one), null),
    consumed: centsSpent(engine, state),
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

/** What the open turn waits for, read from its part of the log. */
async function pendingActions(engine: EngineContext, live: LiveSession): Promise<readonly JsonObject[]> {
  const { turn } = mustState(live);
  if (turn === null) return [];
  const { tenant, session, store } = live;
  const fold = new ToolFold();
  for (const stored of await readTurn(engine, store, { tenant, session, from: turn.inputSeq }))
    fold.take(decodeEvent({ tenant, session }, stored), 0, null);
  return fold.actions;
}
