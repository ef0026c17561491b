/**
 * A module of tools for the servers under test. What they do lies in a file outside of the data folder, a line each: the oracle of what ran,
 * with which arguments, and under which key. A line is written at once and whole.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type * as Zod from 'zod';
import type { defineTool as Define, ModuleTool } from '../../../packages/server/src/provider/module-tools/define-tool.ts';

/** One line of the file. */
export interface Effect {
  readonly tool: string;
  readonly ticket: string;
  readonly text: string;
  readonly key: string;
  readonly session: string;
}

export const EFFECTS_FILE = 'PERDURE_CRASH_EFFECTS';
/** ms that a tool takes before and after it does what it does: time to die in. */
const WORK_MS = { before: 5, after: 15 };

const pause = (ms: number): Promise<void> => new Promise(resolve => void setTimeout(resolve, ms));

async function effect(line: Effect): Promise<string> {
  const path = process.env[EFFECTS_FILE];
  if (path === undefined) throw new Error(`${EFFECTS_FILE} is not set`);
  await pause(WORK_MS.before);
  const file = openSync(path, 'a');
  writeSync(file, `${JSON.stringify(line)}\n`);
  fsyncSync(file);
  closeSync(file);
  await pause(WORK_MS.after);
  return `${line.tool} did ${line.ticket}`;
}

/** Name, and whether it may run twice. `transfer_sum` asks people first. */
export const SERVER_TOOLS = { file_note: true, post_once: false, transfer_sum: false } as const;

export default ({
  defineTool,
  z,
}: {
  readonly defineTool: typeof Define;
  readonly z: typeof Zod;
}): readonly ModuleTool[] =>
  Object.entries(SERVER_TOOLS).map(([name, idempotent]) =>
    defineTool({
      name,
      description: `Does what ${name} says.`,
      input: z.object({ ticket: z.string(), text: z.string() }),
      idempotent,
      run: ({ ticket, text }, { key, session }) => effect({ tool: name, ticket, text, key, session }),
    }),
  );
