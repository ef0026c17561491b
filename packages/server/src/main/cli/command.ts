import type { Command } from 'commander';
import type { ExitCode } from './exit.ts';
import type { Io } from './io.ts';

/**
 * Adds a command to the program. What it does is imported when it is called: `perdure --help` loads none of it.
 * @param done takes what the command came to
 */
export type AddCommand = (program: Command, io: Io, done: (code: Promise<ExitCode>) => Promise<void>) => void;
