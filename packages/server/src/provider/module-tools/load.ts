/** Loads modules of tools, once, when the server starts. */
import * as z from 'zod';
import { defineTool, isModuleTool, type ModuleTool, ToolError } from './define-tool.ts';
import { importModule } from './import-module.ts';

export interface LoadedTool {
  /** As the configuration names it. */
  readonly module: string;
  readonly tool: ModuleTool;
}

/** What a module can export as a function instead, if it cannot import this package. */
export interface ToolKit {
  readonly defineTool: typeof defineTool;
  readonly ToolError: typeof ToolError;
  readonly z: typeof z;
}

export const MODULE_BOUNDS: { readonly tools: number } = { tools: 128 };
/** What the server itself offers under these names. */
const RESERVED: ReadonlySet<string> = new Set(['tool_search']);

/** @throws Error in words for operators: they name the module, never what lies in it */
export async function loadTools(
  modules: readonly { readonly shown: string; readonly path: string }[],
): Promise<readonly LoadedTool[]> {
  const loaded: LoadedTool[] = [];
  const names = new Map<string, string>();
  for (const { shown, path } of modules) {
    const tools = await toolsIn(shown, path);
    if (tools.length === 0) throw new Error(`${shown} exports no tools: export what defineTool returns.`);
    for (const tool of tools) {
      const other = names.get(tool.name);
      if (other !== undefined) throw new Error(`${shown} and ${other} both have a tool '${tool.name}'.`);
      if (RESERVED.has(tool.name)) throw new Error(`${shown}: the name '${tool.name}' is the server's own.`);
      names.set(tool.name, shown);
      loaded.push({ module: shown, tool });
    }
  }
  if (loaded.length > MODULE_BOUNDS.tools)
    throw new Error(`Modules have at most ${MODULE_BOUNDS.tools} tools together.`);
  return loaded;
}

async function toolsIn(shown: string, path: string): Promise<readonly ModuleTool[]> {
  try {
    const exports = await importModule(path);
    const kit: ToolKit = { defineTool, ToolError, z };
    // Of the functions that a module exports only the default one is called.
    const made: unknown[] = [];
    for (const [name, value] of Object.entries(exports))
      made.push(name === 'default' && typeof value === 'function' ? ((await value(kit)) as unknown) : value);
    return [...new Set(made.flat().filter(isModuleTool))];
  } catch (cause) {
    throw new Error(`${shown} cannot be loaded: ${cause instanceof Error ? cause.message : 'it threw'}`, { cause });
  }
}
