/** Placements read back, from the log that holds them. */
import { perdureError } from '@perdure/protocol';
import { idBody, parsePlacementId, placementId, type ResponseId, type SessionId } from '../kernel/ids.ts';
import { decodeEnvelope } from '../log/codec.ts';
import type { Envelope, EnvelopeOf, JsonObject, SessionOrigin, Usage } from '../log/events.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { short } from './plan.ts';
import { MAX_EVENTS_READ, type SessionLog } from './ports.ts';

export interface PlacementRecord {
  readonly id: string;
  /** ms since 1970. */
  readonly at: number;
  readonly tenant: string;
  readonly session: SessionId;
  /** The stored response that it served; null for stateless calls and for the state itself. */
  readonly response: ResponseId | null;
  readonly action: 'infer' | 'place_state';
  readonly purpose: string;
  readonly home: string;
  readonly origin: SessionOrigin;
  /** The compact record, to be explained by `placement/`. */
  readonly record: JsonObject;
  readonly chosen: string | null;
  readonly call: { readonly status: 'open' | 'completed' | 'failed' | 'unknown'; readonly usage: Usage | null };
}

/** @throws placement_not_found */
export async function readPlacement(engine: EngineContext, caller: Caller, id: string): Promise<PlacementRecord> {
  const place = parsePlacementId(id);
  const store = place === null ? null : engine.homes.ofBody(place.body);
  const found = place === null || store === null ? null : await locate(engine, caller, store, place);
  if (found === null) throw perdureError('placement_not_found', `Placement with id '${short(id)}' not found.`);
  return found;
}

async function locate(
  engine: EngineContext,
  caller: Caller,
  store: SessionLog,
  place: { body: string; part: number },
): Promise<PlacementRecord | null> {
  const { tenant } = caller;
  const response = await engine.sessions.wait(
    store.response(tenant, `resp_${place.body}` as ResponseId, 'deleted-too'),
  );
  const session = response?.session ?? (`sess_${place.body}` as SessionId);
  const events = await read(engine, store, caller, session, response?.fromSeq ?? 1);
  const event = events.find(one =>
    place.part === 0 ? one.type === 'state.placed' : one.type === 'call.placed' && one.head.call === place.part,
  );
  if (event?.type === 'call.placed' || event?.type === 'state.placed')
    return view(engine, caller, store, event, events);
  return null;
}

async function read(
  engine: EngineContext,
  store: SessionLog,
  caller: Caller,
  session: SessionId,
  from: number,
): Promise<readonly Envelope[]> {
  const stored = await engine.sessions.wait(
    store.events({ tenant: caller.tenant, session, from, limit: Math.min(64, MAX_EVENTS_READ) }),
  );
  return stored.map(one => decodeEnvelope({ tenant: caller.tenant, session }, one));
}

type Placed = EnvelopeOf<'call.placed'> | EnvelopeOf<'state.placed'>;

async function view(
  engine: EngineContext,
  caller: Caller,
  store: SessionLog,
  event: Placed,
  after: readonly Envelope[],
): Promise<PlacementRecord | null> {
  const { session, tenant, seq, at } = event;
  const [first] = await read(engine, store, caller, session, 1);
  if (first?.type !== 'session.created' && first?.type !== 'call.admitted') return null;
  const body = await bodyOf(engine, caller, store, event, after);
  const common = {
    at,
    tenant,
    session,
    home: first.head.home,
    origin: first.head.origin,
    record: event.head.placement,
  };
  if (event.type === 'state.placed') {
    const id = placementId(idBody(session, 'sess') ?? '', 0);
    return {
      ...common,
      id,
      response: null,
      action: 'place_state',
      purpose: 'state',
      chosen: first.head.home,
      call: { status: 'completed', usage: null },
    };
  }
  const { call, purpose, chosen } = event.head;
  const stateless = first.type === 'call.admitted';
  return {
    ...common,
    id: placementId(body, call),
    response: stateless ? null : (`resp_${body}` as ResponseId),
    action: 'infer',
    purpose,
    chosen,
    call: chosen === null ? { status: 'failed', usage: null } : outcome(after, seq, call),
  };
}

