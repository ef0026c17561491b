/** Runs one program to its end, quietly: its output is kept, and shown by whoever finds that it failed. */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Output beyond this is cut at its beginning, characters. */
const MAX_OUTPUT = 4_000_000;
const isWindows = process.platform === 'win32';

/** The pinned tools first, the pinned Node among them. */
export const env = { ...process.env, PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH };

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ timeoutMs?: number, onLine?: (line: string) => void }} [options]
 * @returns {Promise<{ code: number, output: string, ms: number }>} 124 if it took too long, 127 if it cannot be run
 */
export function run(command, args, { timeoutMs = 30 * 60_000, onLine } = {}) {
  const started = Date.now();
  return new Promise(resolve => {
    // A group of its own, so that what it started ends with it.
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: isWindows,
      detached: !isWindows,
    });
    let output = '';
    let late = false;
    const take = chunk => {
      output = (output + chunk).slice(-MAX_OUTPUT);
      if (onLine) for (const line of String(chunk).split('\n')) onLine(line);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    const timer = setTimeout(() => {
      late = true;
      if (isWindows) child.kill('SIGKILL');
      else if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    const settle = code => {
      clearTimeout(timer);
      const note = late ? `\nended after ${timeoutMs / 1000} s without a result` : '';
      resolve({ code: late ? 124 : code, output: output + note, ms: Date.now() - started });
    };
    child.once('error', error => {
      take(error.message);
      settle(127);
    });
    child.once('close', code => settle(code ?? 1));
  });
}
