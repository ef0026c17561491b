/** The module of tools of the servers under test: what they do lies outside of the data folder. `transfer_sum` asks people first. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import * as z from 'zod';
import { defineTool, type ModuleTool } from '../../../packages/server/src/provider/module-tools/define-tool.ts';
import { type Effect, EFFECTS_FILE } from './agent-effects.ts';

/** ms that a tool takes before and after it does what it does: time to die in. */
const WORK_MS = { before: 5, after: 15 };

const pause = (ms: number): Promise<void> => new Promise(resolve => void setTimeout(resolve, ms));

/** Written at once and whole. */
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

const tool = (name: string, idempotent: boolean): ModuleTool =>
  defineTool({
    name,
    description: `Does what ${name} says.`,
    input: z.object({ ticket: z.string(), text: z.string() }),
    idempotent,
    run: ({ ticket, text }, { key, session }) => effect({ tool: name, ticket, text, key, session }),
  });

export const fileNote: ModuleTool = tool('file_note', true);
export const postOnce: ModuleTool = tool('post_once', false);
export const transferSum: ModuleTool = tool('transfer_sum', false);
