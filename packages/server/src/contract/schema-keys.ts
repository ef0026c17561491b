/** The keys that a schema of a file knows, for whoever misspelt one. */
import { z } from 'zod';

interface JsonSchemaNode {
  readonly properties?: { readonly [name: string]: JsonSchemaNode } | undefined;
  readonly additionalProperties?: JsonSchemaNode | boolean | undefined;
  readonly items?: JsonSchemaNode | undefined;
  readonly anyOf?: readonly JsonSchemaNode[] | undefined;
}

const trees = new WeakMap<z.ZodType, JsonSchemaNode>();

/** The keys that a schema knows at a path. */
export function keysAt(path: readonly PropertyKey[], schema: z.ZodType): readonly string[] {
  const tree = trees.get(schema) ?? (z.toJSONSchema(schema, { io: 'input' }) as JsonSchemaNode);
  trees.set(schema, tree);
  let node: JsonSchemaNode | undefined = tree;
  for (const part of path) {
    const branch: JsonSchemaNode | undefined = branchOf(node);
    const named: JsonSchemaNode | boolean | undefined =
      typeof part === 'number' ? branch?.items : (branch?.properties?.[String(part)] ?? branch?.additionalProperties);
    node = typeof named === 'object' ? named : undefined;
  }
  return Object.keys(branchOf(node)?.properties ?? {});
}

/** Past the "or null" of what may be left out. */
function branchOf(node: JsonSchemaNode | undefined): JsonSchemaNode | undefined {
  return (
    node?.anyOf?.find(
      one => one.properties !== undefined || one.items !== undefined || one.additionalProperties !== undefined,
    ) ?? node
  );
}
