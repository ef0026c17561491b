/** `/v1/agents`: agents as the server answers with them, their versions, and what requests may say of them. */
import * as z from 'zod';
import { freeObject, parseBody, type Parsed } from '../parse.ts';
import { parseOwnBody } from '../perdure/own-body.ts';
import { perdureError } from '../perdure-error.ts';
import type { Metadata } from '../responses/settings.ts';
import { AGENT_SERVICE_TIERS, type AgentBody, type AgentConfig } from './agent-config.ts';
import { agentBody, agentToolResource, createAgentBody } from './agent-schema.ts';
import type { JsonObject } from '../json.ts';

/** The configuration as answers show it. */
export type ShownAgentConfig = Omit<AgentConfig, 'tools'> & { readonly tools: readonly JsonObject[] };

export type AgentResource = ShownAgentConfig & {
  readonly id: string;
  readonly object: 'agent';
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly updated_at: number;
  readonly name: string | null;
  readonly metadata: Metadata;
};

export type AgentDeleted = { readonly id: string; readonly object: 'agent.deleted'; readonly deleted: true };

/** What an agent was from one change to the next. It never changes. */
export type AgentVersionResource = ShownAgentConfig & {
  readonly id: string;
  readonly object: 'perdure.agent_version';
  readonly agent_id: string;
  /** 1 for the first. */
  readonly version: number;
  /** Seconds since 1970. */
  readonly created_at: number;
  /** The id of a key, or `local`. */
  readonly created_by: string;
  /** The version that it repeats, if it was made by a rollback. */
  readonly rolled_back_to: number | null;
  readonly name: string | null;
  readonly metadata: Metadata;
  /** As the audit names it: SHA-256 over the salt (hex, as text) and the version's canonical JSON, hex. */
  readonly digest: string;
  readonly salt: string;
};

const text = z.string();
const pairs = z.record(text, text);
const shown = {
  model: text,
  instructions: text.nullable(),
  reasoning: z.object({ effort: text.nullable(), summary: text.nullable() }),
  service_tier: z.enum(AGENT_SERVICE_TIERS),
  text: z.object({
    format: z.discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_schema'), schema: freeObject }),
    ]),
    verbosity: z.enum(['low', 'medium', 'high']),
  }),
  tools: z.array(freeObject),
  multi_agent: z.object({ enabled: z.boolean(), max_concurrent_subagents: z.int().nullable() }),
  compaction: z.object({ async: z.boolean() }),
  experimental: z.object({ time_awareness: z.boolean() }),
  name: text.nullable(),
  metadata: pairs,
};

export const agentSchema: z.ZodType<AgentResource> = z.object({
  id: text,
  object: z.literal('agent'),
  created_at: z.int(),
  updated_at: z.int(),
  ...shown,
});

export const agentDeletedSchema: z.ZodType<AgentDeleted> = z.object({
  id: text,
  object: z.literal('agent.deleted'),
  deleted: z.literal(true),
});

export const agentVersionSchema: z.ZodType<AgentVersionResource> = z.object({
  id: text,
  object: z.literal('perdure.agent_version'),
  agent_id: text,
  version: z.int().min(1),
  created_at: z.int(),
  created_by: text,
  rolled_back_to: z.int().min(1).nullable(),
  digest: text,
  salt: text,
  ...shown,
});

export function shownAgentConfig({ tools, ...config }: AgentConfig): ShownAgentConfig {
  return { ...config, tools: tools.map(agentToolResource) };
}

/** Of those that say who asks: what an agent holds is not secret, so they have no place in it. */
const SECRET_HEADERS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key']);
const ELSEWHERE = 'A stored agent holds no credentials: keep them in a vault, and attach it to the session.';

function withoutSecrets(parsed: Parsed<AgentBody>): Parsed<AgentBody> {
  if (!parsed.ok) return parsed;
  const refused = (param: string): Parsed<AgentBody> => ({
    ok: false,
    error: perdureError('unsupported_parameter', ELSEWHERE, { param }),
  });
  const [secret] = parsed.value.secrets;
  if (secret !== undefined)
    return refused(`tools[${secret.tool}].transport.${secret.authorization === null ? 'env' : 'authorization'}`);
  const at = (parsed.value.config.tools ?? []).findIndex(
    tool =>
      tool.type === 'mcp' &&
      tool.transport.type === 'http' &&
      Object.keys(tool.transport.headers).some(name => SECRET_HEADERS.has(name.toLowerCase())),
  );
  return at < 0 ? parsed : refused(`tools[${at}].transport.headers`);
}

export function parseCreateAgent(body: unknown): Parsed<AgentBody> {
  return withoutSecrets(parseBody(createAgentBody, body));
}

export function parseUpdateAgent(body: unknown): Parsed<AgentBody> {
  return withoutSecrets(parseBody(agentBody, body));
}

export type RollBackAgent = { readonly version: number };

export const rollBackAgentBody: z.ZodType<RollBackAgent> = z.strictObject({
  version: z.int().min(1).meta({ description: 'The version that the new one is to equal.' }),
});

export function parseRollBackAgent(body: unknown): Parsed<RollBackAgent> {
  return parseOwnBody(rollBackAgentBody, body);
}
