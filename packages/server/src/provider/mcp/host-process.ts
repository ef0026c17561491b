/**
 * A server that runs on this host, which the operator allowed by name.
 *
 * P1  It is given PATH and what the operator wrote, nothing else of this process's environment (L9).
 * P2  It ends with all that it began: it leads a process group. If this process dies, its input ends, which ends a server that keeps to
 *     the protocol.
 */
import { perdureError } from '@perdure/protocol';
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './ports.ts';
import type { HostCommand } from './rules.ts';

/** After its input has ended, and again after SIGTERM; ms. */
const GRACE_MS = 1_000;

const running = new Set<ChildProcess>();
let watching = false;

/** @param most that run at once. @throws Error if it cannot be started */
export async function startHostProcess(command: HostCommand, most: number): Promise<ServerProcess> {
  if (running.size >= most) throw perdureError('rate_limit_exceeded', `${most} MCP servers run on this host at most.`);
  endWithUs();
  const child = spawn(command.command, [...command.args], {
    cwd: command.cwd ?? undefined,
    env: { PATH: process.env['PATH'], ...command.env },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: process.platform !== 'win32',
    shell: false,
    windowsHide: true,
  });
  const { stdin, stdout } = child;
  const exited = new Promise<void>(resolve => child.once('close', () => resolve()));
  running.add(child);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
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
