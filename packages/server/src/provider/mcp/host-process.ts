/**
 * A server that runs on this host, which the operator allowed by name.
 *
 * P1  It is given PATH and what the operator wrote, nothing else of this process's environment (L9).
 * P2  It ends with all that it began: it leads a process group. If this process is killed, its input ends, which ends a server that keeps
 *     to the protocol; on Linux with `setpriv` the kernel ends it too, whatever it keeps to.
 */
import { perdureError } from '@perdure/protocol';
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServedProcess } from '../../engine/tools/ports.ts';
import type { HostCommand } from './rules.ts';

/** After its input has ended, and again after SIGTERM; ms. */
const GRACE_MS = 1_000;
const SETPRIV = '/usr/bin/setpriv';

const running = new Set<ChildProcess>();
let watching = false;

/** @param most that run at once. @throws Error if it cannot be started */
export async function startHostProcess(command: HostCommand, most: number): Promise<ServedProcess> {
  if (running.size >= most) throw perdureError('rate_limit_exceeded', `${most} MCP servers run on this host at most.`);
  endWithUs();
  const { file, args } = boundToUs(command);
  const child = spawn(file, [...args], {
    cwd: command.cwd ?? undefined,
    env: { PATH: process.env['PATH'], ...command.env },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: process.platform !== 'win32',
    shell: false,
    windowsHide: true,
  });
  const { stdin, stdout } = child;
  const exited = new Promise<'ended'>(done => child.once('close', () => done('ended')));
  running.add(child);
  try {
    await new Promise<void>((done, reject) => {
      child.once('spawn', done);
      child.once('error', reject);
    });
  } catch (error) {
    running.delete(child);
    throw error;
  }
  void exited.then(() => running.delete(child));
  child.on('error', () => undefined);
  stdin.on('error', () => undefined);
  return {
    input: stdin,
    output: stdout,
    exited,
    async end() {
      stdin.end();
      await Promise.race([exited, sleep(GRACE_MS, undefined, { ref: false })]);
      signalGroup(child, 'SIGTERM');
      if (child.exitCode === null && child.signalCode === null)
        await Promise.race([exited, sleep(GRACE_MS, undefined, { ref: false })]);
      signalGroup(child, 'SIGKILL');
      stdout.destroy();
      await exited;
    },
  };
}

/** Started so that the kernel ends it with this process, where that can be had. */
function boundToUs({ command, args, env, cwd }: HostCommand): {
  readonly file: string;
  readonly args: readonly string[];
} {
  const file = locate(command, env['PATH'] ?? process.env['PATH'] ?? '', cwd ?? process.cwd());
  // Said as `spawn` says it: setpriv would say it in words of its own.
  if (file === null) throw Object.assign(new Error('no such command'), { code: 'ENOENT' });
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return { file, args };
  return { file: SETPRIV, args: ['--pdeathsig', 'KILL', '--', file, ...args] };
}

function locate(command: string, path: string, cwd: string): string | null {
  if (process.platform === 'win32') return command;
  const places = command.includes('/')
    ? [resolve(cwd, command)]
    : path.split(delimiter).map(folder => resolve(cwd, folder, command));
  return places.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** To all of its group: what it began may outlive it. */
function signalGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Nobody of it is left.
  }
}

function endWithUs(): void {
  if (watching) return;
  watching = true;
  process.once('exit', () => {
    for (const child of running) signalGroup(child, 'SIGKILL');
  });
}
