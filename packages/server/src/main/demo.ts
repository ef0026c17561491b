/** `perdure demo`: the story of March 2026, against a running server. */
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import type { Io } from './cli/io.ts';

export interface DemoOptions {
  readonly json?: boolean;
}

export function demo(_options: DemoOptions, _io: Io): Promise<ExitCode> {
  return Promise.reject(new CliError(EXIT.failed, 'perdure demo: not here yet'));
}
