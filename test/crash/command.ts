/** What the crash test is told on its command line. */
import { parseArgs } from 'node:util';
import { DEFAULTS, type HarnessOptions } from './harness.ts';

export const EXIT = { ok: 0, broken: 1, usage: 2 } as const;

export const HELP = `Usage: node test/crash/main.ts [options]

Kills the server under load at named points and at random times, restarts it, and holds it to what it had said.

Options
  --kills N        how often to kill (default ${DEFAULTS.kills})
  --seconds N      begin no new life after so many seconds (default: no such end)
  --seed N         what the random choices start from (default: a new one each time; the report names it)
  --no-shim        kill processes only: no lives that also lose writes that were not synced
  --no-disk-full   leave out the part that fills the disk
  --json           print the report as JSON
  --help           print this

Examples
  node test/crash/main.ts
  node test/crash/main.ts --kills 50 --no-disk-full
  node test/crash/main.ts --seconds 600 --seed 4711 --json

Exit codes
  ${EXIT.ok}  no law was broken, and the kills were as hard as they are meant to be
  ${EXIT.broken}  a law was broken, or a goal of the kills was missed
  ${EXIT.usage}  the command is not right
`;

export interface CrashCommand {
  readonly options: Omit<HarnessOptions, 'progress'>;
  readonly json: boolean;
}

/** The command is not right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

function wholeNumber(name: string, text: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1) throw new UsageError(`--${name} takes a whole number above 0, not "${text}"`);
  return value;
}

function valuesOf(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    kills: text,
    seconds: text,
    seed: text,
    'no-shim': flag,
    'no-disk-full': flag,
    json: flag,
    help: flag,
  };
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Null: only help was asked for. Throws `UsageError`.
 * @param newSeed taken if the command names none
 */
export function readCommand(argv: readonly string[], newSeed: number): CrashCommand | null {
  const values = valuesOf(argv);
  if (values.help === true) return null;
  const options = {
    ...DEFAULTS,
    kills: values.kills === undefined ? DEFAULTS.kills : wholeNumber('kills', values.kills),
    seconds: values.seconds === undefined ? null : wholeNumber('seconds', values.seconds),
    seed: values.seed === undefined ? newSeed : wholeNumber('seed', values.seed),
    diskFull: values['no-disk-full'] !== true,
    shimShare: values['no-shim'] === true ? 0 : DEFAULTS.shimShare,
  };
  return { options, json: values.json === true };
}
