/** The server as people run it: `perdure up --json`, a process of its own, on a free port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FileConfig } from '../../packages/server/src/main/config/file-form.ts';

const PROGRAM = fileURLToPath(new URL('../../packages/server/bin/perdure.mjs', import.meta.url));
/** Until it has said its address, ms. */
const START_MS = 90_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** The whole line that it announced itself with. */
  readonly announced: { readonly [name: string]: unknown };
  /** What it has written for its operator. */
  readonly notes: () => string;
  /** What it has written to its standard output. */
  readonly printed: () => string;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** A folder with a configuration and its data, where a server can be started again and again. */
export class Workplace {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'perdure-process-'));
  readonly #running = new Set<ServerProcess>();

  get data(): string {
    return join(this.folder, 'data');
  }

  /** JSON is YAML. */
  configure(config: FileConfig): void {
    writeFileSync(join(this.folder, 'perdure.yaml'), JSON.stringify(config));
  }

  /** @throws Error with what it wrote, if it ends or says nothing */
  async start(...args: readonly string[]): Promise<ServerProcess> {
    const child = spawn(process.execPath, [PROGRAM, 'up', '--json', '--port', '0', ...args], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = await announced(child);
    this.#running.add(server);
    void server.ended.then(() => this.#running.delete(server));
    return server;
  }

  async close(): Promise<void> {
    for (const server of this.#running) {
      server.kill('SIGKILL');
      await server.ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function announced(child: ChildProcess): Promise<ServerProcess> {
  const { stdout, stderr, pid } = child;
  if (stdout === null || stderr === null || pid === undefined) throw new Error('the server could not be started');
  let notes = '';
  let printed = '';
  stdout.setEncoding('utf8').on('data', (piece: string) => {
    printed += piece;
  });
  stderr.setEncoding('utf8').on('data', (piece: string) => {
    notes += piece;
  });
  const ended = once(child, 'exit').then(
    ([code, signal]): Ended => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }),
  );
  const line = await firstLine(child, ended, () => notes);
  const value = JSON.parse(line) as { readonly url?: string; readonly message?: string };
  if (value.url === undefined) throw new Error(value.message ?? line);
  return {
    url: value.url,
    pid,
    announced: { ...value },
    notes: () => notes,
    printed: () => printed,
    kill: signal => child.kill(signal),
    ended,
  };
}

function firstLine(child: ChildProcess, ended: Promise<Ended>, notes: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the server did not start in time: ${notes()}`));
    }, START_MS);
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).once('line', line => settle(() => resolve(line)));
    void ended.then(({ code }) => settle(() => reject(new Error(`the server ended with ${String(code)}: ${notes()}`))));
  });
}
