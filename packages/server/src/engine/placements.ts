/** Placements read back, from the log that holds them. */
import { perdureError } from '@perdure/protocol';
import {
  idBody,
  parsePlacementId,
  parseToolPlacementId,
  placementId,
  type ResponseId,
  type SessionId,
  type TenantId,
  toolPlacementId,
} from '../kernel/ids.ts';
import { decodeEnvelope } from '../log/codec.ts';
import type { Envelope, EnvelopeOf, JsonObject, SessionOrigin, Usage } from '../log/events.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { short } from './plan.ts';
import { MAX_EVENTS_READ, type PlacementEntry, type PlacementRow, type SessionLog, type StoredHead } from './ports.ts';

export interface PlacementRecord {
  readonly id: string;
  /** ms since 1970. */
  readonly at: number;
  readonly tenant: string;
  readonly session: SessionId;
  /** The stored response that it served; null for stateless calls and for the state itself. */
  readonly response: ResponseId | null;
  readonly action: 'infer' | 'place_state' | 'execute' | 'egress';
  readonly purpose: string;
  readonly home: string;
  /** Of the log that it lies in. */
  readonly kind: 'responses' | 'conversation' | 'agent' | 'stateless';
  readonly origin: SessionOrigin;
  /** The compact record, to be explained by `placement/`. */
  readonly record: JsonObject;
  readonly chosen: string | null;
  readonly call: { readonly status: 'open' | 'completed' | 'failed' | 'unknown'; readonly usage: Usage | null };
}

/** @throws placement_not_found */
export async function readPlacement(engine: EngineContext, caller: Caller, id: string): Promise<PlacementRecord> {
  const place = parsePlacementId(id);
  const run = parseToolPlacementId(id);
  const store = engine.homes.ofBody((place ?? run)?.body ?? '');
  const found =
    store === null
      ? null
      : place !== null
        ? await locate(engine, caller, store, place)
        : run !== null
          ? await locateRun(engine, caller, store, run)
          : null;
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

/** Of a tool's run: its id says where it lies. */
async function locateRun(
  engine: EngineContext,
  caller: Caller,
  store: SessionLog,
  { body, seq }: { readonly body: string; readonly seq: number },
): Promise<PlacementRecord | null> {
  const session = `sess_${body}` as SessionId;
  const [event] = await read(engine, store, caller, session, seq);
  return event?.type === 'tool.placed' && event.seq === seq ? view(engine, caller, store, event, []) : null;
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

type Placed = EnvelopeOf<'call.placed'> | EnvelopeOf<'state.placed'> | EnvelopeOf<'tool.placed'>;

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
    kind: kindOf(first),
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
  if (event.type === 'tool.placed') return { ...common, ...runOf(event, `resp_${body}` as ResponseId) };
  const { call, purpose, chosen } = event.head;
  const stateless = first.type === 'call.admitted';
  return {
    ...common,
    id: placementId(body, call),
    response: stateless ? null : (`resp_${body}` as ResponseId),
    action: 'infer',
    purpose,
    chosen,
    call: chosen === null ? { status: 'failed', usage: null } : outcomeAfter(after, seq, call),
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

function kindOf(first: EnvelopeOf<'session.created'> | EnvelopeOf<'call.admitted'>): PlacementRecord['kind'] {
  return first.type === 'call.admitted' ? 'stateless' : first.head.kind;
}

/** What is told of a tool's run. It is no call of a model: nothing is metered. */
function runOf(
  { session, seq, head }: EnvelopeOf<'tool.placed'>,
  response: ResponseId | null,
): Pick<PlacementRecord, 'id' | 'response' | 'action' | 'purpose' | 'chosen' | 'call'> {
  const { action, chosen } = head;
  const id = toolPlacementId(session, seq);
  return { id, response, action, purpose: 'turn', chosen, call: { status: 'completed', usage: null } };
}

function outcomeAfter(events: readonly Envelope[], seq: number, call: number): PlacementRecord['call'] {
  const end = events.find(event => event.seq > seq && isEnd(event) && event.head.call === call);
  return callOf(end ?? null, call);
}

type Ended = EnvelopeOf<'call.completed'> | EnvelopeOf<'call.failed'> | EnvelopeOf<'call.cancelled'>;

function isEnd(event: Envelope): event is Ended {
  return event.type === 'call.completed' || event.type === 'call.failed' || event.type === 'call.cancelled';
}

function callOf(end: Envelope | null, call: number): PlacementRecord['call'] {
  if (end === null || !isEnd(end) || end.head.call !== call) return { status: 'open', usage: null };
  const { usage } = end.head;
  if (end.type === 'call.completed') return { status: 'completed', usage };
  return { status: end.type === 'call.failed' && end.head.code === 'unknown' ? 'unknown' : 'failed', usage };
}

/** A placement as its store's log of placements tells it. Null if the log is not one of ours. */
export function placementOf(tenant: TenantId, entry: PlacementEntry): PlacementRecord | null {
  const { session, at, seq } = entry;
  const decode = (stored: StoredHead): Envelope => decodeHeadAt(tenant, { session, seq, at }, stored);
  const first = decode(entry.first);
  const placed = decode(entry.placed);
  if (first.type !== 'session.created' && first.type !== 'call.admitted') return null;
  const { home, origin } = first.head;
  const kind = kindOf(first);
  const own = idBody(session, 'sess') ?? '';
  if (placed.type === 'state.placed') {
    return {
      id: placementId(own, 0),
      at,
      tenant,
      session,
      response: null,
      action: 'place_state',
      purpose: 'state',
      home,
      kind,
      origin,
      record: placed.head.placement,
      chosen: home,
      call: { status: 'completed', usage: null },
    };
  }
  const turn = entry.turn === null ? null : decode(entry.turn);
  const response = turn?.type === 'turn.started' ? turn.head.response : null;
  if (placed.type === 'tool.placed')
    return { at, tenant, session, home, kind, origin, record: placed.head.placement, ...runOf(placed, response) };
  if (placed.type !== 'call.placed') return null;
  const { call, purpose, chosen, placement: record } = placed.head;
  const body = response === null ? own : (idBody(response, 'resp') ?? own);
  return {
    id: placementId(body, call),
    at,
    tenant,
    session,
    response,
    action: 'infer',
    purpose,
    home,
    kind,
    origin,
    record,
    chosen,
    call:
      chosen === null ? { status: 'failed', usage: null } : callOf(entry.end === null ? null : decode(entry.end), call),
  };
}

/** One of the heads that a log of placements tells: whose place it is told to have is its placement's. */
export function decodeHeadAt(tenant: TenantId, { session, seq, at }: PlacementRow, stored: StoredHead): Envelope {
  return decodeEnvelope({ tenant, session }, { ...NO_EVENT, ...stored, seq, at });
}

/** What an envelope needs to be decoded, and nobody asks for here. */
const NO_EVENT = {
  epoch: 1,
  actor: '',
  payload: null,
  salt: null,
  payloadDigest: null,
  digest: new Uint8Array(0),
};
