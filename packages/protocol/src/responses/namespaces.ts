/**
 * Tools in namespaces. On the wire of Responses a call has the name of its tool and that of its namespace; a dialect that knows no
 * namespaces is given one name for both.
 */
import type { ClientTool, NamespaceTool, OfferedTool, UnsupportedTool } from './settings.ts';

/** As long as a tool's name may be (TOOL_NAME). */
const MOST = 64;

/** A tool of a client, and the namespace that it is in. */
export type PlacedTool = { readonly tool: ClientTool; readonly namespace?: string };

/** All tools of a list, those in namespaces too, in their order. */
export function placedTools(tools: readonly OfferedTool[]): readonly PlacedTool[] {
  return tools.flatMap((given): readonly PlacedTool[] =>
    given.type === 'namespace' ? given.tools.map(tool => ({ tool, namespace: given.name })) : [{ tool: given }],
  );
}

/** How a choice names a tool: one in a namespace as `namespace.name`, which no tool's name can be. */
export function choiceName(name: string, namespace: string | undefined): string {
  return namespace === undefined ? name : `${namespace}.${name}`;
}

/** The tool and its namespace as one name: of at most 64 characters, and always the same. */
export function flatName(name: string, namespace: string | undefined): string {
  if (namespace === undefined) return name;
  const joined = namespace.endsWith('__') ? `${namespace}${name}` : `${namespace}__${name}`;
  return joined.length <= MOST ? joined : markedName(joined, choiceName(name, namespace));
}

/** A name that is told from others by a mark made of what it stands for. */
export function markedName(name: string, of: string): string {
  const mark = fnv(of).toString(16).padStart(8, '0');
  return `${name.slice(0, MOST - 1 - mark.length)}_${mark}`;
}

/** FNV-1a, 32 bits. */
function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}

/** A namespace as it was asked for: some of its tools may be of kinds that are skipped. */
export type RequestedNamespace = Omit<NamespaceTool, 'tools'> & {
  readonly tools: readonly (ClientTool | UnsupportedTool)[];
};
export type RequestedTool = ClientTool | RequestedNamespace | UnsupportedTool;

export function isSkipped(tool: RequestedTool): tool is UnsupportedTool {
  return 'unsupported' in tool;
}

export function isNamespace(tool: RequestedTool): tool is RequestedNamespace {
  return tool.type === 'namespace' && !isSkipped(tool);
}

function isClientTool(tool: RequestedTool): tool is ClientTool {
  return !isSkipped(tool) && !isNamespace(tool);
}

/** The tools of a request that its model is told of: without kinds that this server does not have, and without namespaces that are empty then. */
export function offeredTools(tools: readonly RequestedTool[]): readonly OfferedTool[] {
  return tools.flatMap((given): readonly OfferedTool[] => {
    if (isClientTool(given)) return [given];
    if (!isNamespace(given)) return [];
    const kept = given.tools.filter(isClientTool);
    return kept.length === 0 ? [] : [{ ...given, tools: kept }];
  });
}
