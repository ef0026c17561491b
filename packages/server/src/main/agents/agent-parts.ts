/** What agents are made of in this deployment, put together before the engine that runs them: it is asked for once it is there. */
import type { AgentHost } from '../../engine/agent-sessions/host.ts';
import type { EnvironmentsApi } from '../../engine/environments/environments-api.ts';
import type { WorkspaceHost } from '../../engine/environments/desk.ts';
import type { Clock, Ids } from '../../engine/ports.ts';
import type { ToolDesk } from '../../engine/tools/desk.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { toolRules } from '../agent-rules.ts';
import { automationTools, type RunningAutomations } from '../automations/start.ts';
import type { Config } from '../config/config.ts';
import { type OpenEnvironments, openEnvironments } from '../environments.ts';
import { openRegistry, type Registry } from '../registry.ts';
import { openTools } from '../tools.ts';
import { makeWorkspaces, type WorkspacesDesk } from '../workspaces.ts';
import { makeAgentHost } from './agent-host.ts';
import { mcpSecrets } from './mcp-secrets.ts';

export interface AgentParts {
  readonly registry: Registry;
  readonly workspaces: WorkspacesDesk;
  readonly environments: OpenEnvironments;
  readonly host: AgentHost;
  readonly tools: Pick<ToolDesk, 'sources' | 'policy' | 'reviewer' | 'review'>;
  close(): Promise<void>;
}

export interface AgentPartsOptions {
  readonly control: HomeStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Where hosted environments have their files, if not as configured. */
  readonly given: WorkspaceHost | undefined;
  readonly api: () => EnvironmentsApi;
  readonly automations: () => RunningAutomations;
  readonly report: (what: string, error: unknown) => void;
  readonly log: (line: string) => void;
}

/** @throws if a module of tools, a policy or a key cannot be used, in words for operators */
export async function openAgentParts(
  config: Config,
  { control, clock, ids, given, api, automations, report, log }: AgentPartsOptions,
): Promise<AgentParts> {
  const registry = openRegistry({ store: control, clock, ids, config, report });
  const workspaces = makeWorkspaces(config, {
    specOf: ({ tenant, environment }) => api().sessions.spec(tenant, environment),
    open: async ({ tenant, id }) => (await api().sessions.use(tenant, id)).workspace,
  });
  const environments = openEnvironments(config, given ?? workspaces.hosts);
  const { mcp, modules } = await openTools(config, {
    secrets: mcpSecrets(registry.broker),
    environments: null,
    log,
    report,
  });
  return {
    registry,
    workspaces,
    environments,
    host: makeAgentHost({ control, registry, mcp, environments: api, report }),
    tools: {
      sources: [automationTools(automations), workspaces.tools, modules, mcp],
      ...(await toolRules(config, control)),
    },
    async close() {
      await Promise.all([mcp.close(), modules.close(), workspaces.tools.close()]);
      await environments.close();
      await workspaces.close();
      await registry.close();
    },
  };
}
