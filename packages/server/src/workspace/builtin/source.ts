/** The built-in tools as a source of the engine's: those of the workspace for sessions whose environment is hosted here, `web_fetch` if it is configured. */
import { isPerdureError, perdureError } from '@perdure/protocol';
import type { ToolScope, ToolSource, Workspaces } from '../../engine/tools/ports.ts';
import { within } from '../network/rules.ts';
import { APPLY_PATCH } from './apply-patch.ts';
import { LIST_FILES, READ_FILE, WRITE_FILE } from './files.ts';
import type { AskHosts } from './ask-hosts.ts';
import { askingShell, SHELL } from './shell.ts';
import { type SpecOf, wireSpec } from './spec.ts';
import type { BuiltinTool } from './tool.ts';
import { type WebFetch, webFetch } from './web-fetch.ts';

export interface BuiltinOptions {
  readonly workspaces: Pick<Workspaces, 'open'>;
  /** By default from the environment in wire form alone. */
  readonly specOf?: SpecOf;
  /** Null: the server fetches nothing for agents. */
  readonly web: WebFetch | null;
  /** Absent: nobody is asked for hosts that the rules hold back. */
  readonly ask?: AskHosts;
}

const OF_FILES: readonly BuiltinTool[] = [APPLY_PATCH, READ_FILE, WRITE_FILE, LIST_FILES];

export function builtinTools({
  workspaces,
  specOf = async scope => wireSpec(scope),
  web,
  ask,
}: BuiltinOptions): ToolSource {
  const ofWorkspaces = [ask === undefined ? SHELL : askingShell(ask), ...OF_FILES];
  const ofWeb = web === null ? [] : [webFetch(web)];
  const offered = async (scope: ToolScope): Promise<readonly BuiltinTool[]> => {
    const spec = await specOf(scope);
    if (spec === null) return scope.environment['type'] === 'none' || isEmpty(scope.environment) ? ofWeb : [];
    return within(spec.network.access, 'disabled') ? ofWorkspaces : [...ofWorkspaces, ...ofWeb];
  };
  return {
    kind: 'builtin',
    list: async scope =>
      (await offered(scope)).map(({ definition }) =>
        definition.name === 'web_fetch' ? definition : { ...definition, inEnvironment: true },
      ),
    async run(scope, { name }, run) {
      const tool = (await offered(scope)).find(({ definition }) => definition.name === name);
      if (tool === undefined) return { ok: false, code: 'tool_not_found', message: 'The session has no such tool.' };
      const spec = await specOf(scope);
      const workspace = async () => {
        if (spec === null) throw perdureError('internal_error');
        return workspaces.open(spec);
      };
      try {
        return await tool.run({ spec, workspace }, run);
      } catch (error) {
        if (isPerdureError(error)) throw error;
        throw perdureError('internal_error', 'The workspace could not be used.', { cause: error });
      }
    },
    // A workspace is a folder, and a command ends with its signal: nothing is held between calls (L4).
    release: async () => undefined,
    close: async () => undefined,
  };
}

function isEmpty(environment: ToolScope['environment']): boolean {
  return Object.keys(environment).length === 0;
}
