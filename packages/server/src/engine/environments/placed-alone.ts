/** State that no session holds yet is placed like a session's: its home is decided under contract, and a log of its own holds the placement. */
import { perdureError } from '@perdure/protocol';
import { type HomeId, homeTag, idBody, type SessionId, withHome } from '../../kernel/ids.ts';
import { actorOf, type Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { endLog } from '../files/remove-file.ts';
import { originOf } from '../origin.ts';
import { recordRefusal } from '../refusal.ts';
import { NO_USE } from '../../session/state.ts';
import type { ResourceRow } from '../resources.ts';

/**
 * @param body of the id, where it was reserved; null draws one, which carries the home
 * @returns the environment's id
 * @throws placement_refused and what else a placement of state can fail with
 */
export async function placeAlone(
  engine: EngineContext,
  caller: Caller,
  labels: readonly string[],
  body: string | null,
): Promise<string> {
  const { tenant } = caller;
  const origin = originOf(engine, caller);
  const session = 'sess_new' as SessionId;
  const subject = { tenant, session, origin, labels, startedAt: engine.clock.now(), use: NO_USE };
  const placed = engine.placing.state({ ...subject, model: '' });
  const store = engine.homes.get(placed.ok ? placed.home : (engine.homes.all[0]?.home ?? ('' as HomeId)));
  if (store === null) throw perdureError('store_unavailable');
  if (!placed.ok) throw await recordRefusal(engine, caller, store, { ...placed, subject: null, origin });
  const id = body === null ? engine.ids.next('env', homeTag(placed.home)) : idAt(body, placed.home);
  await engine.sessions.wait(engine.lease.ensure());
  const live = engine.sessions.begin(tenant, sessionOfEnvironment(id), store);
  const head = {
    kind: 'responses',
    home: placed.home,
    owner: engine.owner,
    origin,
    lineage: [],
    labels,
    openCalls: [],
    continues: null,
  } as const;
  await engine.sessions.commit(
    live,
    [
      { type: 'session.created', head, payload: null },
      { type: 'state.placed', head: { placement: placed.record }, payload: null },
    ],
    { actor: actorOf(caller) },
  );
  engine.sessions.forget(live);
  return id;
}

/** The id of what a reserved body was for, had its home been this. */
export function idAt(body: string, home: HomeId): string {
  return `env_${withHome(body, homeTag(home))}`;
}

function sessionOfEnvironment(id: string): SessionId {
  return id.replace('env_', 'sess_') as SessionId;
}

/** It holds state no more. Does nothing for what lay at its session's home, or has ended. */
export async function endAlone(
  engine: EngineContext,
  { tenant, id, parent }: Pick<ResourceRow, 'tenant' | 'id' | 'parent'>,
): Promise<void> {
  if (parent !== null) return;
  const store = engine.homes.ofBody(idBody(id, 'env') ?? '');
  if (store !== null) await endLog(engine, store, { tenant, session: sessionOfEnvironment(id) });
}
