/** Items by their ids. An id says where its item lies, so that no index of items is kept. */
import { parseItemId, type TenantId } from '../kernel/ids.ts';
import { decodeEvent } from '../log/codec.ts';
import type { LoggedItem } from '../log/events.ts';
import type { ResponseRow } from '../log/rows.ts';
import type { Caller } from './caller.ts';
import { readRun } from './context.ts';
import type { EngineContext } from './engine-context.ts';
import { findResponse } from './plan.ts';
import type { SessionLog } from './ports.ts';
import { storedEvents } from './turn-events.ts';

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
  const { session, fromSeq: from, toSeq: to } = row;
  let found: { readonly item: LoggedItem; readonly index: number; readonly seq: number } | null = null;
  let runs = 0;
  for await (const stored of storedEvents(engine, { tenant, session, store, from, to })) {
    const { head, payload } = decodeEvent({ tenant, session }, stored);
    // Of what was erased the run is still there.
    if ('count' in head) runs += 1;
    if (payload === null || !('items' in payload)) continue;
    const index = payload.items.findIndex(item => item.id === id);
    const item = payload.items[index];
    if (item !== undefined) found ??= { item, index, seq: stored.seq };
  }
  if (found === null) return null;
  const deleted = await deletedAmong(engine, store, tenant, { row, seq: found.seq, most: runs });
  return deleted.includes(found.index) ? null : found.item;
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
