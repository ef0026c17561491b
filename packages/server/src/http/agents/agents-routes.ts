/** `/v1/agents`, and their versions under `/perdure/v1/agents`. */
import {
  type AgentDeleted,
  listPage,
  type Parsed,
  parseCreateAgent,
  parseListQuery,
  parseRollBackAgent,
  parseUpdateAgent,
  perdureError,
} from '@perdure/protocol';
import type { Agent, PageQuery } from '../../engine/agents/agents.ts';
import { readJson, readOptionalJson } from '../body.ts';
import { rawQuery } from '../query.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { agentResource, agentVersionResource } from './shown.ts';

function must<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

function send({ res, requestId }: Exchange, body: unknown): void {
  sendJson(res, 200, body, { 'x-request-id': requestId });
}

/** The agent, and in a header which version it is: its answer has no field for it. */
function sendAgent({ res, requestId }: Exchange, agent: Agent): void {
  const version = { 'perdure-agent-version': agent.now.version };
  sendJson(res, 200, agentResource(agent), { 'x-request-id': requestId, ...version });
}

/** @throws mutually_exclusive_parameters, invalid_request; these lists have no `before` */
export function pageQuery({ req }: Exchange): PageQuery {
  const { limit, order, after, before } = must(parseListQuery(rawQuery(req.url)));
  if (before !== undefined)
    throw perdureError('unsupported_parameter', "This list takes no 'before'.", { param: 'before' });
  return { limit, order, after: after ?? null };
}

export async function createAgent({ registry, limits }: HttpDeps, exchange: Exchange): Promise<void> {
  const body = must(parseCreateAgent((await readJson(exchange.req, limits)).value));
  sendAgent(exchange, await registry.agents.create(exchange.caller, body));
}

export async function listAgents({ registry }: HttpDeps, exchange: Exchange): Promise<void> {
  const { data, hasMore } = await registry.agents.list(exchange.caller, pageQuery(exchange));
  send(exchange, listPage(data.map(agentResource), hasMore));
}

export async function getAgent({ registry }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  sendAgent(exchange, await registry.agents.read(exchange.caller, id));
}

export async function updateAgent({ registry, limits }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { value = {} } = await readOptionalJson(exchange.req, limits);
  sendAgent(exchange, await registry.agents.update(exchange.caller, id, must(parseUpdateAgent(value))));
}

export async function deleteAgent({ registry }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  await registry.agents.delete(exchange.caller, id);
  const deleted: AgentDeleted = { id, object: 'agent.deleted', deleted: true };
  send(exchange, deleted);
}

export async function listVersions({ registry }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { data, hasMore } = await registry.agents.versions(exchange.caller, id, pageQuery(exchange));
  send(exchange, listPage(data.map(agentVersionResource), hasMore));
}

export async function getVersion(
  { registry }: HttpDeps,
  exchange: Exchange,
  id: string,
  version: string,
): Promise<void> {
  if (!/^[1-9]\d{0,8}$/.test(version)) throw perdureError('agent_version_not_found');
  send(exchange, agentVersionResource(await registry.agents.version(exchange.caller, id, Number(version))));
}

export async function rollBackAgent({ registry, limits }: HttpDeps, exchange: Exchange, id: string): Promise<void> {
  const { version } = must(parseRollBackAgent((await readJson(exchange.req, limits)).value));
  sendAgent(exchange, await registry.agents.rollBack(exchange.caller, id, version));
}
