/** What the fuzzer is told on its command line. */
import { parseArgs } from 'node:util';
import type { FuzzOptions } from './harness.ts';

export const EXIT = { ok: 0, broken: 1, usage: 2 } as const;

export const HELP = `Usage: node test/fuzz/main.ts [options]

Sends a server of its own what nobody should send: right requests with parts replaced by junk, bytes that are no request, frames that are none.
Whatever comes in, no answer is a failure of the server, every error has the envelope and a code of the catalogue, nothing hangs, and what was
stored before is as it was.

Options
  --runs N         how many inputs (default 100000)
  --seed N         what is drawn from (default: a new one each time; the report names it)
  --minutes N      draw no more after so many (default: until all are sent)
  --senders N      how many are sent at once (default 24)
  --deadline-ms N  for one answer (default 30000)
  --json           print the report as JSON
  --help           print this

Examples
  node test/fuzz/main.ts
  node test/fuzz/main.ts --runs 5000 --seed 4711

Exit codes
  ${EXIT.ok}  the law held
  ${EXIT.broken}  it was broken; how to do it again is printed, shrunk
  ${EXIT.usage}  the command is not right
`;

/** The command is not right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface FuzzCommand {
  readonly options: Omit<FuzzOptions, 'progress'>;
  readonly json: boolean;
}

/** Null: help was asked for. @throws UsageError */
export function readCommand(argv: readonly string[], seed: number): FuzzCommand | null {
  const values = valuesOf(argv);
  if (values.help === true) return null;
  const whole = (
    name: 'runs' | 'seed' | 'minutes' | 'senders' | 'deadline-ms',
    fallback: number,
    most: number,
  ): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > most)
      throw new UsageError(`--${name} takes a whole number from 1 to ${most}, not "${text}"`);
    return value;
  };
  return {
    options: {
      runs: whole('runs', 100_000, 100_000_000),
      seed: whole('seed', seed, 999_999_999),
      minutes: whole('minutes', 0, 1_000),
      senders: whole('senders', 24, 64),
      deadlineMs: whole('deadline-ms', 30_000, 600_000),
    },
    json: values.json === true,
  };
}

function valuesOf(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { runs: text, seed: text, minutes: text, senders: text, 'deadline-ms': text, json: flag, help: flag };
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
