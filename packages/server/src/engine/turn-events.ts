/** The events of a stretch of a session, however many: what happens beside a turn (metadata that is set, say) lies between its own. */
import type { StoredEvent } from '../log/codec.ts';
import type { EngineContext } from './engine-context.ts';
import { type EventRange, MAX_EVENTS_READ, type SessionLog } from './ports.ts';

export interface Stretch extends Pick<EventRange, 'tenant' | 'session' | 'from'> {
  readonly store: Pick<SessionLog, 'events'>;
  /** Inclusive; 0: the end of the log, as of a turn that is still open. */
  readonly to: number;
}

/** In their order, `MAX_EVENTS_READ` at a time. */
export async function* storedEvents(
  { sessions }: Pick<EngineContext, 'sessions'>,
  { tenant, session, store, from, to }: Stretch,
): AsyncGenerator<StoredEvent> {
  const last = to === 0 ? Number.POSITIVE_INFINITY : to;
  for (let next = from; next <= last; next += MAX_EVENTS_READ) {
    const range = { tenant, session, from: next, ...(to > 0 && { to }), limit: MAX_EVENTS_READ };
    const page = await sessions.wait(store.events(range));
    yield* page;
    if (page.length < MAX_EVENTS_READ) return;
  }
}
