/** Runs what a launch names, under all the bounds that are ours to keep: time, output, what it holds. */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { ExecResult } from '../engine/tools/ports.ts';
import type { Usage } from './files/tree.ts';
import type { WorkspaceLimits } from './limits.ts';
import { boundedOutput } from './output.ts';
import type { Defences } from './sandbox/defences.ts';
import type { Launch } from './sandbox/launch.ts';
import { watch } from './sandbox/watch.ts';

export interface Running {
  /** The workspace, on the host. */
  readonly root: string;
  /** What it holds as the command begins. */
  readonly before: Usage;
  readonly limits: WorkspaceLimits;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly show: (text: string) => void;
  readonly taken: Defences;
  /** Told once it runs; for tests. */
  readonly started?: (pid: number) => void;
}

/** How long output may still come after the end, ms: what is on its way in the pipe. */
const FLUSH_MS = 500;

/** @throws what `spawn` throws: the program is not there */
export async function runLaunch(
  launch: Launch,
  running: Running,
): Promise<Omit<ExecResult, 'refusedHosts'> & { readonly why: string | null }> {
  const { limits, taken, signal } = running;
  const began = performance.now();
  const output = boundedOutput(limits.outputBytes);
  let ended: ExecResult['ended'] = 'exit';
  let why: string | null = null;
  const child = spawnLaunch(launch, ['ignore', 'pipe', 'pipe']);
  const end = (how: ExecResult['ended'], reason: string | null = null): void => {
    if (ended !== 'exit' || child.exitCode !== null || child.signalCode !== null) return;
    ended = how;
    why = reason;
    child.kill('SIGKILL');
  };
  const decoder = new TextDecoder();
  const take = (bytes: Buffer): void => {
    if (ended === 'output_limit') return;
    output.add(bytes);
    running.show(decoder.decode(bytes, { stream: true }));
    if (output.printed > limits.printedBytes && !taken.has('output-limit'))
      end('output_limit', `it printed more than ${limits.printedBytes} bytes`);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const exited = exitOf(child);
  const abort = (): void => end('aborted');
  signal.addEventListener('abort', abort);
  const timeoutMs = Math.min(running.timeoutMs, limits.timeoutMs);
  const timer = taken.has('timeout')
    ? undefined
    : setTimeout(() => end('timeout', `it ran longer than ${timeoutMs} ms`), timeoutMs);
  const most = {
    bytes: Math.max(limits.bytes, running.before.bytes),
    files: Math.max(limits.files, running.before.files),
  };
  const watching = taken.has('watch')
    ? null
    : watch({ root: running.root, pid: () => child.pid ?? null, most, limits }, reason => end('quota', reason));
  try {
    if (signal.aborted) abort();
    feed(child, launch.inputs);
    if (child.pid !== undefined) running.started?.(child.pid);
    const code = await exited;
    await flushed(child);
    const durationMs = Math.round(performance.now() - began);
    return { exitCode: ended === 'exit' ? code : null, ended, output: output.text(), durationMs, why };
  } finally {
    clearTimeout(timer);
    watching?.stop();
    signal.removeEventListener('abort', abort);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}

/** @param streams its input, its output, and its other output */
export function spawnLaunch(
  { file, args, env, cwd, inputs, detached }: Launch,
  streams: readonly ('ignore' | 'pipe')[],
): ChildProcess {
  const stdio: StdioOptions = [...streams, ...inputs.map(() => 'pipe' as const)];
  return spawn(file, args, { env, detached, stdio, cwd });
}

/** What the launch reads itself. */
export function feed(child: ChildProcess, inputs: readonly Buffer[]): void {
  for (const [i, bytes] of inputs.entries()) {
    const pipe = child.stdio[i + 3] as Writable;
    // It may end before it has read: then it says so itself.
    pipe.on('error', () => undefined);
    pipe.end(bytes);
  }
}

/** The exit code; null if a signal ended it. */
async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/** What it printed last is still on its way; who holds the pipe after the end is not waited for. */
export async function flushed(child: ChildProcess): Promise<void> {
  const outputs = [child.stdout, child.stderr].filter((one): one is Readable => one !== null && !one.destroyed);
  const done = Promise.all(outputs.map(async one => one.readableEnded || (await once(one, 'close'))));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => (timer = setTimeout(resolve, FLUSH_MS)));
  await Promise.race([done.catch(() => undefined), late]);
  clearTimeout(timer);
  for (const one of outputs) one.destroy();
}
