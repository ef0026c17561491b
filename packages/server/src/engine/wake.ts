/**
 * What happens to a session whose time has come: its approvals that nobody gave expire, and the tools that waited for them are told so; messages that a
 * failed turn ended without begin another.
 */
import { idBody, itemId, MAX_PARTS } from '../kernel/ids.ts';
import type { EventBody, LoggedItem } from '../log/events.ts';
import type { SessionRow } from '../log/rows.ts';
import type { SessionState } from '../session/state.ts';
import { beginUnheard } from './agent-sessions/begin-unheard.ts';
import type { EngineContext } from './engine-context.ts';
import { mustState } from './plan.ts';
import { recoverSession } from './recovery.ts';
import { commitClaimed } from './claim.ts';
import { outputId } from './tools/output.ts';

export async function wakeSession(engine: EngineContext, row: SessionRow): Promise<void> {
  const store = engine.homes.ofBody(idBody(row.session, 'sess') ?? '');
  const live = store === null ? null : await engine.sessions.load(row.tenant, row.session, store);
  if (live === null) return;
  await engine.sessions.exclusive(live, async () => {
    const bodies = expiry(mustState(live), engine.clock.now());
    if ((await commitClaimed(engine, live, bodies, 'engine')) === null) return;
    // An agent's turn may run on beside it: its context has grown already.
    if (mustState(live).kind !== 'agent') engine.sessions.grew(live.context.reset());
  });
  await recoverSession(engine, live);
  await beginUnheard(engine, live);
  await engine.subagents.look(live);
}

/** The events that close what has expired; none if nothing has. */
export function expiry(state: SessionState, now: number): readonly EventBody[] {
  const { turn } = state;
  if (turn === null) return [];
  const expired = turn.approvals.filter(approval => approval.expiresAt <= now);
  const late = turn.awaits !== undefined && turn.awaits.expiresAt <= now ? turn.tools.filter(one => one.parked) : [];
  const unserved = late.map(
    ({ callId }): EventBody => ({
      type: 'tool.failed',
      head: { callId, code: 'environment_disconnected', count: 1 },
      payload: { items: [expiredOutput(state, callId, NOBODY_CAME)], message: NOBODY_CAME },
    }),
  );
  const unanswered = expired.flatMap(({ approval, callId }): EventBody[] => [
    { type: 'approval.expired', head: { approval }, payload: null },
    {
      type: 'tool.failed',
      head: { callId, code: 'approval_expired', count: 1 },
      payload: { items: [expiredOutput(state, callId)] },
    },
  ]);
  return [...unanswered, ...unserved];
}

const NOBODY_CAME = 'The environment was not connected in time, so the tool did not run.';

function expiredOutput(state: SessionState, callId: string, why?: string): LoggedItem {
  const text = why === undefined ? 'The approval expired.' : `Error: ${why}`;
  const tool = state.turn?.tools.find(one => one.callId === callId);
  if (tool?.item !== undefined) return { ...expiredItem(callId, text), id: outputId(tool) };
  const body = idBody(state.turn?.response ?? '', 'resp') ?? '';
  const index = state.openCalls.indexOf(callId);
  // Calls number their parts from 1 up; the last part is for what no call made.
  const id = itemId('fco', body, MAX_PARTS, Math.max(0, index));
  return { ...expiredItem(callId, text), id };
}

function expiredItem(callId: string, output: string): Omit<LoggedItem, 'id'> & { readonly type: string } {
  return { type: 'function_call_output', call_id: callId, status: 'completed', output };
}
