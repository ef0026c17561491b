/** What an agent is made of, in the wire form that the server answers with: every field is there, defaults filled in. */
import type { JsonObject } from '../json.ts';
import type { Metadata } from '../responses/settings.ts';

export const AGENT_SERVICE_TIERS = ['auto', 'default', 'flex', 'priority', 'fast', 'ultrafast'] as const;
export type AgentServiceTier = (typeof AGENT_SERVICE_TIERS)[number];

export interface AgentFunctionTool {
  readonly type: 'function';
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: JsonObject;
  readonly defer_loading: boolean;
  /** Whether the turn goes on without its result. Present if true. */
  readonly async?: true;
}

export interface AgentMcpHttpTransport {
  readonly type: 'http';
  readonly server_url: string;
  readonly headers: { readonly [name: string]: string };
}

export interface AgentMcpStdioTransport {
  readonly type: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Names of variables of the environment that it is given. */
  readonly env_vars: readonly string[];
}

export interface AgentMcpTool {
  readonly type: 'mcp';
  readonly server_label: string;
  readonly transport: AgentMcpHttpTransport | AgentMcpStdioTransport;
  /** Null: all that the server has. */
  readonly allowed_tools: readonly string[] | null;
  readonly connection_origin: 'service' | 'environment';
  readonly credential_id: string | null;
  readonly request_metadata: JsonObject;
  readonly required: boolean;
}

/** Tools that this server cannot run: an agent may name them, a session that would use them is refused. */
export interface AgentUnhostedTool {
  readonly type: 'web_search' | 'computer_use';
  readonly settings: JsonObject;
}

export type AgentTool =
  | AgentFunctionTool
  | AgentMcpTool
  | { readonly type: 'tool_search' }
  | { readonly type: 'programmatic_tool_calling'; readonly enabled: boolean }
  | { readonly type: 'automations' }
  | AgentUnhostedTool;

export interface AgentConfig {
  readonly model: string;
  readonly instructions: string | null;
  readonly reasoning: { readonly effort: string | null; readonly summary: string | null };
  readonly service_tier: AgentServiceTier;
  readonly text: {
    readonly format: { readonly type: 'text' } | { readonly type: 'json_schema'; readonly schema: JsonObject };
    readonly verbosity: 'low' | 'medium' | 'high';
  };
  readonly tools: readonly AgentTool[];
  readonly multi_agent: { readonly enabled: boolean; readonly max_concurrent_subagents: number | null };
  readonly compaction: { readonly async: boolean };
  readonly experimental: { readonly time_awareness: boolean };
}

/** Credentials that came in a request beside a tool. They go to who keeps secrets, never into a log, an answer or an error (L9). */
export interface ToolSecrets {
  /** The index of the tool among those of the request. */
  readonly tool: number;
  /** Whom they are for: its label, and its URL; null for a process. */
  readonly label: string;
  readonly url: string | null;
  readonly authorization: string | null;
  readonly env: { readonly [name: string]: string };
}

/** What a request says of an agent: absent fields stay as they are, or take their defaults. */
export interface AgentConfigInput {
  readonly config: Partial<AgentConfig>;
  readonly secrets: readonly ToolSecrets[];
}

/** A body of `POST /v1/agents` or `POST /v1/agents/{id}`. */
export interface AgentBody extends AgentConfigInput {
  readonly name?: string | null;
  readonly metadata?: Metadata;
}

/** Of an agent that says nothing but its model. */
export const AGENT_DEFAULTS: Omit<AgentConfig, 'model'> = {
  instructions: null,
  reasoning: { effort: null, summary: null },
  service_tier: 'auto',
  text: { format: { type: 'text' }, verbosity: 'medium' },
  tools: [],
  multi_agent: { enabled: false, max_concurrent_subagents: null },
  compaction: { async: true },
  experimental: { time_awareness: false },
};

/** Sub-agents at once where an agent names no number. */
export const DEFAULT_SUBAGENTS = 6;
