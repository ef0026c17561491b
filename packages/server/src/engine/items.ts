/** Items by their ids. An id says where its item lies, so that no index of items is kept. */
import { parseItemId, type TenantId } from '../kernel/ids.ts';
import { decodeEvent } from '../log/codec.ts';
import type { LoggedItem } from '../log/events.ts';
import type { ResponseRow } from '../log/rows.ts';
import type { Caller } from './caller.ts';
import { readRun } from './context.ts';
import type { EngineContext } from './engine-context.ts';
import { findResponse } from './plan.ts';
import { MAX_EVENTS_READ, type SessionLog } from './ports.ts';

/** The item, if it is of the caller's tenant and neither it nor its response was deleted. */
export async function findItem(engine: EngineContext, caller: Caller, id: string): Promise<LoggedItem | null> {
  const place = parseItemId(id);
  const store = place === null ? null : engine.homes.ofBody(place.body);
  if (place === null || store === null) return null;
  const { tenant } = caller;
  const row = await findResponse(engine, caller, `resp_${place.body}`);
  if (row === null) {
    const run = await engine.sessions.wait(store.runByBase(tenant, place.body));
    if (run === null) return null;
    const { items } = await engine.sessions.wait(
      readRun(store, tenant, run, run.position, run.position + run.count - 1),
    );
    return items.find(item => item.id === id) ?? null;
  }
  // What agents said is read in their sessions.
  if ((await engine.sessions.wait(store.session(tenant, row.session)))?.kind === 'agent') return null;
  const range = {
    tenant,
    session: row.session,
    from: row.fromSeq,
    ...(row.toSeq > 0 && { to: row.toSeq }),
    limit: MAX_EVENTS_READ,
  };
  const events = await engine.sessions.wait(store.events(range));
  for (const stored of events) {
    const { payload } = decodeEvent({ tenant, session: row.session }, stored);
    const items: readonly LoggedItem[] = payload !== null && 'items' in payload ? payload.items : [];
    const index = items.findIndex(item => item.id === id);
    if (index < 0) continue;
    const deleted = await deletedAmong(engine, store, tenant, { row, seq: stored.seq, most: events.length });
    return deleted.includes(index) ? null : (items[index] ?? null);
  }
  return null;
}

/**
 * The indices of an event's items that were deleted from their conversation; none for what a failed turn made, which is in no context.
 * @param at.most runs that the response can have: no more are read, however long the conversation (L11)
 */
async function deletedAmong(
  engine: EngineContext,
  store: SessionLog,
  tenant: TenantId,
  { row, seq, most }: { readonly row: ResponseRow; readonly seq: number; readonly most: number },
): Promise<readonly number[]> {
  const to = row.position > 0 ? row.position : Number.MAX_SAFE_INTEGER;
  const range = { tenant, session: row.session, from: 1, to, order: 'desc', limit: most } as const;
  const runs = await engine.sessions.wait(store.runs(range));
  return runs.find(run => run.seq === seq)?.deleted ?? [];
}
