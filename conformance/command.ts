/** Reads the command line. */
import { parseArgs } from 'node:util';
import type { RunOptions } from './run.ts';

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

export const HELP = `Asks a server of the Responses API whether it does what clients rely on.

Usage
  node conformance/main.ts --base-url URL --model MODEL [--api-key KEY] [options]

Options
  --base-url URL         where the API is, with its /v1 (also OPENAI_BASE_URL)
  --api-key KEY          (also OPENAI_API_KEY)
  --second-key KEY       a key of another owner: checks that neither sees what is the other's
  --model MODEL          a model that the server serves
  --only NAMES           groups or checks, with commas: stream,chain.forks
  --skip NAMES           the same, to leave out
  --emulator yes|no      whether the model obeys the directives of \`perdure emulator\`; found out if not given
  --context-tokens N     the context window of the model, for what overflows it (at most 200000)
  --heartbeat-ms N       the time between two heartbeats of a quiet stream
  --timeout-ms N         for one request (default 60000)
  --json FILE            writes the report as JSON as well; - writes it instead, to the standard output
  --html FILE            writes it as a page as well
  --list                 lists the checks, with what each asks and why
  --quiet                only what fails, and the counts
  --help

Examples
  node conformance/main.ts --base-url http://127.0.0.1:4180/v1 --model gpt-5.5
  node conformance/main.ts --base-url https://api.example.com/v1 --api-key "$KEY" --model m --only stream,resume
  node conformance/main.ts --list --only websocket

Exit codes
  0  no check failed
  1  a check failed
  2  the command is not right, or the server does not answer a first request
`;

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Command {
  readonly options: RunOptions;
  readonly list: boolean;
  readonly quiet: boolean;
  readonly json: string | null;
  readonly html: string | null;
}

/** Null: help was asked for. @throws UsageError */
export function readCommand(
  argv: readonly string[],
  env: { readonly [name: string]: string | undefined },
): Command | null {
  const given = parsedArgs(argv);
  if (given.help === true) return null;
  const list = given.list === true;
  const baseUrl = (given['base-url'] ?? env['OPENAI_BASE_URL'] ?? '').replace(/\/+$/, '');
  if (!list && !/^https?:\/\/[^/]+/.test(baseUrl))
    throw new UsageError('--base-url must be an address that begins with http:// or https://');
  if (!list && (given.model ?? '') === '') throw new UsageError('--model is missing');
  const { emulator } = given;
  if (emulator !== undefined && emulator !== 'yes' && emulator !== 'no')
    throw new UsageError('--emulator must be yes or no');
  return {
    options: {
      baseUrl,
      key: given['api-key'] ?? env['OPENAI_API_KEY'] ?? '',
      otherKey: given['second-key'] ?? '',
      model: given.model ?? '',
      only: names(given.only),
      skip: names(given.skip),
      emulator: emulator === undefined ? null : emulator === 'yes',
      contextTokens: whole('context-tokens', given['context-tokens'], 0, 200_000),
      heartbeatMs: whole('heartbeat-ms', given['heartbeat-ms'], 0, 60_000),
      timeoutMs: whole('timeout-ms', given['timeout-ms'], 60_000, 600_000),
    },
    list,
    quiet: given.quiet === true,
    json: given.json ?? null,
    html: given.html ?? null,
  };
}

const names = (text: string | undefined): readonly string[] => (text ?? '').split(',').filter(name => name !== '');

function whole(name: string, text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 1 && value <= most)) throw new UsageError(`--${name} must be a whole number from 1 to ${most}`);
  return value;
}

function parsedArgs(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    'base-url': text,
    'api-key': text,
    'second-key': text,
    model: text,
    only: text,
    skip: text,
    emulator: text,
    'context-tokens': text,
    'heartbeat-ms': text,
    'timeout-ms': text,
    json: text,
    html: text,
    list: flag,
    quiet: flag,
    help: { ...flag, short: 'h' },
  } as const;
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
