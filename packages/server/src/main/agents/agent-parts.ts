/** What agents are made of in this deployment, put together before the engine that runs them: it is asked for once it is there. */
import type { AgentHost } from '../../engine/agent-sessions/host.ts';
import type { EnvironmentsApi } from '../../engine/environments/environments-api.ts';
import type { WorkspaceHost } from '../../engine/environments/desk.ts';
import type { Clock, Ids } from '../../engine/ports.ts';
import type { ToolDesk } from '../../engine/tools/desk.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { toolRules } from '../agent-rules.ts';
import { programLimits } from '../engine-limits.ts';
import { automationTools, type RunningAutomations } from '../automations/start.ts';
import type { Config } from '../config/config.ts';
import { type OpenEnvironments, openEnvironments } from '../environments.ts';
import { programHost } from '../../workspace/programs/host.ts';
import { openRegistry, type Registry } from '../registry.ts';
import { openTools } from '../tools.ts';
import { makeWorkspaces, type WorkspacesDesk } from '../workspaces.ts';
import { makeAgentHost } from './agent-host.ts';
import { type SecretSweep, makeSecretSweep } from './secret-sweep.ts';
import { edgeCredentials, vaultCheck } from './edge-credentials.ts';
import { mcpSecrets } from './mcp-secrets.ts';
import { agentSweep } from './sweep-agents.ts';
import { serverEnvironments, whyNoServers } from './server-environments.ts';

export interface AgentParts {
  readonly registry: Registry;
  readonly workspaces: WorkspacesDesk;
  readonly environments: OpenEnvironments;
  readonly host: AgentHost;
  readonly tools: Pick<ToolDesk, 'sources' | 'policy' | 'reviewer' | 'review' | 'programs'>;
  /** Forgets what came inline with sessions that are gone. */
  readonly secretSweep: SecretSweep;
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
  const secretSweep = makeSecretSweep(registry.sessionSecrets, report);
  const workspaces = makeWorkspaces(config, {
    specOf: ({ tenant, environment }) => api().sessions.spec(tenant, environment),
    open: async ({ tenant, id }) => (await api().sessions.use(tenant, id)).workspace,
    credentials: edgeCredentials(registry.broker),
  });
  const checkVaults = vaultCheck(registry.broker);
  const environments = openEnvironments(config, given ?? workspaces.hosts, checkVaults);
  const deleted = agentSweep({ store: control, now: () => clock.now(), report });
  const { mcp, modules } = await openTools(config, {
    secrets: mcpSecrets(registry.broker, registry.sessionSecrets),
    environments: serverEnvironments({ api, workspaces: config.workspaces, callMs: config.tools.limits.callMs }),
    log,
    report,
  });
  const programs = programHost({ limits: programLimits(config.limits), atOnce: config.limits.programsAtOnce });
  return {
    registry,
    workspaces,
    environments: {
      ...environments,
      start(...started) {
        environments.start(...started);
        deleted.start();
      },
    },
    host: makeAgentHost({
      control,
      registry,
      mcp,
      environments: api,
      whyNoServers: whyNoServers(given === undefined ? workspaces.state : null),
      checkVaults,
      report,
    }),
    tools: {
      sources: [automationTools(automations), workspaces.tools, modules, mcp],
      ...(await toolRules(config, control)),
      programs,
    },
    secretSweep,
    async close() {
      await secretSweep.close();
      await Promise.all([programs.close(), mcp.close(), modules.close(), workspaces.tools.close()]);
      await deleted.close();
      await environments.close();
      await workspaces.close();
      await registry.close();
    },
  };
}
