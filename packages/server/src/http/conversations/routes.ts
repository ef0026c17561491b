/** `/v1/conversations` and their items. */
import {
  listPage,
  parseCreateConversation,
  parseCreateItems,
  parseListQuery,
  parseUpdateConversation,
  type Parsed,
} from '@perdure/protocol';
import type { ConversationView } from '../../engine/conversations.ts';
import type { LoggedItem } from '../../log/events.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { flag, rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { included, includesOf } from './included.ts';

function wire({ id, createdAt, metadata }: ConversationView): unknown {
  return { id, object: 'conversation', created_at: createdAt, metadata };
}

function must<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

/** With what the query asks for. */
function shown({ req }: Exchange, items: readonly LoggedItem[]): readonly LoggedItem[] {
  const include = includesOf(req.url);
  return items.map(item => included(item, include));
}

function send(exchange: Exchange, body: unknown): void {
  sendJson(exchange.res, 200, body, { 'x-request-id': exchange.requestId });
}

export async function createConversation(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { items, metadata } = must(parseCreateConversation((await readOptionalJson(exchange.req, deps.limits)).value));
  const made = await deps.engine.conversations.create(exchange.caller, items, metadata);
  const headers = { 'x-request-id': exchange.requestId, 'perdure-placement': made.placement };
  sendJson(exchange.res, 200, wire(made), headers);
}

export async function getConversation(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, wire(await deps.engine.conversations.read(exchange.caller, id)));
}

export async function updateConversation(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { metadata } = must(parseUpdateConversation((await readJson(exchange.req, deps.limits)).value));
  send(exchange, wire(await deps.engine.conversations.update(exchange.caller, id, metadata)));
}

export async function deleteConversation(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await deps.engine.conversations.delete(exchange.caller, id, { cascade: flag(exchange.req.url, 'cascade') });
  send(exchange, { id, object: 'conversation.deleted', deleted: true });
}

export async function addItems(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { items } = must(parseCreateItems((await readJson(exchange.req, deps.limits)).value));
  send(
    exchange,
    listPage(shown(exchange, await deps.engine.conversations.addItems(exchange.caller, id, items)), false),
  );
}

export async function listItems(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const query = must(parseListQuery(rawQuery(exchange.req.url)));
  const { items, hasMore } = await deps.engine.conversations.listItems(exchange.caller, id, query);
  send(exchange, listPage(shown(exchange, items), hasMore));
}

export async function getItem(deps: HttpDeps, exchange: Exchange, id: string, item: string): Promise<void> {
  const found = await deps.engine.conversations.readItem(exchange.caller, id, item);
  send(exchange, included(found, includesOf(exchange.req.url)));
}

/** Answers with the conversation, as OpenAI's does. */
export async function deleteItem(deps: HttpDeps, exchange: Exchange, id: string, item: string): Promise<void> {
  await deps.engine.conversations.deleteItem(exchange.caller, id, item);
  send(exchange, wire(await deps.engine.conversations.read(exchange.caller, id)));
}
