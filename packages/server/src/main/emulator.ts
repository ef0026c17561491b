/** `perdure emulator`: the emulator's own program, in its own process, with this one's input and output. */
import { spawn } from 'node:child_process';
import { EXIT, type ExitCode } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import { emulatorProgram } from './emulated.ts';

export function runEmulator(args: readonly string[], io: Io): Promise<ExitCode> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [emulatorProgram(), ...args], { stdio: 'inherit', cwd: io.cwd });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on('SIGTERM', pass);
    // A terminal sends SIGINT to both; sent by hand it has to be passed on. Twice does no harm.
    process.on('SIGINT', pass);
    const settle = (act: () => void): void => {
      process.off('SIGTERM', pass);
      process.off('SIGINT', pass);
      act();
    };
    child.once('error', error => settle(() => reject(error)));
    child.once('exit', code => settle(() => resolve(code === 0 || code === 1 || code === 2 ? code : EXIT.failed)));
  });
}
