/** The `mcp` tools of a configuration, in wire form (`AgentTool.AgentToolResourceMcp`), as what they ask for. Pure. */
import type { JsonObject } from '../../log/events.ts';
import { fieldsIn, isFields, listIn, stringIn } from '../json.ts';

export type McpTransportSpec =
  | { readonly type: 'http'; readonly url: string; readonly headers: { readonly [name: string]: string } }
  | {
      readonly type: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      readonly cwd: string;
      readonly envVars: readonly string[];
    };

export interface McpServerSpec {
  readonly label: string;
  readonly transport: McpTransportSpec;
  /** Where the connection comes from: this server, or the session's workspace. */
  readonly origin: 'service' | 'environment';
  /** Null: all. */
  readonly allowed: ReadonlySet<string> | null;
  readonly required: boolean;
  readonly credential: string | null;
  /** Sent as `_meta` with every request, without the names that are ours or the protocol's. */
  readonly meta: JsonObject;
}

const RESERVED_META = /^(io\.modelcontextprotocol\/|modelcontextprotocol\.io\/|mcp\.|perdure\/|progressToken$)/;

/** @param agent in wire form: what its `tools` do not say in the documented form is not there */
export function mcpServersOf(agent: JsonObject): readonly McpServerSpec[] {
  return listIn(agent, 'tools').flatMap(tool => {
    if (!isFields(tool) || tool['type'] !== 'mcp') return [];
    const transport = transportOf(fieldsIn(tool, 'transport') ?? {});
    const label = stringIn(tool, 'server_label');
    if (transport === null || label === null) return [];
    const allowed = tool['allowed_tools'];
    return [
      {
        label,
        transport,
        origin: tool['connection_origin'] === 'environment' ? ('environment' as const) : ('service' as const),
        allowed: Array.isArray(allowed) ? new Set(wordsIn(allowed)) : null,
        required: tool['required'] === true,
        credential: stringIn(tool, 'credential_id'),
        meta: metaOf(fieldsIn(tool, 'request_metadata') ?? {}),
      },
    ];
  });
}

function transportOf(fields: { readonly [key: string]: unknown }): McpTransportSpec | null {
  const { type } = fields;
  const url = stringIn(fields, 'server_url');
  if (type === 'http') return url === null ? null : { type, url, headers: textsIn(fieldsIn(fields, 'headers') ?? {}) };
  const command = stringIn(fields, 'command');
  if (type !== 'stdio' || command === null) return null;
  return {
    type,
    command,
    args: wordsIn(listIn(fields, 'args')),
    cwd: stringIn(fields, 'cwd') ?? '',
    envVars: wordsIn(listIn(fields, 'env_vars')),
  };
}

function wordsIn(list: readonly unknown[]): readonly string[] {
  return list.filter(word => typeof word === 'string');
}

function textsIn(fields: { readonly [key: string]: unknown }): { readonly [name: string]: string } {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}

function metaOf(fields: { readonly [key: string]: unknown }): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !RESERVED_META.test(name))) as JsonObject;
}
