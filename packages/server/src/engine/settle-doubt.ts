/** What was held for a placement of which nobody knows whether it was committed. */
import type { EngineContext } from './engine-context.ts';
import type { LiveSession } from './live-session.ts';

/** Nothing of the session is in flight: what was held for a placement that never came to be is given back. */
export async function settleDoubt(
  engine: EngineContext,
  { tenant, session, store }: Pick<LiveSession, 'tenant' | 'session' | 'store'>,
): Promise<void> {
  const live = await engine.sessions.load(tenant, session, store);
  if (live?.state?.turn?.call == null) engine.spend.settleDoubt(session);
}
