/** Plain JSON, as it comes off the wire. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whether a value is an object in the sense of JSON: not null, not an array. */
export function isJsonObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Whether arrays and objects nest deeper than `depth`. Walks with a list of its own, so that no input can exhaust the stack.
 * Leaves cost nothing but the look at their type; a text's length does not matter.
 */
export function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  let level: object[] = [value];
  for (let left = depth; level.length > 0; left--) {
    if (left === 0) return true;
    const next: object[] = [];
    for (const node of level) {
      for (const child of Array.isArray(node) ? (node as readonly unknown[]) : Object.values(node)) {
        if (typeof child === 'object' && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}
