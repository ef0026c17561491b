/** State that no session holds yet is placed like a session's: its home is decided under contract, and a log of its own holds the placement. */
import { perdureError } from '@perdure/protocol';
import type { HomeId, SessionId } from '../kernel/ids.ts';
import { NO_USE } from '../session/state.ts';
import { beginLog } from './begin-log.ts';
import { actorOf, type Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { originOf } from './origin.ts';
import type { SessionLog } from './ports.ts';
import { recordRefusal } from './refusal.ts';

export interface PlacedAlone {
  readonly id: string;
  readonly store: SessionLog;
  /** ms since 1970. */
  readonly createdAt: number;
}

/**
 * Nothing of its log is kept in memory.
 * @param idIn what it is called in the home that it gets
 * @param logOf the session whose log that is
 * @throws placement_refused and what else a placement of state can fail with
 */
export async function placeAlone(
  engine: EngineContext,
  caller: Caller,
  labels: readonly string[],
  idIn: (home: HomeId) => string,
  logOf: (id: string) => SessionId,
): Promise<PlacedAlone> {
  const { tenant, principal: key } = caller;
  const origin = originOf(engine, caller);
  const createdAt = engine.clock.now();
  const subject = { tenant, session: 'sess_new' as SessionId, origin, labels, startedAt: createdAt, use: NO_USE, key };
  const placed = engine.placing.state({ ...subject, model: '' });
  const store = engine.homes.get(placed.ok ? placed.home : (engine.homes.all[0]?.home ?? ('' as HomeId)));
  if (store === null) throw perdureError('store_unavailable');
  if (!placed.ok) throw await recordRefusal(engine, caller, store, { ...placed, subject: null, origin });
  const { home, record: placement } = placed;
  const id = idIn(home);
  const created = { kind: 'responses', home, owner: engine.owner, origin, labels } as const;
  const head = { ...created, lineage: [], openCalls: [], continues: null };
  const { live } = await beginLog(
    engine,
    { tenant, session: logOf(id), store },
    [
      { type: 'session.created', head, payload: null },
      { type: 'state.placed', head: { placement }, payload: null },
    ],
    actorOf(caller),
  );
  engine.sessions.forget(live);
  return { id, store, createdAt };
}
