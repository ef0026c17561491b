/** A built-in tool: its definition, its arguments checked by the same schema, what it does. */
import * as z from 'zod';
import { isPerdureError } from '@perdure/protocol';
import { mayHaveRun } from '../../engine/tools/may-have-run.ts';
import type { ToolDefinition, ToolOutcome, ToolRun, Workspace, WorkspaceSpec } from '../../engine/tools/ports.ts';
import type { JsonObject } from '../../log/events.ts';

export interface ToolPlace {
  /** Null: the session has no environment here. */
  readonly spec: WorkspaceSpec | null;
  /** Opens the workspace. @throws PerdureError */
  readonly workspace: () => Promise<Workspace>;
}

export interface BuiltinTool {
  readonly definition: ToolDefinition;
  readonly run: (place: ToolPlace, run: ToolRun) => Promise<ToolOutcome>;
}

interface Described {
  readonly name: string;
  readonly description: string;
  /** Whether twice is the same as once (L6). */
  readonly idempotent: boolean;
}

export function builtinTool<S extends z.ZodObject>(
  { name, description, idempotent }: Described,
  schema: S,
  act: (args: z.output<S>, place: ToolPlace, run: ToolRun) => Promise<ToolOutcome>,
): BuiltinTool {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: 'input' }) as { readonly [key: string]: unknown };
  return {
    definition: {
      name,
      description,
      parameters: parameters as JsonObject,
      idempotent,
      origin: { kind: 'builtin' },
      deferred: false,
    },
    async run(place, run) {
      const parsed = schema.safeParse(run.arguments);
      if (!parsed.success)
        return failed('invalid_arguments', `The arguments are wrong: ${z.prettifyError(parsed.error)}`);
      try {
        return await act(parsed.data, place, run);
      } catch (error) {
        // Whoever runs it asks people, if it may not run twice.
        if (mayHaveRun(error)) throw error;
        // What the model can do otherwise is said to it; what is wrong with the server is not its matter.
        if (isPerdureError(error) && error.status < 500) return failed(error.code, error.message);
        if (isPerdureError(error) && error.code === 'isolation_unavailable') return failed(error.code, error.message);
        throw error;
      }
    },
  };
}

export function failed(code: string, message: string): ToolOutcome {
  return { ok: false, code, message };
}

/** @param files of the workspace that it read or wrote */
export function done(output: string, files = 0): ToolOutcome {
  return { ok: true, output, ...(files > 0 && { files }) };
}
