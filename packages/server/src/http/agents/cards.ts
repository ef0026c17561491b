/** `/perdure/v1/agents`: what auditors see of agents. Fields are named one by one, so that none that is added later is shown by itself. */
import { type AgentCard, type AgentCardTool, type AgentTool, DEFAULT_SUBAGENTS, listPage } from '@perdure/protocol';
import type { Agent } from '../../engine/agents/agents.ts';
import { asTenant } from '../as-tenant.ts';
import { single } from '../perdure/govern-routes.ts';
import { sendJson } from '../reply.ts';
import type { Exchange, HttpDeps } from '../types.ts';
import { pageQuery } from './agents-routes.ts';

export async function listAgentCards({ registry }: HttpDeps, exchange: Exchange): Promise<void> {
  const { res, requestId } = exchange;
  const who = asTenant(exchange, single(exchange, 'tenant') ?? undefined);
  const { data, hasMore } = await registry.agents.list(who, pageQuery(exchange));
  const cards = data.map(agent => agentCard(agent, who.tenant));
  sendJson(res, 200, listPage(cards, hasMore), { 'x-request-id': requestId });
}

function agentCard({ id, createdAt, updatedAt, now }: Agent, tenant: string): AgentCard {
  const { model, service_tier, reasoning, tools, multi_agent: subagents } = now.config;
  return {
    id,
    object: 'perdure.agent_card',
    tenant,
    name: now.name,
    version: now.version,
    digest: now.digest,
    model,
    service_tier,
    reasoning_effort: reasoning.effort,
    tools: tools.map(cardTool),
    max_concurrent_subagents: subagents.enabled ? (subagents.max_concurrent_subagents ?? DEFAULT_SUBAGENTS) : 0,
    created_at: Math.floor(createdAt / 1000),
    updated_at: Math.floor(updatedAt / 1000),
    updated_by: now.createdBy,
  };
}

function cardTool(tool: AgentTool): AgentCardTool {
  if (tool.type === 'function') return { type: tool.type, name: tool.name, allowed: null };
  if (tool.type === 'mcp') return { type: tool.type, name: tool.server_label, allowed: tool.allowed_tools };
  return { type: tool.type, name: null, allowed: null };
}
