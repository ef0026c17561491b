/** The beginning of a session's log: of one that has no turn yet. */
import type { EventBody } from '../log/events.ts';
import type { Prepared } from './chain.ts';
import type { EngineContext } from './engine-context.ts';
import type { LiveSession } from './live-session.ts';

/** Commits its first events. What could not be begun is not kept in memory. */
export async function beginLog(
  engine: EngineContext,
  { tenant, session, store }: Pick<LiveSession, 'tenant' | 'session' | 'store'>,
  bodies: readonly EventBody[],
  actor: string,
): Promise<{ readonly live: LiveSession; readonly prepared: Prepared }> {
  await engine.sessions.wait(engine.lease.ensure());
  const live = engine.sessions.begin(tenant, session, store);
  // Without items its context is known: it need not be read when the first turn begins.
  if (!bodies.some(({ type }) => type === 'items.added')) live.context.begin();
  try {
    return { live, prepared: await engine.sessions.commit(live, bodies, { actor }) };
  } catch (error) {
    engine.sessions.forget(live);
    throw error;
  }
}
