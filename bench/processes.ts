/** The processes of a run: each its own, as in use, so that none borrows another's event loop. All on loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Started {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const ROOT = new URL('..', import.meta.url).pathname;
/** How long a process may take to say where it listens, ms. */
const START_MS = 120_000;

/** Starts a program of this repository that prints one JSON line with its `url`. */
export async function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const url = await firstUrl(child);
  return { url, pid: child.pid ?? 0, stop: () => stop(child) };
}

async function firstUrl(child: ChildProcess): Promise<string> {
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  try {
    if (child.stdout === null) throw new Error('no output to read');
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('{')) continue;
      const { url } = JSON.parse(line) as { url?: string };
      if (url !== undefined) return url;
    }
    throw new Error('a process ended before it listened');
  } finally {
    clearTimeout(timer);
  }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

export function startEmulator(): Promise<Started> {
  return start(['packages/emulator/src/main.ts', '--port', '0', '--json', '--clouds', 'azure']);
}

/** @param mode whether it also keeps a record, and when it waits for it: `relay.ts` */
export function startRelay(
  upstream: string,
  mode: 'none' | 'beside' | 'before' | 'events' | 'kept' = 'none',
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  return start([...watching(env), 'bench/relay.ts', upstream, mode], env);
}

/** A process whose event loop is watched writes what was seen to the file of BENCH_LOOP_FILE. */
function watching(env: NodeJS.ProcessEnv): readonly string[] {
  return env['BENCH_LOOP_FILE'] === undefined ? [] : ['--import', `${ROOT}bench/loop-watch.ts`];
}

export interface ServerStarted extends Started {
  readonly data: string;
  /** Ends the server in order and starts one on the same data. */
  again(): Promise<ServerStarted>;
  /** Ends the server and removes its data. */
  remove(): Promise<void>;
}

const SOURCE = 'packages/server/bin/perdure.mjs';

/**
 * The server as users run it: its own process, SQLite with full durability, one target, the shipped February contract.
 * @param options `bin`: the command line; by default that of the checkout, from source
 */
export async function startServer(
  emulator: Pick<Started, 'url'>,
  more = '',
  { bin = SOURCE, env = {} }: { readonly bin?: string | undefined; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<ServerStarted> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-bench-'));
  const data = join(folder, 'data');
  const config = join(folder, 'perdure.yaml');
  writeFileSync(
    config,
    `contracts: [openai-2026-02]
as_of: 2026-03-20
targets:
  - {id: azure, vendor: openai, model: bench, upstream_model: bench-emulated, cloud: azure, region: eastus, jurisdiction: us, dialect: openai-responses, base_url: "${emulator.url}/azure/v1"}
homes:
  - {id: azure-east, cloud: azure, region: eastus, jurisdiction: us}
${more}`,
  );
  return serve({ bin, env, folder, config, data });
}

interface Served {
  readonly bin: string;
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly config: string;
  readonly data: string;
}

async function serve(how: Served): Promise<ServerStarted> {
  const { bin, env, folder, config, data } = how;
  const server = await start(
    [...watching(env), bin, 'up', '--config', config, '--data', data, '--port', '0', '--json'],
    env,
  );
  const remove = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const again = async (): Promise<ServerStarted> => {
    await server.stop();
    return serve(how);
  };
  return { ...server, data, again, remove };
}

const TICKS_A_SECOND = 100;

/** Processor time of all threads so far; NaN where there is no /proc. */
export function processorSeconds(pid: number): number {
  try {
    const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const fields = rest.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return Number.NaN;
  }
}
