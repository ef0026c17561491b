/** Which session a request continues: a new one, the end of one, or a fork of one from an older response. */
import { perdureError, type PerdureError } from '@perdure/protocol';
import { type ResponseId, type SessionId } from '../kernel/ids.ts';
import { decodeEvent } from '../log/codec.ts';
import type { CompactionRef, SharedPrefix } from '../log/events.ts';
import type { ResponseRow } from '../log/rows.ts';
import { openCallIds } from '../session/compaction/items.ts';
import type { SessionState } from '../session/state.ts';
import type { Caller } from './caller.ts';
import { expand } from './compaction/open-item.ts';
import { compactionAt, segments } from './context.ts';
import type { EngineContext } from './engine-context.ts';
import type { LiveSession } from './live-session.ts';
import { MAX_EVENTS_READ } from './ports.ts';
import { conversationExpired, responseExpired } from './retention.ts';

/** Ancestors that a fork may have. Each costs a read when the context is loaded. */
export const MAX_FORK_DEPTH = 64;

export type Plan =
  | { readonly type: 'new' }
  | { readonly type: 'append'; readonly live: LiveSession; readonly previous: ResponseId | null }
  | {
      readonly type: 'fork';
      readonly parent: LiveSession;
      readonly previous: ResponseId;
      readonly position: number;
      readonly openCalls: readonly string[];
      /** The compaction in force at that position. */
      readonly compacted: CompactionRef | null;
    };

/** Of the session that the plan continues; null for a new one. */
export function stateOf(plan: Plan): SessionState | null {
  if (plan.type === 'new') return null;
  return mustState(plan.type === 'fork' ? plan.parent : plan.live);
}

export async function planTurn(
  engine: EngineContext,
  caller: Caller,
  request: { readonly previous_response_id?: string; readonly conversation?: string },
): Promise<Plan> {
  if (request.conversation !== undefined) {
    const live = await findConversation(engine, caller, request.conversation, 'conversation');
    checkOrigin(caller, mustState(live));
    return { type: 'append', live, previous: null };
  }
  if (request.previous_response_id === undefined) return { type: 'new' };
  return planContinuation(engine, caller, request.previous_response_id);
}

/** The live session of a conversation id. @throws conversation_not_found (L10: also for another tenant's) */
export async function findConversation(
  engine: EngineContext,
  caller: Caller,
  id: string,
  param: string | null = null,
): Promise<LiveSession> {
  const found = engine.homes.locate(id, 'conv');
  const live = found && (await engine.sessions.load(caller.tenant, `sess_${found.body}` as SessionId, found.store));
  if (live?.state?.kind !== 'conversation' || live.state.phase === 'ended' || conversationExpired(engine, live.state)) {
    throw perdureError('conversation_not_found', `Conversation with id '${short(id)}' not found.`, { param });
  }
  return live;
}

async function planContinuation(engine: EngineContext, caller: Caller, id: string): Promise<Plan> {
  const row = await findResponse(engine, caller, id);
  if (row === null) throw previousNotFound(id);
  const store = engine.homes.ofBody(id.slice('resp_'.length));
  const live = store && (await engine.sessions.load(caller.tenant, row.session, store));
  // The turns of agents are continued in their sessions.
  if (live == null || mustState(live).kind === 'agent') throw previousNotFound(id);
  if (row.toSeq === 0)
    throw perdureError('response_in_progress', 'The previous response is still in progress.', {
      param: 'previous_response_id',
    });
  if (row.status !== 'completed' && row.status !== 'incomplete')
    throw previousNotFound(
      id,
      `The previous response ${row.status === 'failed' ? 'failed' : 'was cancelled'}: continue from the one before it.`,
    );
  const state = mustState(live);
  checkOrigin(caller, state);
  if (state.kind === 'responses' && state.head === row.id && state.turn === null && state.phase === 'idle')
    return { type: 'append', live, previous: row.id };
  if (state.lineage.length >= MAX_FORK_DEPTH)
    throw perdureError('fork_depth_exceeded', undefined, { param: 'previous_response_id' });
  return {
    type: 'fork',
    parent: live,
    previous: row.id,
    position: row.position,
    openCalls: await openCallsAfter(engine, live, row),
    compacted: await engine.sessions.wait(
      compactionAt(live.store, caller.tenant, state.turn?.compactedBefore ?? state.compacted ?? null, row.position),
    ),
  };
}

/** A response of the caller's tenant; null if there is none, it was deleted, or its lifetime is over. */
export async function findResponse(engine: EngineContext, caller: Caller, id: string): Promise<ResponseRow | null> {
  const found = engine.homes.locate(id, 'resp');
  const row = found && (await engine.sessions.wait(found.store.response(caller.tenant, id as ResponseId)));
  return row === null || responseExpired(engine, caller.tenant, row) ? null : row;
}

/** The function calls that a finished response left to its client. */
async function openCallsAfter(engine: EngineContext, live: LiveSession, row: ResponseRow): Promise<readonly string[]> {
  const { tenant, session, store } = live;
  const stored = await engine.sessions.wait(
    store.events({ tenant, session, from: row.fromSeq, to: row.toSeq, limit: MAX_EVENTS_READ }),
  );
  const open: string[] = [];
  for (const one of stored) {
    const event = decodeEvent({ tenant, session }, one);
    // One that was only compacted left open what was open before it: its content holds those calls (K1).
    if (event.type === 'context.compacted' && event.head.final)
      open.push(...openCallIds(expand(event.payload?.items ?? [])));
    if (event.type === 'call.completed') open.push(...event.head.calls);
    // A call that a program made is none that the model left open.
    if ((event.type === 'tool.completed' || event.type === 'tool.failed') && open.includes(event.head.callId))
      open.splice(open.indexOf(event.head.callId), 1);
  }
  return open;
}

/** Product and channel are fixed when a session starts. @throws session_product_mismatch */
export function checkOrigin(caller: Caller, state: SessionState): void {
  if (caller.product !== state.origin.product || caller.channel !== state.origin.channel) {
    throw perdureError(
      'session_product_mismatch',
      `This session was started as ${state.origin.product} through ${state.origin.channel}; the key is for ${caller.product} through ${caller.channel}.`,
    );
  }
}

/** The ancestors of a fork of `parent` at `position`: those it needs, then the parent itself. */
export function lineageOf(parent: SessionState, position: number): readonly SharedPrefix[] {
  return segments(parent.session, parent.lineage, position).map(({ session, to }) => ({ session, to }));
}

export function mustState(live: LiveSession): SessionState {
  if (live.state === null)
    throw perdureError('internal_error', undefined, { cause: new Error(`${live.session} has no state`) });
  return live.state;
}

export function previousNotFound(id: string, why?: string): PerdureError {
  const message = why ?? `Previous response with id '${short(id)}' not found.`;
  return perdureError('previous_response_not_found', message, { param: 'previous_response_id' });
}

/** An id as an error may repeat it. */
export function short(id: string): string {
  return id.length > 64 ? `${id.slice(0, 64)}...` : id;
}
