/** Which process has a session (L3). */
import { perdureError } from '@perdure/protocol';
import type { EventBody } from '../log/events.ts';
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
