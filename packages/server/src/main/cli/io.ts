/** What a command has of the world: so that tests run commands in their own process. */
import type { Environment } from '../config/interpolate.ts';

export interface Io {
  /** Standard output: results only. */
  readonly out: (text: string) => void;
  /** Standard error: progress, warnings, errors. */
  readonly err: (text: string) => void;
  readonly env: Environment;
  readonly cwd: string;
}

export function processIo(): Io {
  return {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
  };
}

export function printJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`);
}
