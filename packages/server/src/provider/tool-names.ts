/**
 * One name for each tool, for a dialect that knows no namespaces, and the way back. The name is made of the tool's own two, so that
 * calls of earlier turns are told by the same one; only if two tools of a request come out alike has one of them another.
 */
import { choiceName, flatName, markedName, type OfferedTool, placedTools, type PlacedTool } from '@perdure/protocol';

export interface NamedTool extends PlacedTool {
  /** What an upstream that knows no namespaces is told. */
  readonly flat: string;
}

/** What a model called, in the words of the client. */
export interface CalledTool {
  readonly name: string;
  readonly namespace?: string;
}

/** @param namespace that the upstream told, if it knows namespaces */
export type ReadToolName = (name: string, namespace: string | null) => CalledTool;

/** All tools, those in namespaces too, with a flat name each that no other has. */
export function namedTools(tools: readonly OfferedTool[]): readonly NamedTool[] {
  const taken = new Set(tools.filter(one => one.type !== 'namespace').map(one => one.name));
  return placedTools(tools).map((placed): NamedTool => {
    const { tool, namespace } = placed;
    if (namespace === undefined) return { tool, flat: tool.name };
    let flat = flatName(tool.name, namespace);
    for (let more = ''; taken.has(flat); more += '.')
      flat = markedName(flatName(tool.name, namespace), choiceName(tool.name, namespace) + more);
    taken.add(flat);
    return { tool, namespace, flat };
  });
}

export const AS_IS: ReadToolName = (name, namespace) => (namespace === null ? { name } : { name, namespace });

/**
 * How the names that come back are read. Models leave the namespace out, or write it with a point: if only one tool can be meant, it is
 * that one, for a client finds its tool by both names.
 */
export function toolNameReader(tools: readonly OfferedTool[] | undefined): ReadToolName {
  if (tools === undefined || !tools.some(one => one.type === 'namespace')) return AS_IS;
  const known = new Map<string, CalledTool | null>();
  const named = namedTools(tools);
  for (const { tool, flat, namespace } of named) known.set(flat, called(tool.name, namespace));
  for (const { tool, namespace } of named) {
    if (namespace === undefined) continue;
    known.set(choiceName(tool.name, namespace), { name: tool.name, namespace });
  }
  const bare = new Map<string, CalledTool | null>();
  for (const { tool, namespace } of named)
    bare.set(tool.name, bare.has(tool.name) ? null : called(tool.name, namespace));
  return (name, namespace) => {
    if (namespace !== null) return { name, namespace };
    return known.get(name) ?? bare.get(name) ?? { name };
  };
}

function called(name: string, namespace: string | undefined): CalledTool {
  return namespace === undefined ? { name } : { name, namespace };
}
