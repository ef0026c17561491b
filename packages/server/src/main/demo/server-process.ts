/** A server of the demo's own, as a process: so that it can be killed as power failures kill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../config/interpolate.ts';

/** Until it has said its address, ms. A machine that is busy takes seconds to load it. */
const START_MS = 60_000;
/** Until it has ended after it was told to, ms; then it is killed. */
const END_MS = 10_000;
/** What is kept of what it told its operator, characters. */
const KEPT_CHARS = 4_000;

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM: it drains. */
  stop(): Promise<void>;
}

export interface ServerFiles {
  readonly config: string;
  readonly data: string;
  readonly env: Environment;
}

export function perdureProgram(): string {
  return fileURLToPath(new URL('../../../bin/perdure.mjs', import.meta.url));
}

/** @throws Error with the end of what the server said, if it does not start */
export async function startServer({ config, data, env }: ServerFiles): Promise<ServerProcess> {
  const args = [perdureProgram(), 'up', '--config', config, '--data', data, '--port', '0', '--json'];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  // However this process ends, the server must not stay behind.
  const goes = (): void => void child.kill('SIGKILL');
  process.once('exit', goes);
  child.once('exit', () => process.off('exit', goes));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_CHARS);
  });
  try {
    const { url } = JSON.parse(await firstLine(child)) as { readonly url: string };
    return { url, pid: child.pid ?? 0, kill: () => end(child, 'SIGKILL'), stop: () => end(child, 'SIGTERM') };
  } catch (error) {
    await end(child, 'SIGKILL');
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the server did not start: ${said.trim() === '' ? reason : said.trim()}`, { cause: error });
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new Error('it has no output');
  const signal = AbortSignal.timeout(START_MS);
  const lines = createInterface({ input: stdout });
  try {
    const [line] = await Promise.race([
      once(lines, 'line', { signal }),
      once(lines, 'close', { signal }).then(() => Promise.reject(new Error('it ended at once'))),
    ]);
    return String(line);
  } finally {
    // What it prints later must not fill the pipe.
    stdout.resume();
  }
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(timer);
}
