/**
 * A program that goes on running in a workspace and is spoken to over its standard streams: an MCP server.
 *
 * - V1 It is held by what holds commands, every defence of it (`sandbox/defences.ts`), and by their bounds of time and of what they print.
 * - V2 It ends when it is told to, when the workspace goes, when this server ends: nothing that it began is left.
 * - V3 It is one of a bounded number, on the server and in the workspace, and takes no command's turn: commands would wait for it for ever.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { perdureError } from '@perdure/protocol';
import type { ServedProcess, ServeRequest, WorkspaceSpec } from '../engine/tools/ports.ts';
import type { WorkspaceParts } from './parts.ts';
import { refused } from './paths.ts';
import { folderInside, mayRun, type Prepared, prepareLaunch } from './prepare-launch.ts';
import { feed, flushed, spawnLaunch } from './run-launch.ts';
import { watch } from './sandbox/watch.ts';
import type { Shared } from './shared.ts';

/** After its input has ended, ms. */
const GRACE_MS = 1_000;

export interface Serving {
  readonly parts: WorkspaceParts;
  readonly shared: Shared;
  readonly request: ServeRequest;
  readonly started: (process: ServedProcess) => void;
}

/** Resolves once it has ended. @throws mcp_server_not_allowed and what `mayRun` throws; rate_limit_exceeded: as many run as may */
export async function serve(spec: WorkspaceSpec, { parts, shared, request, started }: Serving): Promise<void> {
  mayRun(parts, shared);
  const { limits, servers, runs } = parts;
  if (parts.place === null)
    throw perdureError('mcp_server_not_allowed', 'MCP servers are started in environments only where bubblewrap is.');
  if (servers.size >= limits.servers)
    throw perdureError('rate_limit_exceeded', `${limits.servers} MCP servers run in environments at most.`);
  if (shared.servers >= limits.workspaceServers)
    throw perdureError('rate_limit_exceeded', `${limits.workspaceServers} MCP servers run in an environment at most.`);
  const stop = new AbortController();
  const done = begin(spec, parts, { request, started, stop });
  const run = { stop, done };
  shared.servers += 1;
  shared.runs.add(run);
  runs.add(stop);
  servers.add(stop);
  try {
    await done;
  } finally {
    shared.servers -= 1;
    shared.runs.delete(run);
    runs.delete(stop);
    servers.delete(stop);
  }
}

interface Beginning extends Pick<Serving, 'request' | 'started'> {
  readonly stop: AbortController;
}

async function begin(spec: WorkspaceSpec, parts: WorkspaceParts, { request, started, stop }: Beginning): Promise<void> {
  const { command, args, variables } = request;
  if (command.startsWith('-'))
    throw refused('A command does not begin with a dash: the shell would take it for an option.');
  const cwd = await folderInside(parts.layout.root, request.cwd);
  const timeoutMs = parts.limits.timeoutMs;
  const words = ['exec', ...[command, ...args].map(quoted)].join(' ');
  const wanted = { command: words, cwd, timeoutMs, hosts: [], variables, apart: true } as const;
  const prepared = await prepareLaunch(spec, parts, wanted);
  try {
    stop.signal.throwIfAborted();
    await attend(prepared, parts, { started, stop });
  } finally {
    await prepared.way?.proxy.close();
  }
}

/** As one word of a shell, whatever is in it. */
function quoted(word: string): string {
  if (word.includes('\0')) throw refused('A command holds characters that none may hold.');
  return `'${word.replaceAll("'", "'\\''")}'`;
}

async function attend(
  { launch, before }: Prepared,
  { layout, limits, taken, started: told }: WorkspaceParts,
  { started, stop }: Omit<Beginning, 'request'>,
): Promise<void> {
  const child = spawnLaunch(launch, ['pipe', 'pipe', 'ignore']);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('a process without streams');
  const gone = ended(child);
  const kill = (): void => void child.kill('SIGKILL');
  stdin.on('error', () => undefined);
  let printed = 0;
  const output = new Transform({
    transform(chunk: Buffer, _, next) {
      printed += chunk.length;
      if (printed <= limits.printedBytes || taken.has('output-limit')) return next(null, chunk);
      kill();
      next();
    },
  });
  stdout.on('error', () => undefined).pipe(output);
  stop.signal.addEventListener('abort', kill);
  const timer = taken.has('timeout') ? undefined : setTimeout(kill, limits.timeoutMs);
  const most = { bytes: Math.max(limits.bytes, before.bytes), files: Math.max(limits.files, before.files) };
  const watching = taken.has('watch')
    ? null
    : watch({ root: layout.root, pid: () => child.pid ?? null, most, limits }, kill);
  try {
    feed(child, launch.inputs);
    await once(child, 'spawn');
    if (child.pid !== undefined) told?.(child.pid);
    if (stop.signal.aborted) kill();
    started({
      input: stdin,
      output,
      exited: gone,
      async end() {
        stdin.end();
        await Promise.race([gone, sleep(GRACE_MS, undefined, { ref: false })]);
        kill();
        await gone;
      },
    });
    await gone;
  } finally {
    clearTimeout(timer);
    watching?.stop();
    stop.signal.removeEventListener('abort', kill);
    stdout.destroy();
    output.destroy();
  }
}

/** What a shell says of a program that it cannot start: it is none, or it is not there. */
const NOT_STARTED: ReadonlySet<number | null> = new Set([126, 127]);

/** Once what it printed last has come. Never fails: one that could not be started has ended. */
async function ended(child: ChildProcess): Promise<'ended' | 'missing'> {
  const code = await new Promise<number | null>(done => {
    child.once('exit', done);
    child.once('error', () => done(null));
  });
  await flushed(child);
  return NOT_STARTED.has(code) ? 'missing' : 'ended';
}
