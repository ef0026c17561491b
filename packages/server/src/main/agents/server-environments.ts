/** How MCP servers are reached from the environment of a session: under the network rules of its workspace, or by its worker. */
import { perdureError, type StatusResource } from '@perdure/protocol';
import type { EnvironmentsApi } from '../../engine/environments/environments-api.ts';
import type { ToolScope } from '../../engine/tools/ports.ts';
import { type Json, textOf } from '../../log/events.ts';
import { addressAllowed, matchesAny } from '../../provider/egress/rules.ts';
import { fetchWithin } from '../../provider/mcp/fetch-within.ts';
import type { ServerEnvironments } from '../../provider/mcp/ports.ts';
import type { Config } from '../config/config.ts';
import { workspaceEgress } from '../workspaces.ts';

type Fetch = (where: string | URL, init?: RequestInit) => Promise<Response>;

/** One call of a server, ms. */
export interface ServerEnvironmentsOptions {
  readonly api: () => EnvironmentsApi;
  readonly workspaces: Config['workspaces'];
  readonly callMs: number;
}

export function serverEnvironments({ api, workspaces, callMs }: ServerEnvironmentsOptions): ServerEnvironments {
  const { blockedHosts, network: most } = workspaces;
  const egress = workspaceEgress(workspaces.privateHosts);

  async function hosted({ tenant, environment }: ToolScope): Promise<Fetch> {
    // An idle server has no workspaces, and nothing of them.
    const { hostAllowed, hostRules, within } = await import('../../workspace/network/rules.ts');
    const spec = await api().sessions.spec(tenant, environment);
    const rules = spec === null || !within(spec.network.access, most) ? null : hostRules(spec.network, blockedHosts);
    if (rules === null) throw perdureError('egress_denied', 'The environment of the session has no network.');
    return fetchWithin({
      mayAsk: url => hostAllowed(url, rules, matchesAny),
      addressAllowed: (address, url) => addressAllowed(address, url, egress),
    });
  }

  function served({ tenant, environment }: ToolScope): Fetch {
    return async (where, init = {}) => {
      // A worker answers with whole answers: a server that only listens on has nothing to say by it.
      const method = init.method ?? 'GET';
      if (method === 'GET') return new Response(null, { status: 405 });
      const body = init.body == null ? null : new Uint8Array(await new Response(init.body).arrayBuffer());
      const headers = new Headers(init.headers);
      if (headers.get('mcp-method') === LISTEN) return notListened(body);
      const answer = await api().sessions.ask(tenant, textOf(environment['id']), {
        method,
        url: String(where),
        headers: Object.fromEntries(headers),
        body,
        timeoutMs: callMs,
        signal: init.signal ?? null,
      });
      const empty = answer.status === 204 || answer.status === 205 || answer.status === 304;
      const { status } = answer;
      return new Response(empty ? null : Uint8Array.from(answer.body), { status, headers: { ...answer.headers } });
    };
  }

  return {
    async spawn({ tenant, environment }, { command, args, cwd, envVars }) {
      const why = await whyNoServers(null)(environment);
      if (why !== null) throw perdureError('mcp_server_not_allowed', why);
      const { workspace } = await api().sessions.use(tenant, textOf(environment['id']));
      if (workspace.serve === undefined) throw perdureError('mcp_server_not_allowed', NOT_HERE);
      return workspace.serve({ command, args, cwd, variables: envVars });
    },
    async ready({ tenant, environment }) {
      const { type, id } = environment;
      if (type !== 'openai_hosted' || typeof id !== 'string') return;
      await api()
        .sessions.use(tenant, id)
        .catch(() => undefined);
    },
    fetch(scope) {
      if (scope.environment['type'] === 'self_hosted') return served(scope);
      let fetcher: Promise<Fetch> | null = null;
      return async (where, init) => {
        fetcher ??= hosted(scope);
        return (await fetcher)(where, init);
      };
    },
  };
}

const NOT_HERE = 'No MCP server is started in the environment of the session.';

/** @param state how commands are kept in on this server; null: it is not known, and whoever starts one finds out */
export function whyNoServers(
  state: (() => Promise<StatusResource['workspaces']>) | null,
): (environment: { readonly type?: Json }) => Promise<string | null> {
  return async ({ type }) => {
    if (type === 'self_hosted')
      return 'Workers start no MCP servers: have one run beside the worker, and reach it over HTTP from the environment.';
    if (type !== 'openai_hosted')
      return 'The session has no environment in which an MCP server could be started: choose openai_hosted.';
    const held = await state?.();
    if (held === undefined || held.isolation === 'bubblewrap') return null;
    return `MCP servers are started in environments only where bubblewrap keeps them in, and here it does not: ${held.why ?? 'it is not there'}. Reach one over HTTP.`;
  };
}

/** Asks for an answer that never ends. */
const LISTEN = 'subscriptions/listen';

function notListened(body: Uint8Array | null): Response {
  const asked: unknown = body === null ? null : JSON.parse(Buffer.from(body).toString());
  const id = typeof asked === 'object' && asked !== null && 'id' in asked ? asked.id : null;
  const error = { code: -32_601, message: 'A worker does not listen.' };
  return Response.json({ jsonrpc: '2.0', id, error });
}
