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
 * Checks a value against bounds on nesting (of arrays and objects) and on the number of values inside it. Walks level by
 * level with a list of its own, so that no input can exhaust the stack; a text costs nothing, however long.
 */
export function jsonExcess(value: unknown, maxDepth: number, maxNodes: number): JsonExcess | null {
  let level: unknown[] = [value];
  let nodes = 0;
  for (let depth = 0; ; depth++) {
    const next: unknown[] = [];
    for (const node of level) {
      if (typeof node !== 'object' || node === null) continue;
      if (depth === maxDepth) return 'depth';
      const children: readonly unknown[] = Array.isArray(node) ? node : Object.values(node);
      nodes += children.length;
      if (nodes > maxNodes) return 'nodes';
      for (const child of children) if (typeof child === 'object' && child !== null) next.push(child);
    }
    if (next.length === 0) return null;
    level = next;
  }
}
