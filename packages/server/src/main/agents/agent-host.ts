/** What sessions of agents have beside them in this deployment: saved agents, environments, vaults, MCP servers. */
import type { AgentHost } from '../../engine/agent-sessions/host.ts';
import { resolveAgent } from '../../engine/agents/agents.ts';
import type { EnvironmentsApi } from '../../engine/environments/environments-api.ts';
import type { JsonObject } from '../../log/events.ts';
import { admitProcesses } from '../../provider/mcp/admit.ts';
import type { McpSource } from '../../provider/mcp/source.ts';
import type { HomeStore } from '../../store/home-store.ts';
import type { Registry } from '../registry.ts';
import { admitSecrets } from './mcp-secrets.ts';

export interface AgentHostParts {
  readonly control: HomeStore;
  readonly registry: Registry;
  readonly mcp: McpSource;
  /** Of an engine that is made after this. */
  readonly environments: () => EnvironmentsApi;
  /** Why no MCP server is started in it; null: they are. */
  readonly whyNoServers: (environment: { readonly type: string }) => Promise<string | null>;
  readonly checkVaults: AgentHost['checkVaults'];
  readonly report: (what: string, error: unknown) => void;
}

export function makeAgentHost(parts: AgentHostParts): AgentHost {
  const { control, registry, mcp, environments, whyNoServers, checkVaults, report } = parts;
  return {
    async savedAgent(tenant, id) {
      const { version, name, config } = await resolveAgent(control, tenant, id, null);
      return { id, version, name, config };
    },
    async admit(config, secrets, environment) {
      mcp.admit(config as unknown as JsonObject);
      admitSecrets(config, secrets);
      await admitProcesses(config as unknown as JsonObject, () => whyNoServers(environment));
    },
    environment: (caller, session, given, vaults) => environments().sessions.wire(caller, { given, vaults, session }),
    async surroundings(tenant, environment) {
      const id = environment['id'];
      if (typeof id !== 'string') return { labels: [], note: null };
      const { labels, note } = await environments().sessions.binding(tenant, id);
      return { labels, note };
    },
    checkVaults,
    keepSecrets: (...kept) => registry.sessionSecrets.keep(...kept),
    async ending({ tenant, session, turn, labels, environment }) {
      const id = environment['id'];
      if (environment.type !== 'openai_hosted' || typeof id !== 'string') return 0;
      try {
        const { workspace } = await environments().sessions.use(tenant, id);
        const from = { tenant, session, turn, environment: id, workspace, labels };
        const { artifacts } = await environments().artifacts.collect(from);
        return artifacts.length;
      } catch (error) {
        // The turn ends all the same; what was not collected is still in the workspace.
        report('artifacts', error);
        return 0;
      }
    },
    async forget(tenant, session, environment) {
      const id = environment['id'];
      await registry.sessionSecrets.forget(tenant, session);
      await environments().sessions.end(tenant, { session, environment: typeof id === 'string' ? id : null });
    },
  };
}
