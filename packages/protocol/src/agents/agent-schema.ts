/** Agents and their tools, as requests give them. */
import * as z from 'zod';
import type { JsonObject } from '../json.ts';
import { LIMITS, TOOL_NAME } from '../limits.ts';
import { boundedList, fault, freeObject, metadata, present } from '../parse.ts';
import {
  AGENT_SERVICE_TIERS,
  type AgentBody,
  type AgentConfig,
  type AgentConfigInput,
  type AgentTool,
  DEFAULT_SUBAGENTS,
  type ToolSecrets,
} from './agent-config.ts';

/** Bounds that only agents have. */
export const AGENT_LIMITS: {
  readonly nameChars: number;
  readonly instructionsChars: number;
  /** Of the list of tools as compact JSON in UTF-8. */
  readonly toolsBytes: number;
  readonly mcpServers: number;
  readonly labelChars: number;
  readonly allowedTools: number;
  readonly headers: number;
  readonly headerChars: number;
  readonly commandChars: number;
  readonly args: number;
  readonly envVars: number;
  readonly subagents: number;
} = {
  nameChars: 256,
  instructionsChars: 1_000_000,
  toolsBytes: 3 * 1024 * 1024,
  mcpServers: 32,
  labelChars: 64,
  allowedTools: 256,
  headers: 32,
  headerChars: 4_096,
  commandChars: 4_096,
  args: 64,
  envVars: 64,
  subagents: 32,
};

const functionTool = z.object({
  type: z.literal('function'),
  name: z.string().regex(TOOL_NAME),
  description: z.string().max(LIMITS.descriptionChars),
  parameters: freeObject,
  async: z.boolean().nullish(),
  defer_loading: z.boolean().nullish(),
});

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const texts = (most: number, chars: number): z.ZodType<{ readonly [key: string]: string }> =>
  z.record(z.string().min(1).max(chars), z.string().max(chars)).refine(pairs => Object.keys(pairs).length <= most, {
    message: `has too many entries: at most ${most}`,
  });

const transport = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('http'),
    server_url: z.url({ protocol: /^https?$/ }).max(LIMITS.urlChars),
    headers: texts(AGENT_LIMITS.headers, AGENT_LIMITS.headerChars).nullish(),
    authorization: z.string().min(1).max(AGENT_LIMITS.headerChars).nullish(),
  }),
  z.object({
    type: z.literal('stdio'),
    command: z.string().min(1).max(AGENT_LIMITS.commandChars),
    cwd: z.string().min(1).max(AGENT_LIMITS.commandChars),
    args: boundedList(z.string().max(AGENT_LIMITS.commandChars), AGENT_LIMITS.args).nullish(),
    env: texts(AGENT_LIMITS.envVars, AGENT_LIMITS.headerChars).nullish(),
    env_vars: boundedList(z.string().regex(ENV_NAME), AGENT_LIMITS.envVars).nullish(),
  }),
]);

const LABEL = /^[A-Za-z][A-Za-z0-9_-]*$/;
const mcpTool = z.object({
  type: z.literal('mcp'),
  server_label: z.string().max(AGENT_LIMITS.labelChars).regex(LABEL),
  transport,
  allowed_tools: boundedList(z.string().min(1).max(LIMITS.nameChars), AGENT_LIMITS.allowedTools).nullish(),
  connection_origin: z.enum(['service', 'environment']).nullish(),
  credential_id: z.string().min(1).max(LIMITS.idChars).nullish(),
  request_metadata: freeObject.nullish(),
  required: z.boolean().nullish(),
});

const domain = z.string().min(1).max(253);
const place = z.string().max(LIMITS.nameChars).nullish();
/** The country as two letters, the time zone by its IANA name: neither is looked at here. */
const location = z.object({ city: place, country: place, region: place, timezone: place });
const webSearch = z.object({
  type: z.literal('web_search'),
  allowed_domains: boundedList(domain, AGENT_LIMITS.allowedTools).nullish(),
  context_size: z.enum(['low', 'medium', 'high']).nullish(),
  location: location.nullish(),
  mode: z.enum(['disabled', 'cached', 'live']).nullish(),
});

