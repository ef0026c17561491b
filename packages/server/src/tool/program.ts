/**
 * Programs: JavaScript that a model writes and that calls the other tools of its agent. What a program is, its bounds, and how what it says is told.
 *
 * P1  A program is a function of its source, of what it was given with its call, and of what its calls gave, in the order in which they ended.
 *     It has no clock, no chance and no other way to the world: run again with the same, it makes the same calls in the same order.
 * P2  Each of its calls is a call of a tool like any other: decided, approved, run under its own key, and kept.
 */
import type { JsonObject } from '../log/events.ts';

/** The tool by which a model runs a program: the field's name for it. */
export const PROGRAM_TOOL = 'programmatic_tool_calling';

export const PROGRAM_PARAMETERS: JsonObject = {
  type: 'object',
  properties: { code: { type: 'string', description: 'The body of an async JavaScript function.' } },
  required: ['code'],
  additionalProperties: false,
};

export const PROGRAM_DESCRIPTION: string = [
  'Runs JavaScript that calls your other tools, and gives back only what the program returns.',
  'Use it for many calls, for loops, and to filter, join or count what tools give before you read it.',
  'The code is the body of an async function. Every tool is an async function that takes one object: `await tools.name({...})`, or `tools["name"]`.',
  'It resolves to what the tool gave: parsed if that is a JSON object or array, a string otherwise. A call that fails throws an error with `code` and `message`.',
  'Use Promise.all for calls side by side. `return` a value, or call `text(value)` as often as you like.',
  'There is nothing else: no imports, network, files, timers or console; Date and Math.random are fixed for the run.',
].join(' ');

/** Every bound of one program. Times in ms, sizes in characters unless their name says otherwise. */
export interface ProgramLimits {
  readonly source: number;
  readonly memoryBytes: number;
  readonly stackBytes: number;
  /** Steps in thousands (nearly: the interpreter counts calls and loops), over the whole program. */
  readonly steps: number;
  /** Computing without waiting for a call. */
  readonly stepMs: number;
  readonly calls: number;
  /** The arguments of one call. */
  readonly arguments: number;
  /** What it returns; the middle of a longer text is left out. */
  readonly output: number;
  /** Objects and lists within one another, in arguments and in what it returns. */
  readonly depth: number;
}

export const PROGRAM_LIMITS: ProgramLimits = {
  source: 64 * 1024,
  memoryBytes: 32 * 1024 * 1024,
  stackBytes: 256 * 1024,
  steps: 10_000,
  stepMs: 5_000,
  calls: 256,
  arguments: 256 * 1024,
  output: 64 * 1024,
  depth: 64,
};

/** What a call asks for, as the program wrote it. `arguments` is the JSON text of an object. */
export interface ProgramCall {
  readonly name: string;
  readonly arguments: string;
}

/** What came of one of its calls. */
export interface ProgramResult {
  /** The how-manieth call, from 0. */
  readonly index: number;
  readonly ok: boolean;
  /** What the tool gave; of a failed one the message. */
  readonly text: string;
  /** Of a failed one. */
  readonly code: string | null;
}

export type ProgramEnd =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly code: ProgramFailure; readonly message: string };

export type ProgramFailure =
  /** It is no text, or too long a one. */
  | 'invalid_arguments'
  /** It threw, or it is no JavaScript. */
  | 'program_error'
  /** It went over one of its bounds. */
  | 'program_limit'
  /** It waits for something that nobody will bring. */
  | 'program_stalled'
  /** Run again, it did something else. */
  | 'program_diverged';

/** What a program did until it waits, or ends. */
export interface ProgramStep {
  /** Calls that it made, in their order. */
  readonly calls: readonly ProgramCall[];
  /** Null: it waits for its calls. */
  readonly end: ProgramEnd | null;
}

/** The source in the arguments of a call; or what is wrong with them, for the model. */
export function programSource(
  { code }: JsonObject,
  limits: Pick<ProgramLimits, 'source'>,
): { readonly source: string } | { readonly wrong: string } {
  if (typeof code !== 'string') return { wrong: 'The argument `code` must be a text: the body of an async function.' };
  if (code.length <= limits.source) return { source: code };
  return { wrong: `A program may have at most ${limits.source} characters; this one has ${code.length}.` };
}

/**
 * Where a program that runs again leaves what it did before: the index of the first call that is another one, or that it did not make; null if
 * it makes the same calls.
 * @param same whether call `index`, as it is made now, is the one that was kept
 */
export function divergence(
  made: readonly ProgramCall[],
  kept: number,
  same: (call: ProgramCall, index: number) => boolean,
): number | null {
  for (let index = 0; index < kept; index++) {
    const call = made[index];
    if (call === undefined || !same(call, index)) return index;
  }
  return null;
}

/** How deep objects and lists of a JSON text lie in one another: 0 for a plain value. */
export function jsonDepth(json: string): number {
  let depth = 0;
  let most = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if (quoted) {
      if (char === 0x5c) at += 1;
      else if (char === 0x22) quoted = false;
    } else if (char === 0x22) quoted = true;
    else if (char === 0x7b || char === 0x5b) most = Math.max(most, ++depth);
    else if (char === 0x7d || char === 0x5d) depth -= 1;
  }
  return most;
}
