/**
 * Tool search: tools that are deferred are offered to the model only once it has looked for them. Pure.
 *
 * T1  A deferred tool that was not found is never offered; any other always is.
 * T2  What was found follows from the outputs of searches alone, so that it needs no state beside the log (L1).
 */
import { parseJsonText } from '@perdure/protocol';
import type { Json, JsonObject } from '../log/events.ts';

export interface Searchable {
  readonly name: string;
  readonly description: string | null;
  /** JSON Schema of the arguments: the names and descriptions of its properties are searched too. */
  readonly parameters: JsonObject;
  readonly deferred: boolean;
}

export interface FoundTool {
  readonly name: string;
  readonly description: string | null;
}

export const SEARCH_BOUNDS: { readonly queryChars: number; readonly limit: number; readonly defaultLimit: number } = {
  /** UTF-16 units. */
  queryChars: 512,
  limit: 20,
  defaultLimit: 5,
};
/** UTF-16 units of a description that an answer shows. */
const SHOWN_CHARS = 300;

/** The function that the model is offered while there is something to find. */
export const TOOL_SEARCH: { readonly name: string; readonly description: string; readonly parameters: JsonObject } = {
  name: 'tool_search',
  description:
    'Finds tools that are not listed here, by words of what they do. What it finds can be called from the next step on.',
  parameters: {
    type: 'object',
    properties: {
      query: {
        type: 'string',
        description: 'Words of the name, or of what the tool does.',
        maxLength: SEARCH_BOUNDS.queryChars,
      },
      limit: {
        type: 'integer',
        description: `How many at most. Default: ${SEARCH_BOUNDS.defaultLimit}.`,
        minimum: 1,
        maximum: SEARCH_BOUNDS.limit,
      },
    },
    required: ['query'],
    additionalProperties: false,
  },
};

/** What the model is offered, in the order of the definitions. @param found names: see `foundBy` */
export function offered<Tool extends Searchable>(
  definitions: readonly Tool[],
  found: ReadonlySet<string>,
): readonly Tool[] {
  return definitions.filter(({ name, deferred }) => !deferred || found.has(name));
}

/** Whether `TOOL_SEARCH` is offered beside them. */
export function canSearch(definitions: readonly Searchable[], found: ReadonlySet<string>): boolean {
  return definitions.some(({ name, deferred }) => deferred && !found.has(name));
}

/** Arguments of a call to `TOOL_SEARCH`; a text says what is wrong with them. */
export function searchArguments(given: JsonObject): { readonly query: string; readonly limit: number } | string {
  const { query, limit } = given;
  if (typeof query !== 'string' || query.trim() === '' || query.length > SEARCH_BOUNDS.queryChars)
    return `'query' is a text of 1 to ${SEARCH_BOUNDS.queryChars} characters.`;
  if (limit === undefined || limit === null) return { query, limit: SEARCH_BOUNDS.defaultLimit };
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > SEARCH_BOUNDS.limit)
    return `'limit' is a whole number from 1 to ${SEARCH_BOUNDS.limit}.`;
  return { query, limit };
}

/** The output of a call to `TOOL_SEARCH`. */
export function searchOutput(found: readonly FoundTool[]): string {
  const tools = found.map(({ name, description }) => ({
    name,
    description:
      (description ?? '').length > SHOWN_CHARS ? `${(description ?? '').slice(0, SHOWN_CHARS)}...` : description,
  }));
  return JSON.stringify({ tools });
}

/** The names in outputs of searches. What is no such output names none. */
export function foundBy(outputs: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const output of outputs) for (const name of namesIn(output)) found.add(name);
  return found;
}

function namesIn(output: string): readonly string[] {
  let value: Json;
  try {
    value = parseJsonText(output) as Json;
  } catch {
    return [];
  }
  const tools = isObject(value) ? value['tools'] : null;
  if (!Array.isArray(tools)) return [];
  return (tools as readonly Json[]).flatMap(tool =>
    isObject(tool) && typeof tool['name'] === 'string' ? [tool['name']] : [],
  );
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
