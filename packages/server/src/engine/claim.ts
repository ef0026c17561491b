/** Which process has a session (L3), and how one writes to it. */
import { perdureError } from '@perdure/protocol';
import type { EventBody } from '../log/events.ts';
import type { Prepared } from './chain.ts';
import type { EngineContext } from './engine-context.ts';
import type { LiveSession } from './live-session.ts';
import { mustState } from './plan.ts';

/** What makes the session this process's: nothing if it is already. Waits another holder's lease out (L3). */
export async function claim(engine: EngineContext, live: LiveSession): Promise<readonly EventBody[]> {
  const state = mustState(live);
  if (state.owner === engine.owner) return [];
  if (state.owner !== null) {
    const remaining = await engine.sessions.wait(live.store.ownerRemaining(state.owner));
    if (remaining > 0)
      throw perdureError('conversation_locked', 'Another process holds this session.', { retryAfterMs: remaining });
  }
  return [{ type: 'session.claimed', head: { owner: engine.owner }, payload: null }];
}

/**
 * Commits, as the session's holder. Call it inside the session's queue.
 * @param bodies made when their time has come, if they follow from the state; nothing is committed if there are none
 * @returns null if there was nothing to say
 */
export async function commitClaimed(
  engine: EngineContext,
  live: LiveSession,
  bodies: readonly EventBody[] | (() => readonly EventBody[]),
  actor: string,
): Promise<Prepared | null> {
  if (bodies.length === 0 && typeof bodies !== 'function') return null;
  await engine.sessions.wait(engine.lease.ensure());
  const claimed = await claim(engine, live);
  const all = (): readonly EventBody[] => {
    const said = typeof bodies === 'function' ? bodies() : bodies;
    if (said.length === 0) throw NOTHING;
    return [...claimed, ...said];
  };
  try {
    return await engine.sessions.commit(live, all, { actor });
  } catch (error) {
    if (error !== NOTHING) throw error;
    return null;
  }
}

const NOTHING = new Error('there is nothing to say');
