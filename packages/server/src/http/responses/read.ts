/** Reading and deleting stored responses. */
import { listPage, parseIncludeQuery, parseListQuery, perdureError, type RawQuery } from '@perdure/protocol';
import { shownInput } from '../../session/shown.ts';
import { sendJson } from '../reply.ts';
import { EventStream } from '../sse.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { flag, rawQuery } from '../query.ts';
import { pageOf } from '../page.ts';
import { pipeEvents } from './create.ts';

export async function getResponse(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { caller, req, res, requestId, signal } = exchange;
  const query = rawQuery(req.url);
  const headers = { 'x-request-id': requestId };
  // A reader of events would wait for ever on an object. The clients write null as nothing.
  const streamed = query['stream']?.[0] !== '' && flag(req.url, 'stream');
  if (!streamed) {
    // A stream shows again what it showed, byte for byte; the object shows what this reader asks for.
    const include = includeOf(query);
    return sendJson(res, 200, await deps.engine.shownResponse(caller, id, include), headers);
  }
  const events = await deps.engine.stream(
    caller,
    id,
    startingAfter(query['starting_after']?.[0], req.headers['last-event-id']),
    signal,
  );
  await pipeEvents(new EventStream(res, deps.limits, headers), events);
}

function includeOf(query: RawQuery): readonly string[] {
  const parsed = parseIncludeQuery(query);
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

function startingAfter(query: string | undefined, header: string | string[] | undefined): number {
  const given = query ?? (typeof header === 'string' ? header : undefined);
  if (given === undefined) return -1;
  if (!/^\d{1,9}$/.test(given))
    throw perdureError('invalid_request', "'starting_after' must be a sequence number.", { param: 'starting_after' });
  return Number(given);
}

export async function cancelResponse(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const resource = await deps.engine.cancelResponse(exchange.caller, id);
  sendJson(exchange.res, 200, resource, { 'x-request-id': exchange.requestId });
}

export async function deleteResponse(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await deps.engine.deleteResponse(exchange.caller, id, { cascade: flag(exchange.req.url, 'cascade') });
  sendJson(
    exchange.res,
    200,
    { id, object: 'response.deleted', deleted: true },
    { 'x-request-id': exchange.requestId },
  );
}

export async function listInputItems(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const parsed = parseListQuery(rawQuery(exchange.req.url));
  if (!parsed.ok) throw parsed.error;
  const items = await deps.engine.inputItems(exchange.caller, id);
  const { page, hasMore } = pageOf(items, parsed.value);
  const shown = page.map(item => shownInput(item, parsed.value.include));
  sendJson(exchange.res, 200, listPage(shown, hasMore), { 'x-request-id': exchange.requestId });
}
