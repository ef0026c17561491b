/** `/v1/agents/sessions`: sessions of agents, their input, their turns and items. */
import {
  listPage,
  LIMITS,
  parseCreateSession,
  parseInputEvents,
  parseListQuery,
  type Parsed,
  parseUpdateSession,
  perdureError,
  type ListQuery,
} from '@perdure/protocol';
import type { Paged, TurnListQuery } from '../../engine/agent-sessions/turn-page.ts';
import type { TurnRecord } from '../../engine/agent-sessions/turns.ts';
import { resourceOfRecord } from '../../engine/read.ts';
import type { JsonObject } from '../../log/events.ts';
import { turnId } from '../../engine/agent-sessions/find.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import { inTime } from '../in-time.ts';
import { sendJson } from '../reply.ts';
import { readIdempotencyKey } from '../request-headers.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { createdStream, eventStream } from './session-stream.ts';
import { sessionResource } from './session-resource.ts';
import { type AgentItem } from './session-items.ts';
import { turnItems } from './turn-items.ts';
import { turnResource, turnStatus } from './turn-resource.ts';

function must<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

export function send(exchange: Exchange, body: unknown, status = 200): void {
  sendJson(exchange.res, status, body, { 'x-request-id': exchange.requestId });
}

export async function createSession(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const body = await readJson(exchange.req, deps.limits);
  const given = must(parseCreateSession(body.value));
  const key = readIdempotencyKey(exchange.req);
  const idempotency = key === null ? null : { key, body: body.bytes };
  const create = () => deps.engine.agentSessions.create(exchange.caller, given, idempotency);
  const { view, turn } = given.stream ? await create() : await inTime(deps, exchange, create);
  if (given.stream) return createdStream(deps, exchange, view, turn);
  send(exchange, sessionResource(view));
}

export async function getSession(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, sessionResource(await deps.engine.agentSessions.view(exchange.caller, id)));
}

export async function updateSession(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const change = must(parseUpdateSession((await readOptionalJson(exchange.req, deps.limits)).value ?? {}));
  send(exchange, sessionResource(await deps.engine.agentSessions.update(exchange.caller, id, change)));
}

export async function deleteSession(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await deps.engine.agentSessions.delete(exchange.caller, id);
  send(exchange, { id, object: 'agent.session.deleted', deleted: true });
}

export async function listSessions(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const raw = rawQuery(exchange.req.url);
  const { order, limit, after } = queryOf(exchange);
  const metadata: { [key: string]: string } = {};
  for (const [name, values] of Object.entries(raw)) {
    const [, key] = /^metadata\[([^\]]{1,64})\]$/.exec(name) ?? [];
    if (key !== undefined) metadata[key] = values?.[0] ?? '';
  }
  if (Object.keys(metadata).length > LIMITS.metadataPairs)
    throw perdureError('invalid_request', `At most ${LIMITS.metadataPairs} pairs of metadata.`, { param: 'metadata' });
  const agent = raw['agent_id']?.[0] ?? null;
  const { data, hasMore } = await deps.engine.agentSessions.list(exchange.caller, {
    order,
    limit,
    after: after ?? null,
    agent,
    metadata,
  });
  send(
    exchange,
    listPage(
      data.map(view => ({ ...sessionResource(view), id: view.id })),
      hasMore,
    ),
  );
}

export function queryOf(exchange: Exchange): ListQuery {
  const query = must(parseListQuery(rawQuery(exchange.req.url)));
  if (query.before !== undefined)
    throw perdureError('unsupported_parameter', "'before' is not supported here.", { param: 'before' });
  return query;
}

export async function postEvents(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const body = await readJson(exchange.req, deps.limits);
  const { events } = must(parseInputEvents(body.value));
  const key = readIdempotencyKey(exchange.req);
  const idempotency = key === null ? null : { key, body: body.bytes };
  await inTime(deps, exchange, () => deps.engine.agentSessions.post(exchange.caller, id, events, idempotency));
  exchange.res.writeHead(202, { 'content-length': 0, 'x-request-id': exchange.requestId }).end();
}

export async function getEvents(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  return eventStream(deps, exchange, id);
}

