/** What sessions of agents have beside them in this deployment: saved agents, environments, vaults, MCP servers. */
import { environmentParam, parseBody, perdureError } from '@perdure/protocol';
import * as z from 'zod';
import type { AgentHost } from '../../engine/agent-sessions/host.ts';
import { resolveAgent } from '../../engine/agents/agents.ts';
import type { EnvironmentsApi } from '../../engine/environments/environments-api.ts';
import type { Homes } from '../../engine/homes.ts';
import type { JsonObject } from '../../log/events.ts';
import type { McpSource } from '../../provider/mcp/source.ts';
import type { HomeStore } from '../../store/home-store.ts';
import type { Registry } from '../registry.ts';

export interface AgentHostParts {
  readonly control: HomeStore;
  readonly homes: Homes;
  readonly registry: Registry;
  readonly mcp: McpSource;
  /** Of an engine that is made after this. */
  readonly environments: () => EnvironmentsApi;
  readonly report: (what: string, error: unknown) => void;
}

const asked = z.object({ environment: environmentParam });

export function makeAgentHost({ control, homes, registry, mcp, environments, report }: AgentHostParts): AgentHost {
  return {
    async savedAgent(tenant, id) {
      const { version, name, config } = await resolveAgent(control, tenant, id, null);
      return { id, version, name, config };
    },
    admit(config) {
      mcp.admit(config as unknown as JsonObject);
    },
    async environment(caller, session, environment, vaults) {
      const parsed = parseBody(asked, { environment });
      if (!parsed.ok) throw parsed.error;
      const store = homes.ofBody(session.slice('sess_'.length));
      if (store === null) throw perdureError('internal_error');
      const of = { session, home: store.home };
      const bound = await environments().sessions.bind(caller, { given: parsed.value.environment, vaults, of });
      return bound.environment as unknown as JsonObject & { readonly type: string };
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
