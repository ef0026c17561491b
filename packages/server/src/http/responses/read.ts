/** Reading and deleting stored responses. */
import { listPage, parseListQuery, perdureError } from '@perdure/protocol';
import { sendJson } from '../reply.ts';
import { EventStream } from '../sse.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { rawQuery } from '../query.ts';
import { pageOf } from '../page.ts';
import { pipeEvents } from './create.ts';

export async function getResponse(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { caller, req, res, requestId } = exchange;
  const query = rawQuery(req.url);
  const headers = { 'x-request-id': requestId };
  if (query['stream']?.[0] !== 'true') return sendJson(res, 200, await deps.engine.shownResponse(caller, id), headers);
  const events = await deps.engine.stream(
    caller,
    id,
    startingAfter(query['starting_after']?.[0], req.headers['last-event-id']),
  );
  await pipeEvents(new EventStream(res, deps.limits, headers), events);
}

function startingAfter(query: string | undefined, header: string | string[] | undefined): number {
  const given = query ?? (typeof header === 'string' ? header : undefined);
  if (given === undefined) return -1;
  if (!/^\d{1,9}$/.test(given))
    throw perdureError('invalid_request', "'starting_after' must be a sequence number.", { param: 'starting_after' });
  return Number(given);
}

export async function deleteResponse(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await deps.engine.deleteResponse(exchange.caller, id);
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
  sendJson(exchange.res, 200, listPage(page, hasMore), { 'x-request-id': exchange.requestId });
}
