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

/** Texts of JSON up to this length (UTF-16 code units) are parsed as they are: no text so short can hold a thread up for long. */
export const JSON_UNSCANNED_CHARS: number = 32_768;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * What `jsonExcess` would say of a text that was parsed, said before: a parser takes seconds for ten megabytes of brackets. Counts what a value
 * takes at least (a bracket or a comma), so that it refuses nothing that `jsonExcess` takes; what it lets through has at most twice the values.
 * Reads no further than to the excess, and makes nothing. A text that is no JSON is refused by the parser.
 */
export function jsonTextExcess(text: string, maxDepth: number, maxNodes: number): JsonExcess | null {
  if (text.length <= JSON_UNSCANNED_CHARS) return null;
  let depth = 0;
  let opened = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfText(text, at + 1);
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth += 1;
        opened += 1;
        if (depth > maxDepth) return 'depth';
        // The outermost is no value inside.
        if (opened > maxNodes + 1) return 'nodes';
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth -= 1;
        break;
      case COMMA:
        commas += 1;
        // So many commas are between one value more.
        if (commas >= maxNodes) return 'nodes';
        break;
    }
  }
  return null;
}

/** Where a text that begins at `from` ends: at its quote, or with all. Long texts without escapes are not read sign by sign. */
function endOfText(text: string, from: number): number {
  const quote = text.indexOf('"', from);
  if (quote === -1) return text.length;
  if (text.charCodeAt(quote - 1) !== BACKSLASH) return quote;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) return at;
    if (unit === BACKSLASH) at += 1;
  }
  return text.length;
}
