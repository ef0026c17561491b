/** Plain JSON, as it comes off the wire. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whether a value is an object in the sense of JSON: not null, not an array. */
export function isJsonObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Which bound a value passes, if any. */
export type JsonExcess = 'depth' | 'nodes';

/**
 * Checks a value against bounds on nesting (of arrays and objects) and on the number of values inside it. A text costs
 * nothing, however long. Goes no deeper than the bound, so that no input can exhaust the stack.
 */
export function jsonExcess(value: unknown, maxDepth: number, maxNodes: number): JsonExcess | null {
  let nodes = 0;
  const walk = (node: unknown, left: number): JsonExcess | null => {
    if (typeof node !== 'object' || node === null) return null;
    if (left === 0) return 'depth';
    if (Array.isArray(node)) {
      nodes += node.length;
      if (nodes > maxNodes) return 'nodes';
      for (const child of node as readonly unknown[]) {
        const excess = walk(child, left - 1);
        if (excess !== null) return excess;
      }
      return null;
    }
    // `for in` makes no list of the values; what JSON.parse made inherits nothing that it could show.
    for (const key in node) {
      nodes += 1;
      if (nodes > maxNodes) return 'nodes';
      const excess = walk((node as { readonly [key: string]: unknown })[key], left - 1);
      if (excess !== null) return excess;
    }
    return null;
  };
  return walk(value, maxDepth);
}
