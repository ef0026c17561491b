/**
 * Tool search: the tool that finds deferred ones, for agents that have `tool_search`. What it found is said in the log by the event that ends it, so that it
 * outlives the process and every compaction of the context.
 */
import { foundBy, offered, canSearch, searchArguments, searchOutput, TOOL_SEARCH } from '../../tool/search.ts';
import type { JsonObject } from '../../log/events.ts';
import { toolsOf } from '../../tool/configured.ts';
import type { ToolDefinition, ToolOutcome, ToolSource } from './ports.ts';
import type { Toolbox } from './toolbox.ts';

/** Whether the agent's tools are to be searched. */
export function searches(agent: JsonObject): boolean {
  return toolsOf(agent).some(tool => tool['type'] === TOOL_SEARCH.name);
}

export const SEARCH_DEFINITION: ToolDefinition = {
  ...TOOL_SEARCH,
  idempotent: true,
  origin: { kind: 'builtin' },
  deferred: false,
};

/** @param definitions all that the session has, once they were listed */
export function searchSource(definitions: () => readonly ToolDefinition[]): ToolSource {
  return {
    kind: 'builtin',
    list: () => Promise.resolve([SEARCH_DEFINITION]),
    async run(_scope, _tool, { arguments: given }): Promise<ToolOutcome> {
      const args = searchArguments(given);
      if (typeof args === 'string') return { ok: false, code: 'invalid_arguments', message: args };
      const { searchTools } = await import('../../tool/search-index.ts');
      const found = searchTools(definitions(), args.query, args.limit);
      return { ok: true, output: searchOutput(found) };
    },
    release: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** What the model is offered now. Without a search deferred tools are like any other. */
export function visible(box: Toolbox, found: readonly string[]): readonly ToolDefinition[] {
  const all = definitionsOf(box);
  if (!hasSearch(box)) return all;
  const names = new Set(found);
  return [...offered(all, names), ...(canSearch(all, names) ? [SEARCH_DEFINITION] : [])];
}

/** Whether the tool is there, and the model has not found it. */
export function isHidden(box: Toolbox, name: string, found: readonly string[]): boolean {
  return hasSearch(box) && box.get(name)?.definition.deferred === true && !found.includes(name);
}

export const HIDDEN: { readonly code: string; readonly message: string } = {
  code: 'tool_not_found',
  message: `The tool is not loaded. Call ${TOOL_SEARCH.name} with words of what it does first.`,
};

/** The tools that the output of a search names. */
export function foundIn(outcome: ToolOutcome): readonly string[] {
  return outcome.ok === true && typeof outcome.output === 'string' ? [...foundBy([outcome.output])] : [];
}

/** All but the search itself. */
export function definitionsOf(box: Toolbox): readonly ToolDefinition[] {
  return [...box.values()].flatMap(tool => (tool.searches === true ? [] : [tool.definition]));
}

function hasSearch(box: Toolbox): boolean {
  return box.get(TOOL_SEARCH.name)?.searches === true;
}