const tool = z.discriminatedUnion('type', [
  functionTool,
  mcpTool,
  webSearch,
  z.object({ type: z.literal('tool_search') }),
  z.object({ type: z.literal('programmatic_tool_calling'), enabled: z.boolean().nullish() }),
  z.object({ type: z.literal('automations') }),
  z.object({ type: z.literal('computer_use'), include_screenshots: z.boolean().nullish() }),
]);
type GivenTool = z.infer<typeof tool>;

function shownTool(given: GivenTool): AgentTool {
  switch (given.type) {
    case 'function':
      return {
        type: given.type,
        name: given.name,
        description: given.description,
        parameters: given.parameters,
        defer_loading: given.defer_loading ?? false,
        ...(given.async === true && { async: true }),
      };
    case 'programmatic_tool_calling':
      return { type: given.type, enabled: given.enabled ?? true };
    case 'computer_use':
      return { type: given.type, settings: { include_screenshots: given.include_screenshots ?? false } };
    case 'web_search': {
      const { allowed_domains = null, context_size, location: at, mode } = given;
      const located = at == null ? null : { city: null, country: null, region: null, timezone: null, ...present(at) };
      return {
        type: given.type,
        settings: { allowed_domains, context_size: context_size ?? 'medium', location: located, mode: mode ?? 'live' },
      };
    }
    case 'mcp':
      return shownMcp(given);
    case 'tool_search':
    case 'automations':
      return given;
  }
}

function shownMcp(given: z.infer<typeof mcpTool>): AgentTool {
  const over = given.transport;
  return {
    type: 'mcp',
    server_label: given.server_label,
    transport:
      over.type === 'http'
        ? { type: 'http', server_url: over.server_url, headers: over.headers ?? {} }
        : { type: 'stdio', command: over.command, args: over.args ?? [], cwd: over.cwd, env_vars: over.env_vars ?? [] },
    allowed_tools: given.allowed_tools ?? null,
    connection_origin: given.connection_origin ?? 'service',
    credential_id: given.credential_id ?? null,
    request_metadata: given.request_metadata ?? {},
    required: given.required ?? false,
  };
}

function secretsOf(given: GivenTool, index: number): ToolSecrets[] {
  if (given.type !== 'mcp') return [];
  const over = given.transport;
  const authorization = over.type === 'http' ? (over.authorization ?? null) : null;
  const env = over.type === 'stdio' ? (over.env ?? {}) : {};
  if (authorization === null && Object.keys(env).length === 0) return [];
  const url = over.type === 'http' ? over.server_url : null;
  return [{ tool: index, label: given.server_label, url, authorization, env }];
}

const tools = boundedList(tool, LIMITS.tools)
  .superRefine((list, ctx) => {
    const names = list.flatMap(one =>
      one.type === 'function' ? [one.name] : one.type === 'mcp' ? [one.server_label] : [],
    );
    const twice = names.find((name, index) => names.indexOf(name) < index);
    if (twice !== undefined) fault(ctx, 'invalid_request', `Two tools are called '${twice}'.`);
    if (list.filter(one => one.type === 'mcp').length > AGENT_LIMITS.mcpServers)
      fault(ctx, 'invalid_request', `There are too many MCP servers: at most ${AGENT_LIMITS.mcpServers}.`);
    if (new TextEncoder().encode(JSON.stringify(list)).length > AGENT_LIMITS.toolsBytes)
      fault(ctx, 'invalid_request', `The tools are too large: at most ${AGENT_LIMITS.toolsBytes} bytes as JSON.`);
  })
  .transform(list => ({ shown: list.map(shownTool), secrets: list.flatMap(secretsOf) }));

const textFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_schema'), schema: freeObject }),
]);

const configFields = {
  model: z.string().min(1).max(LIMITS.nameChars).optional(),
  instructions: z.string().max(AGENT_LIMITS.instructionsChars).nullish(),
  reasoning: z
    .object({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      summary: z.enum(['auto', 'concise', 'detailed']).nullish(),
    })
    .nullish(),
  service_tier: z.enum(AGENT_SERVICE_TIERS).nullish(),
  text: z.object({ format: textFormat.nullish(), verbosity: z.enum(['low', 'medium', 'high']).nullish() }).nullish(),
  tools: tools.nullish(),
  multi_agent: z
    .object({
      enabled: z.boolean(),
      max_concurrent_subagents: z.int().min(1).max(AGENT_LIMITS.subagents).nullish(),
    })
    .nullish(),
  compaction: z.object({ async: z.boolean().nullish() }).nullish(),
  experimental: z.object({ time_awareness: z.boolean().nullish() }).nullish(),
};
const configShape = z.object(configFields);

/** Null resets a field to its default, absence leaves it: so a null is a value here. */
function configInput(given: z.infer<typeof configShape>): AgentConfigInput {
  const {
    tools: listed,
    reasoning,
    text,
    multi_agent,
    compaction,
    experimental,
    instructions,
    service_tier,
    model,
  } = given;
  const config: Partial<AgentConfig> = {
    ...present({ model }),
    ...(instructions !== undefined && { instructions }),
    ...(reasoning !== undefined && {
      reasoning: { effort: reasoning?.effort ?? null, summary: reasoning?.summary ?? null },
    }),
    ...(service_tier !== undefined && { service_tier: service_tier ?? 'auto' }),
    ...(text !== undefined && {
      text: { format: text?.format ?? { type: 'text' }, verbosity: text?.verbosity ?? 'medium' },
    }),
    ...(listed !== undefined && { tools: listed?.shown ?? [] }),
    ...(multi_agent !== undefined && {
      multi_agent: {
        enabled: multi_agent?.enabled ?? false,
        max_concurrent_subagents:
          multi_agent?.enabled === true ? (multi_agent.max_concurrent_subagents ?? DEFAULT_SUBAGENTS) : null,
      },
    }),
    ...(compaction !== undefined && { compaction: { async: compaction?.async ?? true } }),
    // Merged by key: what an object leaves out stays as it is.
    ...(experimental === null && { experimental: { time_awareness: false } }),
    ...(experimental?.time_awareness !== undefined && {
      experimental: { time_awareness: experimental.time_awareness ?? false },
    }),
  };
  return { config, secrets: listed?.secrets ?? [] };
}

/** The agent of a session or of an automation, inline. */
export const agentConfigInput: z.ZodType<AgentConfigInput> = configShape.transform(configInput);

const bodyShape = z.object({
  ...configFields,
  name: z.string().max(AGENT_LIMITS.nameChars).nullish(),
  metadata: metadata.nullish(),
});

function bodyOf({ name, metadata: pairs, ...config }: z.infer<typeof bodyShape>): AgentBody {
  return {
    ...configInput(config),
    ...(name !== undefined && { name }),
    ...(pairs !== undefined && { metadata: pairs ?? {} }),
  };
}

/** A body of `POST /v1/agents/{id}`. */
export const agentBody: z.ZodType<AgentBody> = bodyShape.transform(bodyOf);

/** A body of `POST /v1/agents`: it names a model. */
export const createAgentBody: z.ZodType<AgentBody> = bodyShape
  .extend({ model: configFields.model.unwrap() })
  .transform(bodyOf);

/** A tool in the wire form of answers. */
export function agentToolResource(given: AgentTool): JsonObject {
  if (given.type === 'web_search' || given.type === 'computer_use') return { type: given.type, ...given.settings };
  return given as unknown as JsonObject;
}
