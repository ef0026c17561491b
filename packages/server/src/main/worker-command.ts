/** `perdure worker`. */
import { isPerdureError } from '@perdure/protocol';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import { hostWorkspace } from './worker/host-workspace.ts';
import { openJournal } from './worker/journal.ts';
import { runWorker } from './worker/run-worker.ts';

export interface WorkerCommandOptions {
  readonly server: string;
  readonly environment: string;
  readonly workspace: string;
  readonly key?: string;
  readonly state?: string;
  readonly trustHost?: boolean;
}

/** Of the environment that commands see: nothing that could be a secret. */
const PASSED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'SHELL'] as const;

/** @param ended aborts when the worker is to end; by default at a signal of the system */
export async function worker(
  options: WorkerCommandOptions,
  io: Io,
  ended: AbortSignal = atSignal(),
): Promise<ExitCode> {
  const { environment, server } = options;
  const note = (line: string): void => io.err(`perdure worker: ${line}\n`);
  const token = options.key ?? io.env['PERDURE_WORKER_KEY'] ?? '';
  if (token === '')
    throw new CliError(EXIT.usage, 'a worker needs the token of its environment', {
      hint: `Make one with "perdure environments token ${environment}", and give it by --key or PERDURE_WORKER_KEY.`,
    });
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new CliError(EXIT.usage, `--server is no http or https address: ${JSON.stringify(server)}`);
  if (!/^env_[0-9a-z]{28}$/.test(environment))
    throw new CliError(EXIT.usage, `--environment is no id of an environment: ${JSON.stringify(environment)}`);
  if (options.trustHost !== true)
    throw new CliError(EXIT.refused, 'this worker has nothing that keeps commands in', {
      hint: 'With --trust-host the agent’s commands run as your user, with all that it may do: on a machine that is there for it alone.',
    });
  const root = resolve(io.cwd, options.workspace);
  mkdirSync(root, { recursive: true });
  note(`WITHOUT ISOLATION: commands of the agent run in ${root} as this user, and may do all that it may`);
  const env = Object.fromEntries(PASSED.flatMap(name => (io.env[name] === undefined ? [] : [[name, io.env[name]]])));
  const state = options.state ?? join(io.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'perdure');
  const journal = openJournal(join(resolve(io.cwd, state), 'workers', environment));
  try {
    const workspace = hostWorkspace({ root, env });
    await runWorker({ server, token, environment, workspace, isolation: 'none', journal, note }, ended);
    return EXIT.ok;
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    const refused = error.status === 401 || error.status === 403;
    throw new CliError(refused ? EXIT.refused : EXIT.failed, error.message, { cause: error });
  } finally {
    journal.close();
  }
}

function atSignal(): AbortSignal {
  const ended = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ended.abort());
  return ended.signal;
}
