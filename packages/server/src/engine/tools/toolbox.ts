/** The tools of one turn: what its client runs, and what the sources have. Listed when the turn begins, and again by recovery. */
import { type AgentFunctionTool, perdureError } from '@perdure/protocol';
import type { JsonObject, ToolPlace } from '../../log/events.ts';
import { toolsOf } from '../../tool/configured.ts';
import type { SessionState } from '../../session/state.ts';
import { within } from '../deadline.ts';
import type { EngineContext } from '../engine-context.ts';
import type { SessionConfig } from '../agent-sessions/session-config.ts';
import type { FunctionTool } from '../ports.ts';
import { definitionsOf, SEARCH_DEFINITION, searches, searchSource, visible } from './search-tool.ts';
import { PROGRAMS } from '../programs/program-tool.ts';
import type { ToolDefinition, ToolOrigin, ToolScope, ToolSource } from './ports.ts';

export interface Tool {
  readonly definition: ToolDefinition;
  /** Null: whoever drives the session runs it. */
  readonly source: ToolSource | null;
  /** Of the definition: SHA-256, hexadecimal (L7). */
  readonly digest: string;
  /** The turn goes on without its result. */
  readonly async: boolean;
  /** It finds deferred tools. */
  readonly searches?: true;
}

export type Toolbox = ReadonlyMap<string, Tool>;

export function scopeOf(state: SessionState, config: SessionConfig, principal: string): ToolScope {
  const { tenant, session, labels, subagent } = state;
  const { agent, environment, vaultIds: vaults } = config;
  const owner = subagent === undefined ? {} : { owner: subagent.owner };
  return { tenant, session, ...owner, principal, agent, environment, vaults, labels };
}

/** Lists all tools. Of two with one name the first is taken: the client's before those of sources, those in their order. */
export async function openToolbox(engine: EngineContext, scope: ToolScope, signal: AbortSignal): Promise<Toolbox> {
  const box = new Map<string, Tool>();
  const add = (definition: ToolDefinition, source: ToolSource | null, async = false): void => {
    if (!box.has(definition.name))
      box.set(definition.name, { definition, source, async, digest: digestOf(engine, definition) });
  };
  if (searches(scope.agent)) {
    const digest = digestOf(engine, SEARCH_DEFINITION);
    const source = searchSource(() => definitionsOf(box));
    box.set(SEARCH_DEFINITION.name, { definition: SEARCH_DEFINITION, source, async: false, digest, searches: true });
  }
  for (const tool of clientTools(scope.agent)) {
    const { name, description, parameters, defer_loading: deferred } = tool;
    add(
      { name, description, parameters, idempotent: false, origin: { kind: 'client' }, deferred },
      null,
      tool.async === true,
    );
  }
  const sources = engine.tools.programs === null ? engine.tools.sources : [PROGRAMS, ...engine.tools.sources];
  const listed = await Promise.all(
    sources.map(source =>
      within(engine.tools.limits.toolMs, source.list(scope, signal), () =>
        perdureError('deadline_exceeded', `The tools of kind ${source.kind} could not be listed in time.`),
      ),
    ),
  );
  for (const [i, definitions] of listed.entries()) {
    const source = sources[i] ?? null;
    for (const definition of definitions) add(definition, source);
  }
  return box;
}

function clientTools(agent: JsonObject): readonly AgentFunctionTool[] {
  return toolsOf(agent).filter(tool => tool['type'] === 'function') as unknown as readonly AgentFunctionTool[];
}

/** What a model is offered. @param found deferred tools that searches of the session found */
export function offered(box: Toolbox, found: readonly string[]): readonly FunctionTool[] {
  return visible(box, found).map(({ name, description, parameters }) => ({
    type: 'function',
    name,
    description,
    parameters,
    strict: null,
  }));
}

export function placeOf(origin: ToolOrigin): ToolPlace {
  return { ...origin };
}

function digestOf(
  engine: EngineContext,
  { name, description, parameters, idempotent, origin }: ToolDefinition,
): string {
  const text = JSON.stringify([name, description, parameters, idempotent, origin]);
  return Buffer.from(engine.sha256(text)).toString('hex');
}
