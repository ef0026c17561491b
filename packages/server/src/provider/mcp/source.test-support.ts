/** A scope, a run and a source for tests of MCP servers. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ToolDefinition, ToolOutcome, ToolRun, ToolScope } from '../../engine/tools/ports.ts';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { JsonObject } from '../../log/events.ts';
import type { EgressRules } from '../egress/rules.ts';
import { MCP_LIMITS, type McpLimits } from './limits.ts';
import type { McpSecrets, ServerEnvironments } from './ports.ts';
import type { HostCommand, McpRules } from './rules.ts';
import { type McpReport, type McpSource, makeMcpSource } from './source.ts';

export const NO_EGRESS: EgressRules = {
  mode: 'none',
  hosts: [],
  privateHosts: [],
  types: [],
  maxBytes: 0,
  timeoutMs: 1_000,
  redirects: 0,
};

/** The entry of a package's own command. */
export function npmCommand(name: string, pkg: string, args: readonly string[] = []): HostCommand {
  const manifest = createRequire(import.meta.url).resolve(`${pkg}/package.json`);
  return {
    name,
    command: process.execPath,
    args: [join(dirname(manifest), 'dist/index.js'), ...args],
    env: {},
    cwd: null,
  };
}

export function scopeOf(tools: readonly JsonObject[], over: Partial<ToolScope> = {}): ToolScope {
  return {
    tenant: 'local' as TenantId,
    session: 'sess_1' as SessionId,
    principal: 'me',
    agent: { tools },
    environment: { type: 'none' },
    vaults: [],
    labels: [],
    ...over,
  };
}

export function runOf(args: JsonObject, over: Partial<ToolRun> = {}): ToolRun {
  return {
    callId: 'call_1',
    key: 'key_1',
    arguments: args,
    signal: new AbortController().signal,
    show: () => undefined,
    answer: null,
    ...over,
  };
}

export function stdioTool(label: string, command: string, over: JsonObject = {}): JsonObject {
  return {
    type: 'mcp',
    server_label: label,
    transport: { type: 'stdio', command, args: [], cwd: '', env_vars: [] },
    allowed_tools: null,
    connection_origin: 'service',
    credential_id: null,
    request_metadata: {},
    required: false,
    ...over,
  };
}

export function httpTool(label: string, url: string, over: JsonObject = {}): JsonObject {
  return { ...stdioTool(label, ''), transport: { type: 'http', server_url: url }, ...over };
}

export interface Bench {
  readonly source: McpSource;
  readonly reports: McpReport[];
  /** Moves the clock of the cache. */
  readonly later: (ms: number) => void;
}

export interface BenchOptions {
  readonly rules?: Partial<McpRules>;
  readonly limits?: Partial<McpLimits>;
  readonly secrets?: McpSecrets | undefined;
  readonly environments?: ServerEnvironments;
}

export function benchOf({ rules, limits, secrets, environments }: BenchOptions = {}): Bench {
  const reports: McpReport[] = [];
  let now = 0;
  const source = makeMcpSource({
    rules: { egress: NO_EGRESS, stdio: [], trusted: [], ...rules },
    limits: { ...MCP_LIMITS, ...limits },
    secrets: secrets ?? null,
    environments: environments ?? null,
    version: '0.0.0',
    now: () => now,
    report: report => void reports.push(report),
  });
  return { source, reports, later: ms => void (now += ms) };
}

/** What was said, if it was text alone. */
export function textOf(outcome: ToolOutcome): string {
  return outcome.ok === true && typeof outcome.output === 'string' ? outcome.output : '';
}

export const never: AbortSignal = new AbortController().signal;

export function named(tools: readonly ToolDefinition[], name: string): ToolDefinition {
  const found = tools.find(tool => tool.name === name);
  if (found === undefined) throw new Error(`no tool ${name} among ${tools.map(tool => tool.name).join(', ')}`);
  return found;
}
