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
import type { PlacedQuery } from './placement-rows.ts';
import type { PlacementEntry, PlacementRow, SessionLog, StoredHead } from './ports.ts';

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
  return (await findPlacement(engine, caller, id)).placement;
}

export interface FoundPlacement {
  readonly placement: PlacementRecord;
  /** In the log of placements of its home. */
  readonly position: number;
}

/** @throws placement_not_found */
export async function findPlacement(engine: EngineContext, caller: Caller, id: string): Promise<FoundPlacement> {
  const { tenant } = caller;
  const place = parsePlacementId(id);
  const run = parseToolPlacementId(id);
  const store = engine.homes.ofBody((place ?? run)?.body ?? '');
  const query =
    store === null ? null : place !== null ? await placeOf(engine, tenant, store, place) : run && runIn(tenant, run);
  const entry = store === null || query === null ? null : await engine.sessions.wait(store.placed(query));
  const placement = entry === null ? null : placementOf(tenant, entry);
  // A number that no call of its turn has names none of another turn.
  if (entry === null || placement?.id !== id)
    throw perdureError('placement_not_found', `Placement with id '${short(id)}' not found.`);
  return { placement, position: entry.position };
}

/** Where state is placed, and the calls of what has no turns: among the first events of a session. */
const FIRST_EVENTS = 64;

/** A turn's calls lie between its beginning and its end, however many they are. */
async function placeOf(
  engine: EngineContext,
  tenant: TenantId,
  store: SessionLog,
  { body, part }: { readonly body: string; readonly part: number },
): Promise<PlacedQuery> {
  if (part === 0) return { ...firstOf(tenant, body), placed: { type: 'state.placed' } };
  const placed = { type: 'call.placed', call: part } as const;
  const id = `resp_${body}` as ResponseId;
  const response = await engine.sessions.wait(store.response(tenant, id, 'deleted-too'));
  if (response === null) return { ...firstOf(tenant, body), placed };
  const { session, fromSeq: from, toSeq } = response;
  return { tenant, session, from, to: toSeq > 0 ? toSeq : Number.MAX_SAFE_INTEGER, placed };
}

function firstOf(tenant: TenantId, body: string): Omit<PlacedQuery, 'placed'> {
  return { tenant, session: `sess_${body}` as SessionId, from: 1, to: FIRST_EVENTS };
}

/** Of a tool's run: its id says where it lies. */
function runIn(tenant: TenantId, { body, seq }: { readonly body: string; readonly seq: number }): PlacedQuery {
  return { tenant, session: `sess_${body}` as SessionId, from: seq, to: seq, placed: { type: 'tool.placed' } };
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
