/** The tool by which a model runs a program, as sessions of agents that have it are offered it. */
import type { JsonObject } from '../../log/events.ts';
import { toolsOf } from '../../tool/configured.ts';
import { PROGRAM_DESCRIPTION, PROGRAM_PARAMETERS, PROGRAM_TOOL } from '../../tool/program.ts';
import type { ToolDefinition, ToolSource } from '../tools/ports.ts';

const DEFINITION: ToolDefinition = {
  name: PROGRAM_TOOL,
  description: PROGRAM_DESCRIPTION,
  parameters: PROGRAM_PARAMETERS,
  // Run again it makes the same calls, and each of those is run as often as it may be (P1, P2).
  idempotent: true,
  origin: { kind: 'builtin' },
  deferred: false,
};

/** Programs are not run as other tools are: `run-program.ts` drives them. */
export const PROGRAMS: ToolSource = {
  kind: 'builtin',
  list: ({ agent }) => Promise.resolve(enabled(agent) ? [DEFINITION] : []),
  run: () => Promise.reject(new Error('a program is not run by its source')),
  release: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

function enabled(agent: JsonObject): boolean {
  return toolsOf(agent).some(({ type, enabled }) => type === PROGRAM_TOOL && enabled !== false);
}
