/** Items by their ids. An id says where its item lies, so that no index of items is kept. */
import { parseItemId, type ResponseId } from '../kernel/ids.ts';
import { decodeEvent } from '../log/codec.ts';
import type { LoggedItem } from '../log/events.ts';
import type { Caller } from './caller.ts';
import { readRun } from './context.ts';
import type { EngineContext } from './engine-context.ts';
import { MAX_EVENTS_READ } from './ports.ts';

/** The item, if it is of the caller's tenant and neither it nor its response was deleted. */
export async function findItem(engine: EngineContext, caller: Caller, id: string): Promise<LoggedItem | null> {
  const place = parseItemId(id);
  const store = place === null ? null : engine.homes.ofBody(place.body);
  if (place === null || store === null) return null;
  const { tenant } = caller;
  const row = await engine.sessions.wait(store.response(tenant, `resp_${place.body}` as ResponseId));
  if (row === null) {
    const run = await engine.sessions.wait(store.runByBase(tenant, place.body));
    if (run === null) return null;
    const { items } = await engine.sessions.wait(
      readRun(store, tenant, run, run.position, run.position + run.count - 1),
    );
    return items.find(item => item.id === id) ?? null;
  }
  const range = {
    tenant,
    session: row.session,
    from: row.fromSeq,
    ...(row.toSeq > 0 && { to: row.toSeq }),
    limit: MAX_EVENTS_READ,
  };
  for (const stored of await engine.sessions.wait(store.events(range))) {
    const { payload } = decodeEvent({ tenant, session: row.session }, stored);
    const found = payload !== null && 'items' in payload ? payload.items.find(item => item.id === id) : undefined;
    if (found !== undefined) return found;
  }
  return null;
}
