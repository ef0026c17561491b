/** `perdure worker` as its own process, so that it can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface WorkerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  /** All that it has printed. */
  said(): string;
}

export interface WorkerFor {
  readonly server: string;
  readonly environment: string;
  readonly token: string;
  /** Its workspace is the folder `work` in it, its state `state`. */
  readonly folder: string;
}

export function startWorker(
  { server, environment, token, folder }: WorkerFor,
  how: readonly string[] = ['--trust-host'],
): WorkerProcess {
  const bin = new URL('../../packages/server/bin/perdure.mjs', import.meta.url).pathname;
  const args = ['worker', '--server', server, '--environment', environment, '--workspace', 'work', ...how];
  const child = spawn(process.execPath, [bin, ...args, '--state', 'state'], {
    cwd: folder,
    env: { ...process.env, PERDURE_WORKER_KEY: token },
  });
  let said = '';
  child.stdout.on('data', data => (said += String(data)));
  child.stderr.on('data', data => (said += String(data)));
  return { child, ended: new Promise(resolve => child.on('exit', resolve)), said: () => said };
}
