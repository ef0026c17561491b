/** Where tools come from in this deployment: modules of the operator, and the MCP servers that sessions name. */
import type { ToolSource } from '../engine/tools/ports.ts';
import { withClients } from '../provider/mcp/clients.ts';
import type { McpSecrets, ServerEnvironments } from '../provider/mcp/ports.ts';
import { type McpSource, makeMcpSource } from '../provider/mcp/source.ts';
import { loadTools } from '../provider/module-tools/load.ts';
import { makeModuleSource } from '../provider/module-tools/source.ts';
import type { Config } from './config/config.ts';
import { VERSION } from './version.ts';

export interface OpenTools {
  readonly mcp: McpSource;
  readonly modules: ToolSource;
}

export interface ToolParts {
  readonly secrets: McpSecrets | null;
  readonly environments: ServerEnvironments | null;
  readonly log: (line: string) => void;
  readonly report: (what: string, error: unknown) => void;
}

/** @throws Error in words for operators, if a module of tools cannot be used */
export async function openTools(
  { tools: { modules, mcp, limits, clients } }: Pick<Config, 'tools'>,
  { secrets, environments, log, report }: ToolParts,
): Promise<OpenTools> {
  const tools = await loadTools(modules);
  return {
    mcp: makeMcpSource({
      rules: mcp,
      limits,
      secrets: withClients(secrets, clients),
      environments,
      version: VERSION,
      now: () => performance.now(),
      report: ({ session, server, tool, why }) =>
        log(`mcp: ${session} ${JSON.stringify(server)}${tool === null ? '' : ` ${JSON.stringify(tool)}`}: ${why}`),
    }),
    modules: makeModuleSource({
      tools,
      resultBytes: limits.resultBytes,
      report: (tool, error) => report(`tool ${tool}`, error),
    }),
  };
}
