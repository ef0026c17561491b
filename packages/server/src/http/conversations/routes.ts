/** `/v1/conversations` and their items. */
import {
  listPage,
  parseCreateConversation,
  parseCreateItems,
  parseIncludeQuery,
  parseListQuery,
  parseUpdateConversation,
  type Parsed,
} from '@perdure/protocol';
import type { ConversationView } from '../../engine/conversations.ts';
import { shownItem } from '../../session/shown.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { flag, rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';

function wire({ id, createdAt, metadata }: ConversationView): unknown {
  return { id, object: 'conversation', created_at: createdAt, metadata };
}

function must<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
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
  const include = must(parseIncludeQuery(rawQuery(exchange.req.url)));
  const added = await deps.engine.conversations.addItems(exchange.caller, id, items);
  send(
    exchange,
    listPage(
      added.map(one => shownItem(one, include)),
      false,
    ),
  );
}

export async function listItems(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const query = must(parseListQuery(rawQuery(exchange.req.url)));
  const { items, hasMore } = await deps.engine.conversations.listItems(exchange.caller, id, query);
  const shown = items.map(one => shownItem(one, query.include));
  send(exchange, listPage(shown, hasMore));
}

export async function getItem(deps: HttpDeps, exchange: Exchange, id: string, item: string): Promise<void> {
  const include = must(parseIncludeQuery(rawQuery(exchange.req.url)));
  send(exchange, shownItem(await deps.engine.conversations.readItem(exchange.caller, id, item), include));
}

/** Answers with the conversation, as OpenAI's does. */
export async function deleteItem(deps: HttpDeps, exchange: Exchange, id: string, item: string): Promise<void> {
  await deps.engine.conversations.deleteItem(exchange.caller, id, item);
  send(exchange, wire(await deps.engine.conversations.read(exchange.caller, id)));
}
