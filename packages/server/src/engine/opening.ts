/** How a turn's session is entered: a new one, one that goes on, or a fork. Decided before anything of the turn is committed. */
import type { HomeId, ResponseId } from '../kernel/ids.ts';
import type { EventBody, HeadOf } from '../log/events.ts';
import { prefixEnd } from '../session/state.ts';
import type { LiveSession } from './live-session.ts';
import type { PlacingSubject } from './placing.ts';

export interface Opening {
  readonly live: LiveSession;
  readonly subject: PlacingSubject;
  readonly home: HomeId;
  /** What begins or claims the session before the input. */
  readonly bodies: readonly EventBody[];
  readonly openCalls: readonly string[];
  readonly previous: ResponseId | null;
  /** Tells the session that is forked from; null if none is. Only once all else is decided: what is refused must hold nothing (L13). */
  readonly announce: (() => Promise<void>) | null;
}

/** The position before the turn's input. */
export function positionBefore(opening: Opening): number {
  return opening.live.state?.position ?? prefixEnd(createdIn(opening)?.lineage ?? []);
}

/** Reads the context that the turn goes on from. Returns the change in bytes. */
export function loadContext(opening: Opening): Promise<number> {
  const { tenant, session, state, context, store } = opening.live;
  if (state !== null) return context.load(store, state);
  const { lineage = [], compacted = null } = createdIn(opening) ?? {};
  return context.load(store, { tenant, session, lineage, position: prefixEnd(lineage), compacted });
}

function createdIn({ bodies }: Opening): HeadOf<'session.created'> | undefined {
  return bodies.find(body => body.type === 'session.created')?.head;
}
