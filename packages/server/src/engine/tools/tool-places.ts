/**
 * Where a tool call runs, and where data leaves for with it: what contracts are asked about. Pure.
 *
 * What a client runs is its own: it is told the arguments as the answer to its request, which is placed already.
 */
import { isJsonObject } from '@perdure/protocol';
import type { Json, JsonObject } from '../../log/events.ts';
import { toolsOf } from '../../tool/configured.ts';
import type { DestinationFacts, ToolFacts } from '../../placement/facts.ts';
import { SELF_HOSTED } from '../../placement/outside.ts';
import type { ToolDefinition, ToolScope } from './ports.ts';

export type ToolPlaceAsked =
  /** `place`: null where the session's state is. */
  | { readonly action: 'execute'; readonly place: typeof SELF_HOSTED | null; readonly tool: ToolFacts }
  | { readonly action: 'egress'; readonly destination: DestinationFacts };

/** Built-in tools of a workspace: they run where the environment is. */
const OF_WORKSPACES: ReadonlySet<string> = new Set(['shell', 'apply_patch', 'read_file', 'write_file', 'list_files']);
const ANY_HOST = '*';

export function placesOf(
  { name, origin }: Pick<ToolDefinition, 'name' | 'origin'>,
  args: JsonObject,
  { agent, environment }: Pick<ToolScope, 'agent' | 'environment'>,
): readonly ToolPlaceAsked[] {
  const self = environment['type'] === 'self_hosted' ? SELF_HOSTED : null;
  const runs = (place: typeof self): ToolPlaceAsked => {
    if (origin.kind === 'client') throw new Error('a client runs this tool');
    return { action: 'execute', place, tool: { name, origin: origin.kind } };
  };
  const leaves = (host: string, use: DestinationFacts['use']): ToolPlaceAsked => ({
    action: 'egress',
    destination: { host, use },
  });
  switch (origin.kind) {
    case 'client':
      return [];
    case 'module':
      return [runs(null)];
    case 'mcp': {
      const server = serverOf(agent, origin.server);
      if (server['connection_origin'] === 'environment') return [runs(self), ...commandHosts(environment).map(toHost)];
      const transport = isJsonObject(server['transport']) ? server['transport'] : {};
      return transport['type'] === 'stdio' ? [runs(null)] : [leaves(hostOf(transport['server_url']), 'mcp')];
    }
    case 'builtin':
      if (name === 'web_fetch') return [runs(null), leaves(hostOf(args['url']), 'web')];
      if (!OF_WORKSPACES.has(name)) return [runs(null)];
      // With those that it asks people for: what contracts refuse nobody can open.
      return name === 'shell'
        ? [runs(self), ...new Set([...commandHosts(environment), ...textsOf(args['hosts'])])].map(one =>
            typeof one === 'string' ? toHost(one) : one,
          )
        : [runs(self)];
  }

  function toHost(host: string): ToolPlaceAsked {
    return leaves(host, 'command');
  }
}

function serverOf(agent: JsonObject, label: string): JsonObject {
  return toolsOf(agent).find(tool => tool['type'] === 'mcp' && tool['server_label'] === label) ?? {};
}

/** As it is named; `*` if that cannot be read: a clause then has to let any pass. */
function hostOf(url: Json | undefined): string {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).hostname : ANY_HOST;
}

/** The hosts that the network of an environment lets its commands reach. Of a machine of the user's nobody here knows. */
function commandHosts({ type, network }: JsonObject): readonly string[] {
  if (type === 'self_hosted') return [];
  const { access, allowed_domains: allowed, blocked_domains: blocked } = isJsonObject(network) ? network : {};
  if (access === 'enabled') return [ANY_HOST];
  if (access !== 'restricted') return [];
  const listed = textsOf(allowed);
  // All but what is blocked.
  if (listed.length === 0 && Array.isArray(blocked) && blocked.length > 0) return [ANY_HOST];
  return listed;
}

function textsOf(value: Json | undefined): readonly string[] {
  const all = Array.isArray(value) ? (value as readonly Json[]) : [];
  return all.flatMap(one => (typeof one === 'string' ? [one.toLowerCase()] : []));
}
