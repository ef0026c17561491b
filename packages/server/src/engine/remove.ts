/** Deleting responses: hidden at once, erased with the last that needs them (L13). */
import { perdureError } from '@perdure/protocol';
import type { SessionId, TenantId } from '../kernel/ids.ts';
import { actorOf, type Caller } from './caller.ts';
import { cancelResponse } from './cancel.ts';
import { seqAt } from './conversations.ts';
import type { EngineContext } from './engine-context.ts';
import type { LiveSession } from './live-session.ts';
import { findResponse, mustState, short } from './plan.ts';
import type { SessionLog } from './ports.ts';
import { claim } from './respond.ts';

/** A background response that runs is cancelled first. @throws response_not_found, response_in_progress */
export async function deleteResponse(engine: EngineContext, caller: Caller, id: string): Promise<void> {
  const row = await findResponse(engine, caller, id);
  const store = row === null ? null : engine.homes.ofBody(id.slice('resp_'.length));
  const live = row === null || store === null ? null : await engine.sessions.load(caller.tenant, row.session, store);
  if (row === null || live === null)
    throw perdureError('response_not_found', `Response with id '${short(id)}' not found.`);
  const open = mustState(live).turn;
  if (open?.response === row.id && open.background) await cancelResponse(engine, caller, id);
  await engine.sessions.exclusive(live, async () => {
    if (mustState(live).turn?.response === row.id)
      throw perdureError('response_in_progress', 'The response is still in progress: wait for its end.');
    await engine.sessions.wait(engine.lease.ensure());
    const claimed = await claim(engine, live);
    const deleted = { type: 'response.deleted', head: { response: row.id }, payload: null } as const;
    await engine.sessions.commit(live, [...claimed, deleted], { actor: actorOf(caller) });
    await reap(engine, live);
  });
}

/**
 * Erases the tail that no living response and no living fork needs. A conversation keeps its items until it is deleted itself.
 * Runs inside the session's queue; a crash in between leaves a tail that the next deletion erases.
 */
async function reap(engine: EngineContext, live: LiveSession): Promise<void> {
  const state = mustState(live);
  const kept = state.kind !== 'responses' && state.phase !== 'ended';
  if (kept || state.turn !== null) return;
  const { tenant, session, store } = live;
  const { seq, forks } = await engine.sessions.wait(store.retained(tenant, session));
  const shared = forks.reduce((most, fork) => Math.max(most, fork.to), 0);
  const after = Math.max(seq, shared === 0 ? 0 : await seqAt(engine, live, shared));
  const whole = after === 0;
  await engine.sessions.commit(live, [{ type: 'session.erased', head: { after, whole }, payload: null }], {
    actor: 'engine',
  });
  engine.sessions.grew(live.context.reset());
  const parent = state.lineage.at(-1);
  if (whole && parent !== undefined) await reapParent(engine, tenant, parent.session, store);
}

/** The fork is gone: its parent may hold what only the fork needed. */
async function reapParent(
  engine: EngineContext,
  tenant: TenantId,
  session: SessionId,
  store: SessionLog,
): Promise<void> {
  const parent = await engine.sessions.load(tenant, session, store);
  if (parent === null) return;
  await engine.sessions.exclusive(parent, async () => {
    const claimed = await claim(engine, parent);
    if (claimed.length > 0) await engine.sessions.commit(parent, claimed, { actor: 'engine' });
    await reap(engine, parent);
  });
}
