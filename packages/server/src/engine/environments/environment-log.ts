/** The log of an environment that belongs to no session: it holds where it was placed, and later that it went. */
import { perdureError } from '@perdure/protocol';
import { type HomeId, homeTag, idBody, type SessionId, withHome } from '../../kernel/ids.ts';
import type { Caller } from '../caller.ts';
import type { EngineContext } from '../engine-context.ts';
import { endLog } from '../files/remove-file.ts';
import { placeAlone } from '../place-alone.ts';
import type { ResourceRow } from '../resources.ts';

/**
 * @param body of the id, where it was reserved; null draws one, which carries the home
 * @returns the environment's id
 * @throws idempotency_completed, placement_refused and what else a placement of state can fail with
 */
export async function placeEnvironment(
  engine: EngineContext,
  caller: Caller,
  labels: readonly string[],
  body: string | null,
): Promise<string> {
  const begun = body === null ? null : await begunBefore(engine, caller, body);
  if (begun !== null) return begun;
  const idIn = (home: HomeId): string => (body === null ? engine.ids.next('env', homeTag(home)) : idAt(body, home));
  return (await placeAlone(engine, caller, labels, idIn, sessionOfEnvironment)).id;
}

export const GONE = 'The environment of this Idempotency-Key was deleted.';

/** Whoever placed it may have died before there was more of it than its log. */
async function begunBefore(engine: EngineContext, { tenant }: Caller, body: string): Promise<string | null> {
  for (const store of engine.homes.all) {
    const id = idAt(body, store.home);
    const live = await engine.sessions.load(tenant, sessionOfEnvironment(id), store);
    if (live !== null) engine.sessions.forget(live);
    if (live?.state == null) continue;
    if (live.state.phase === 'ended') throw perdureError('idempotency_completed', GONE);
    return id;
  }
  return null;
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
