/** Sessions that are started under a key: their ids are made of it, so that whoever starts one again finds it, whenever that is. */
import { toPerdureError } from '@perdure/protocol';
import { type HomeId, homeTag, type SessionId } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import type { LiveSession } from '../live-session.ts';

const TIME_CHARS = 10;
const HOME_CHARS = 4;

/** @param seed the body of an id that nothing else has: its time and chance become the session's */
export function keyedSessionId(seed: string, home: HomeId): SessionId {
  return `sess_${seed.slice(0, TIME_CHARS)}${homeTag(home)}${seed.slice(TIME_CHARS + HOME_CHARS)}` as SessionId;
}

/** The session that was made under the key, in whichever home; one that was deleted since too. */
export async function findKeyed(engine: EngineContext, caller: Caller, seed: string): Promise<LiveSession | null> {
  for (const store of engine.homes.all) {
    const live = await engine.sessions.load(caller.tenant, keyedSessionId(seed, store.home), store);
    if (live !== null && live.state !== null) return live;
  }
  return null;
}

/** Whether the same may work later: what was made under a key stays until then. */
export function maySucceedLater(error: unknown): boolean {
  const { next } = toPerdureError(error);
  return next === 'retry' || next === 'retry-after';
}
