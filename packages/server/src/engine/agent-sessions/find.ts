/** Finding a session of an agent, and its turns. What is foreign looks like what does not exist (L10). */
import { perdureError } from '@perdure/protocol';
import { idBody, type ResponseId, type SessionId } from '../../kernel/ids.ts';
import type { ResponseRow } from '../../log/rows.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { short } from '../plan.ts';
import { conversationExpired } from '../retention.ts';

/** A session that clients drive: none that is a sub-agent's. @throws session_not_found */
export async function findSession(engine: EngineContext, caller: Caller, id: string): Promise<LiveSession> {
  const found = engine.homes.locate(id, 'sess');
  const live = found && (await engine.sessions.load(caller.tenant, id as SessionId, found.store));
  const { kind, phase, subagent } = live?.state ?? {};
  const hidden = kind !== 'agent' || phase === 'ended' || subagent !== undefined;
  if (live?.state == null || hidden || conversationExpired(engine, live.state))
    throw perdureError('session_not_found', `Session with id '${short(id)}' not found.`);
  return live;
}

/** The wire's id of a turn has the body of its response. */
export function turnId(response: string): string {
  return response.replace(/^resp_/, 'turn_');
}

export function responseOfTurn(turn: string): ResponseId | null {
  return turn.startsWith('turn_') && idBody(turn.replace(/^turn_/, 'resp_'), 'resp') !== null
    ? (turn.replace(/^turn_/, 'resp_') as ResponseId)
    : null;
}

/** @throws turn_not_found */
export async function findTurn(engine: EngineContext, live: LiveSession, turn: string): Promise<ResponseRow> {
  const response = responseOfTurn(turn);
  const row = response && (await engine.sessions.wait(live.store.response(live.tenant, response)));
  if (row?.session !== live.session) throw perdureError('turn_not_found', `Turn with id '${short(turn)}' not found.`);
  return row;
}
