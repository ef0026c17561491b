/** The processes of a run: each its own, as in use, so that none borrows another's event loop. All on loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
const START_MS = 30_000;

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

/** @param keeping whether it also keeps a record, and when it waits for it: `relay.ts` */
export function startRelay(upstream: string, keeping: 'none' | 'beside' | 'before' = 'none'): Promise<Started> {
  return start(['bench/relay.ts', upstream, keeping]);
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
 * @param bin the command line; by default that of the checkout, from source
 */
export async function startServer(emulator: Started, more = '', bin: string = SOURCE): Promise<ServerStarted> {
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
  return serve(bin, folder, config, data);
}

async function serve(bin: string, folder: string, config: string, data: string): Promise<ServerStarted> {
  const server = await start([bin, 'up', '--config', config, '--data', data, '--port', '0', '--json']);
  const remove = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const again = async (): Promise<ServerStarted> => {
    await server.stop();
    return serve(bin, folder, config, data);
  };
  return { ...server, data, again, remove };
}
