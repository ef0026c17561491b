/** `perdure worker`. */
import { isPerdureError } from '@perdure/protocol';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Workspace } from '../engine/tools/ports.ts';
import type { TenantId } from '../kernel/ids.ts';
import { CliError, EXIT, type ExitCode } from './cli/exit.ts';
import type { Io } from './cli/io.ts';
import { DEFAULT_EGRESS } from './config/egress.ts';
import { workspacesOf } from './config/workspaces.ts';
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
  readonly allowHost?: readonly string[];
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
  const root = resolve(io.cwd, options.workspace);
  mkdirSync(root, { recursive: true });
  const state = options.state ?? join(io.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'perdure');
  const journal = openJournal(join(resolve(io.cwd, state), 'workers', environment));
  const opened = await (options.trustHost === true ? plain(root, io, note) : isolated(root, environment, note));
  try {
    const { workspace, isolation } = opened;
    const hosts = options.allowHost ?? [];
    await runWorker({ server, token, environment, workspace, hosts, isolation, journal, note }, ended);
    return EXIT.ok;
  } catch (error) {
    if (!isPerdureError(error)) throw error;
    const refused = error.status === 401 || error.status === 403;
    throw new CliError(refused ? EXIT.refused : EXIT.failed, error.message, { cause: error });
  } finally {
    await opened.close();
    journal.close();
  }
}

interface Opened {
  readonly workspace: Workspace;
  readonly isolation: string;
  close(): Promise<void>;
}

async function plain(root: string, io: Io, note: (line: string) => void): Promise<Opened> {
  note(`WITHOUT ISOLATION: commands of the agent run in ${root} as this user, and may do all that it may`);
  const env = Object.fromEntries(PASSED.flatMap(name => (io.env[name] === undefined ? [] : [[name, io.env[name]]])));
  return { workspace: hostWorkspace({ root, env }), isolation: 'none', close: () => Promise.resolve() };
}

/** A workspace as the server has them, without a network: its files lie in a folder of their own below `root`. */
async function isolated(root: string, environment: string, note: (line: string) => void): Promise<Opened> {
  const { makeWorkspaces } = await import('./workspaces.ts');
  const asked = { folder: root, isolation: 'preferred', network: 'disabled' } as const;
  const desk = makeWorkspaces({ data: root, egress: DEFAULT_EGRESS, workspaces: workspacesOf(asked, root) });
  const { isolation, why } = await desk.get();
  note(`commands of the agent run in ${isolation}${why === null ? '' : ` (no bubblewrap: ${why})`}, without a network`);
  const network = { access: 'disabled', allowed: [], blocked: [] } as const;
  const spec = { tenant: TENANT, id: environment, network, env: {} };
  return { workspace: await desk.hosts.open(spec), isolation, close: () => desk.close() };
}

/** Of the folder that holds the workspace. */
const TENANT = 'worker' as TenantId;

function atSignal(): AbortSignal {
  const ended = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ended.abort());
  return ended.signal;
}