/** The turns of a session, or of one of its sub-agents. */
export interface TurnReader {
  /** Whose they are. */
  readonly session: string;
  /** Fails if there is no such session, or sub-agent. */
  look(): Promise<unknown>;
  turn(id: string): Promise<TurnRecord>;
  turns(query: TurnListQuery): Promise<Paged<TurnRecord>>;
}

function readerOf({ engine: { agentSessions } }: HttpDeps, { caller }: Exchange, session: string): TurnReader {
  return {
    session,
    look: () => agentSessions.view(caller, session),
    turn: turn => agentSessions.turn(caller, session, turn),
    turns: query => agentSessions.turns(caller, session, query),
  };
}

function turnOf(session: string, record: TurnRecord): JsonObject & { readonly id: string } {
  const turn = turnId(record.row.id);
  const response = resourceOfRecord(record.record) as unknown as JsonObject;
  const status = turnStatus(response, record.waits);
  const { agent, endedAt, subagent } = record;
  const place = { turn, session, agent, status, endedAt, subagent: subagent?.id ?? null };
  return { ...turnResource(response, place), id: turn };
}

export function listTurns(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  return sendTurns(exchange, readerOf(deps, exchange, id));
}

export async function sendTurns(exchange: Exchange, reader: TurnReader): Promise<void> {
  const { order, limit, after = null } = queryOf(exchange);
  const { data, hasMore } = await reader.turns({ order, limit, after });
  send(
    exchange,
    listPage(
      data.map(record => turnOf(reader.session, record)),
      hasMore,
    ),
  );
}

export function getTurn(deps: HttpDeps, exchange: Exchange, id: string, turn: string): Promise<void> {
  return sendTurn(exchange, readerOf(deps, exchange, id), turn);
}

export async function sendTurn(exchange: Exchange, reader: TurnReader, turn: string): Promise<void> {
  send(exchange, turnOf(reader.session, await reader.turn(turn)));
}

export function listTurnItems(deps: HttpDeps, exchange: Exchange, id: string, turn: string): Promise<void> {
  return sendTurnItems(exchange, readerOf(deps, exchange, id), turn);
}

export async function sendTurnItems(exchange: Exchange, reader: TurnReader, turn: string): Promise<void> {
  const query = queryOf(exchange);
  const items = turnItems(await reader.turn(turn));
  const ordered = query.order === 'asc' ? items : items.toReversed();
  const at = query.after === undefined ? -1 : indexOf(ordered, query.after);
  const page = ordered.slice(at + 1, at + 1 + query.limit);
  send(exchange, listPage(page, at + 1 + query.limit < ordered.length));
}

function indexOf(items: readonly AgentItem[], id: string): number {
  const at = items.findIndex(item => item.id === id);
  if (at < 0) throw perdureError('item_not_found', 'The cursor is no item of it.', { status: 400, param: 'after' });
  return at;
}

/** Turns read at a time for a page of items. */
const TURNS_A_READ = 20;

/** Items of all turns. A cursor names an item, and an item's id its turn. */
export function listItems(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  return sendItems(exchange, readerOf(deps, exchange, id));
}

export async function sendItems(exchange: Exchange, reader: TurnReader): Promise<void> {
  const { order, limit, after } = queryOf(exchange);
  const found: AgentItem[] = [];
  const take = (record: TurnRecord, from: string | null): void => {
    const items = order === 'asc' ? turnItems(record) : turnItems(record).toReversed();
    found.push(...(from === null ? items : items.slice(indexOf(items, from) + 1)));
  };
  let cursor: string | null = null;
  if (after === undefined) await reader.look();
  else {
    cursor = turnOfItem(after);
    if (cursor === null)
      throw perdureError('item_not_found', 'The cursor is no item of it.', { status: 400, param: 'after' });
    take(await reader.turn(cursor), after);
  }
  while (found.length <= limit) {
    const page = await reader.turns({ order, limit: TURNS_A_READ, after: cursor });
    for (const record of page.data) take(record, null);
    const last = page.data.at(-1);
    if (!page.hasMore || last === undefined) break;
    cursor = turnId(last.row.id);
  }
  send(exchange, listPage(found.slice(0, limit), found.length > limit));
}

/** Ids of items hold their turn's body after their kind. */
function turnOfItem(item: string): string | null {
  const body = item.slice(item.indexOf('_') + 1);
  return body.length < 28 ? null : `turn_${body.slice(0, 28)}`;
}
