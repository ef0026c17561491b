/** What sessions of agents have beside them in this deployment: saved agents, environments, vaults, MCP servers. */
import { perdureError } from '@perdure/protocol';
import type { AgentHost } from '../../engine/agent-sessions/host.ts';
import { resolveAgent } from '../../engine/agents/agents.ts';
import type { EnvironmentsApi } from '../../engine/environments/environments-api.ts';
import type { JsonObject } from '../../log/events.ts';
import type { McpSource } from '../../provider/mcp/source.ts';
import type { HomeStore } from '../../store/home-store.ts';
import type { Registry } from '../registry.ts';

export interface AgentHostParts {
  readonly control: HomeStore;
  readonly registry: Registry;
  readonly mcp: McpSource;
  /** Of an engine that is made after this. */
  readonly environments: () => EnvironmentsApi;
  readonly report: (what: string, error: unknown) => void;
}

export function makeAgentHost({ control, registry, mcp, environments, report }: AgentHostParts): AgentHost {
  return {
    async savedAgent(tenant, id) {
      const { version, name, config } = await resolveAgent(control, tenant, id, null);
      return { id, version, name, config };
    },
    admit(config) {
      mcp.admit(config as unknown as JsonObject);
    },
    environment: (caller, session, given, vaults) => environments().sessions.wire(caller, { given, vaults, session }),
    async surroundings(tenant, environment) {
      const id = environment['id'];
      if (typeof id !== 'string') return { labels: [], note: null };
      const { labels, note } = await environments().sessions.binding(tenant, id);
      return { labels, note };
    },
    checkVaults: (tenant, vaults) => registry.broker.checkAttached({ tenant, vaults }),
    async keepSecrets(_tenant, _session, secrets) {
      if (secrets.length === 0) return;
      // A session names its credentials: they lie in a vault, where they can be changed and taken back.
      throw perdureError('unsupported_parameter', 'Credentials of MCP servers belong in a vault: see docs/vaults.md.', {
        param: 'agent.tools',
      });
    },
    async ending({ tenant, session, turn, labels, environment }) {
      const id = environment['id'];
      if (environment.type !== 'openai_hosted' || typeof id !== 'string') return;
      try {
        const { workspace } = await environments().sessions.use(tenant, id);
        await environments().artifacts.collect({ tenant, session, turn, environment: id, workspace, labels });
      } catch (error) {
        // The turn ends all the same; what was not collected is still in the workspace.
        report('artifacts', error);
      }
    },
    async forget(tenant, session, environment) {
      const id = environment['id'];
      await environments().sessions.end(tenant, { session, environment: typeof id === 'string' ? id : null });
    },
  };
}