/** The id body that the placement's id is made of: its response's, or its session's where it has none. */
async function bodyOf(
  engine: EngineContext,
  caller: Caller,
  store: SessionLog,
  event: Placed,
  known: readonly Envelope[],
): Promise<string> {
  const own = idBody(event.session, 'sess') ?? '';
  if (event.type === 'state.placed') return own;
  const before = (events: readonly Envelope[]) =>
    events.findLast(one => one.type === 'turn.started' && one.seq < event.seq);
  // A turn begins a few events before its calls; only one with many calls needs the second look.
  const started =
    before(known) ??
    before(await read(engine, store, caller, event.session, Math.max(1, event.seq - 8))) ??
    before(await read(engine, store, caller, event.session, Math.max(1, event.seq - 63)));
  return started?.type === 'turn.started' ? (idBody(started.head.response, 'resp') ?? own) : own;
}

function outcome(events: readonly Envelope[], seq: number, call: number): PlacementRecord['call'] {
  for (const event of events) {
    if (event.seq <= seq) continue;
    if (event.type === 'call.completed' && event.head.call === call)
      return { status: 'completed', usage: event.head.usage };
    if (event.type === 'call.failed' && event.head.call === call) {
      return { status: event.head.code === 'unknown' ? 'unknown' : 'failed', usage: event.head.usage };
    }
  }
  return { status: 'open', usage: null };
}

/** A page of placements over all homes, by time. `after` is a placement id, exclusive. */
export async function listPlacements(
  engine: EngineContext,
  caller: Caller,
  query: {
    readonly order: 'asc' | 'desc';
    readonly limit: number;
    readonly after?: string;
    readonly session?: string;
    readonly response?: string;
  },
): Promise<{ readonly placements: readonly PlacementRecord[]; readonly hasMore: boolean }> {
  const cursor = query.after === undefined ? null : await readPlacement(engine, caller, query.after);
  const found: PlacementRecord[] = [];
  for (const store of engine.homes.all) found.push(...(await page(engine, caller, store, query, cursor)));
  const sign = query.order === 'asc' ? 1 : -1;
  const later = (a: PlacementRecord, b: PlacementRecord) =>
    sign * (a.at - b.at) || sign * (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  const sorted = found.filter(one => cursor === null || later(one, cursor) > 0).toSorted(later);
  return { placements: sorted.slice(0, query.limit), hasMore: sorted.length > query.limit };
}

/** Rows read at a time while looking for those that a filter lets through, and at most in all. */
const SCAN = 200;
const SCAN_MOST = 2000;

async function page(
  engine: EngineContext,
  caller: Caller,
  store: SessionLog,
  query: Parameters<typeof listPlacements>[2],
  cursor: PlacementRecord | null,
): Promise<readonly PlacementRecord[]> {
  const found: PlacementRecord[] = [];
  const { tenant } = caller;
  let after: { session: SessionId; seq: number } | undefined;
  for (let scanned = 0; scanned < SCAN_MOST && found.length <= query.limit; scanned += SCAN) {
    const rows = await engine.sessions.wait(
      store.placements({ tenant, order: query.order, limit: SCAN, ...(after !== undefined && { after }) }),
    );
    for (const row of rows) {
      if (found.length > query.limit) break;
      if (cursor !== null && (query.order === 'asc' ? row.at < cursor.at : row.at > cursor.at)) continue;
      if (query.session !== undefined && row.session !== query.session) continue;
      const events = await read(engine, store, caller, row.session, row.seq);
      const event = events[0];
      if (event?.type !== 'call.placed' && event?.type !== 'state.placed') continue;
      const one = await view(engine, caller, store, event, events);
      if (one !== null && (query.response === undefined || one.response === query.response)) found.push(one);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < SCAN) break;
    after = { session: last.session, seq: last.seq };
  }
  return found;
}
