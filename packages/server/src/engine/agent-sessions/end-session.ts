/** The end of an agent's session: it is in no read and no list from here on, and is erased, unless a hold is in the way. */
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';
import { endConversation, hideAll } from '../remove.ts';

/** Call it inside the session's queue, with no turn open. */
export async function endSession(engine: EngineContext, live: LiveSession, actor: string): Promise<void> {
  const { tenant, session } = live;
  await engine.subagents.end(live, actor);
  await hideAll(engine, live, actor);
  await endConversation(engine, live, actor);
  const row = await engine.sessions.wait(engine.control.resource('agent_session', tenant, session));
  if (row !== null) {
    const { kind, version } = row;
    const change = { op: 'remove', kind, tenant, id: session, version } as const;
    await engine.sessions.wait(engine.control.changeResources([change], null));
  }
  engine.hub.wake(session);
}
