/** One event of a session's log. */
import { decodeEvent } from '../log/codec.ts';
import type { EventType, LogEvent } from '../log/events.ts';
import type { EngineContext } from './engine-context.ts';
import type { LiveSession } from './live-session.ts';

/** Null: none of those types is there. */
export async function eventAt<T extends EventType>(
  engine: Pick<EngineContext, 'sessions'>,
  { tenant, session, store }: Pick<LiveSession, 'tenant' | 'session' | 'store'>,
  seq: number,
  ...types: readonly T[]
): Promise<Extract<LogEvent, { readonly type: T }> | null> {
  const [stored] = await engine.sessions.wait(store.events({ tenant, session, from: seq, to: seq, limit: 1 }));
  const event = stored === undefined ? null : decodeEvent({ tenant, session }, stored);
  return event !== null && (types as readonly EventType[]).includes(event.type)
    ? (event as Extract<LogEvent, { readonly type: T }>)
    : null;
}
