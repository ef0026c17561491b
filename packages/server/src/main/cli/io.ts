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
  // Whoever reads our output may stop at any line, as `head` does: that is no failure of ours.
  process.stdout.on('error', (error: Error & { readonly code?: string }) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
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
