/** `/perdure/v1/webhooks`: a tenant's admins make and change them. */
import { parseCreateWebhook, parseListQuery, parseRotateWebhook, parseTestWebhook } from '@perdure/protocol';
import { rawQuery } from '../query.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { bodyIfAny, bodyOf, send } from './govern-routes.ts';
import type { WebhookPageQuery } from './webhook-view.ts';

export async function listWebhooks({ webhooks }: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await webhooks.list(exchange.caller, pageQuery(exchange)));
}

export async function createWebhook(deps: HttpDeps, exchange: Exchange): Promise<void> {
  send(exchange, await deps.webhooks.create(exchange.caller, await bodyOf(deps, exchange, parseCreateWebhook)));
}

export async function getWebhook({ webhooks }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await webhooks.get(exchange.caller, id));
}

export async function deleteWebhook({ webhooks }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await webhooks.delete(exchange.caller, id);
  send(exchange, { id, object: 'webhook_endpoint.deleted', deleted: true });
}

export async function rotateWebhook(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.webhooks.rotate(exchange.caller, id, await bodyIfAny(deps, exchange, parseRotateWebhook)));
}

export async function enableWebhook({ webhooks }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await webhooks.enable(exchange.caller, id));
}

export async function testWebhook(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await deps.webhooks.test(exchange.caller, id, await bodyIfAny(deps, exchange, parseTestWebhook)));
}

export async function listDeliveries({ webhooks }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await webhooks.deliveries(exchange.caller, id, pageQuery(exchange)));
}

function pageQuery(exchange: Exchange): WebhookPageQuery {
  const parsed = parseListQuery(rawQuery(exchange.req.url));
  if (!parsed.ok) throw parsed.error;
  const { limit, order, after } = parsed.value;
  return { limit, order, ...(after !== undefined && { after }) };
}
