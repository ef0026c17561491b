/**
 * Tools that wait for sub-agents are rows (L4): they begin again when those have finished their turns.
 *
 * Z1  A tool that waits is looked at once it is durable that it does, and again whenever one of those that it waits for comes to rest: whichever of the
 *     two comes last finds it. A process that dies in between leaves it to recovery, and to the time until which it waits at most.
 */
import { toPerdureError } from '@perdure/protocol';
import type { SessionId } from '../../kernel/ids.ts';
import type { EventBody } from '../../log/events.ts';
import { goesOn, type SessionState, type ToolState } from '../../session/state.ts';
import type { EngineContext } from '../engine-context.ts';
import { killPoint } from '../kill-point.ts';
import type { LiveSession } from '../live-session.ts';
import { mustState } from '../plan.ts';
import { commitClaimed } from '../claim.ts';
import { entriesOf, memberOf, ownerOf } from './family.ts';

/** Has its yielded tools begin again, those whose time has come. @returns whether any does */
export async function resumeReady(engine: EngineContext, live: LiveSession): Promise<boolean> {
  if (yielded(live.state).length === 0) return false;
  const ready = new Set<string>();
  for (const tool of yielded(live.state)) if (await isReady(engine, live, tool)) ready.add(tool.callId);
  if (ready.size === 0) return false;
  return engine.sessions.exclusive(live, async () => {
    const resumed = (): readonly EventBody[] =>
      // Of some of them somebody else may have been quicker.
      yielded(live.state).flatMap(({ callId }): EventBody[] =>
        ready.has(callId) ? [{ type: 'tool.resumed', head: { callId }, payload: null }] : [],
      );
    killPoint('subagent.before-resumed');
    const said = await commitClaimed(engine, live, resumed, 'engine');
    if (said !== null) killPoint('subagent.after-resumed');
    return said !== null;
  });
}

export function yielded(state: SessionState | null): readonly ToolState[] {
  return state?.turn?.tools.filter(tool => tool.status === 'yielded') ?? [];
}

async function isReady(engine: EngineContext, live: LiveSession, { yielded: wait }: ToolState): Promise<boolean> {
  if (wait === undefined || wait.until <= engine.clock.now()) return true;
  // Whoever drives the session has something to say: it is not kept waiting for the others.
  if ((mustState(live).turn?.queued?.length ?? 0) > 0) return true;
  for (const session of wait.on) {
    const member = await memberOf(engine, live, session);
    if (member !== null && goesOn(mustState(member))) return false;
  }
  return true;
}

/** A turn of a sub-agent is over: whoever above it waits for that is looked at. It never fails. */
export async function cameToRest(
  engine: EngineContext,
  live: LiveSession,
  goOn: (live: LiveSession) => Promise<void>,
): Promise<void> {
  if (engine.stopping()) return;
  try {
    const owner = await ownerOf(engine, live);
    const above: SessionId[] = [];
    for (let at = mustState(live).subagent?.parent ?? null; at !== null; ) {
      above.push(at);
      at = entriesOf(owner).find(({ session }) => session === at)?.parent ?? null;
    }
    for (const session of above) {
      const one = await memberOf(engine, owner, session);
      if (one !== null && (await resumeReady(engine, one))) await goOn(one);
    }
    if (await resumeReady(engine, owner)) await goOn(owner);
  } catch (error) {
    engine.report('subagents.rest', toPerdureError(error));
  }
}
