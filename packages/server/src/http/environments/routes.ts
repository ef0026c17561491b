/** `/v1/agents/environments` with its files and templates, and `/perdure/v1/environments`. */
import {
  environmentBody,
  environmentFileBody,
  listPage,
  parseBody,
  parseListQuery,
  perdureError,
  templateBody,
} from '@perdure/protocol';
import type { RowQuery } from '../../engine/environments/records.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import { readIdempotencyKey } from '../request-headers.ts';
import type { Exchange, HttpDeps } from '../types.ts';

function send({ res, requestId }: Exchange, body: unknown): void {
  sendJson(res, 200, body, { 'x-request-id': requestId });
}

function parsed<Value>(result: ReturnType<typeof parseBody<Value>>): Value {
  if (!result.ok) throw result.error;
  return result.value;
}

/** @throws invalid_request */
export function rowQuery({ req }: Exchange): RowQuery {
  const query = parseListQuery(rawQuery(req.url));
  if (!query.ok) throw query.error;
  const { limit, order, after, before } = query.value;
  if (before !== undefined) throw perdureError('invalid_request', "This list takes 'after' only.", { param: 'before' });
  return { limit, order, after: after ?? null };
}

/** A name of the query that is given once at most. @throws invalid_request */
export function single({ req }: Exchange, name: string, most: number): string | null {
  const [value = null, more] = rawQuery(req.url)[name] ?? [];
  if (more !== undefined || (value !== null && value.length > most))
    throw perdureError('invalid_request', `'${name}' is given once, with ${most} characters at most.`, { param: name });
  return value === '' ? null : value;
}

export async function createEnvironment(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const key = readIdempotencyKey(exchange.req);
  const { value, bytes } = await readJson(exchange.req, deps.limits);
  const body = parsed(parseBody(environmentBody, value));
  const idempotency = key === null ? null : { key, body: bytes };
  send(exchange, await deps.engine.environments.create(exchange.caller, body, idempotency));
}

export async function listEnvironments({ engine }: HttpDeps, exchange: Exchange): Promise<void> {
  const type = single(exchange, 'type', 64) ?? 'openai_hosted';
  if (type !== 'openai_hosted' && type !== 'self_hosted')
    throw perdureError('invalid_request', "'type' is openai_hosted or self_hosted.", { param: 'type' });
  const { entries, hasMore } = await engine.environments.list(exchange.caller, { ...rowQuery(exchange), type });
  send(exchange, listPage(entries, hasMore));
}

export async function getEnvironment({ engine }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await engine.environments.read(exchange.caller, id));
}

export async function deleteEnvironment({ engine }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await engine.environments.delete(exchange.caller, id);
  send(exchange, { id, object: 'agent.environment.deleted', deleted: true });
}

export async function createFile(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { value } = await readJson(exchange.req, deps.limits);
  const body = parsed(parseBody(environmentFileBody, value));
  send(exchange, await deps.engine.environments.files.put(exchange.caller, id, body));
}

export async function listFiles({ engine }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { limit, order } = rowQuery(exchange);
  const query = { limit, order, path: single(exchange, 'path', 1_024), page: single(exchange, 'page', 8_192) };
  send(exchange, await engine.environments.files.list(exchange.caller, id, query));
}

export async function createTemplate(deps: HttpDeps, exchange: Exchange): Promise<void> {
  const { value } = await readOptionalJson(exchange.req, deps.limits);
  const body = parsed(parseBody(templateBody, value ?? {}));
  send(exchange, await deps.engine.environments.templates.create(exchange.caller, body));
}

export async function listTemplates({ engine }: HttpDeps, exchange: Exchange): Promise<void> {
  const { entries, hasMore } = await engine.environments.templates.list(exchange.caller, rowQuery(exchange));
  send(exchange, listPage(entries, hasMore));
}

export async function getTemplate({ engine }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  send(exchange, await engine.environments.templates.read(exchange.caller, id));
}

export async function updateTemplate(deps: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { value } = await readOptionalJson(exchange.req, deps.limits);
  const body = parsed(parseBody(templateBody, value ?? {}));
  send(exchange, await deps.engine.environments.templates.update(exchange.caller, id, body));
}

export async function deleteTemplate({ engine }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await engine.environments.templates.delete(exchange.caller, id);
  send(exchange, { id, object: 'agent.environment.template.deleted', deleted: true });
}
