/**
 * A folder of this machine and its plain shell, kept in by nothing: for a worker whose owner trusts its host to the agent. Paths that are read
 * and written for the server stay within the folder; what a command does, it does as the user who started the worker.
 */
import { perdureError } from '@perdure/protocol';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, open, opendir, realpath, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { ExecRequest, ExecResult, Workspace, WorkspaceFile } from '../../engine/tools/ports.ts';

/** Characters of a command's output that are kept, at either end. */
const HEAD_CHARS = 48 * 1024;
const TAIL_CHARS = 16 * 1024;
/** Folders within one another that are listed. */
const MOST_DEPTH = 64;
/** From a polite signal to one that cannot be refused, ms. */
const GRACE_MS = 2_000;

export interface HostWorkspaceOptions {
  /** It must be there. */
  readonly root: string;
  /** What commands see; nothing of this process's own beside it. */
  readonly env: { readonly [name: string]: string | undefined };
}

export function hostWorkspace({ root, env }: HostWorkspaceOptions): Workspace {
  const inside = (path: string): Promise<string> => insideOf(root, path);
  return {
    exec: async request => run(await inside(request.cwd ?? ''), env, request),
    async read(path, maxBytes) {
      const file = await open(await inside(path), 'r').catch(unlessAbsent);
      if (file === null) return null;
      try {
        const { size } = await file.stat();
        if (size > maxBytes) throw perdureError('file_too_large', `The file has more than ${maxBytes} bytes.`);
        return await file.readFile();
      } finally {
        await file.close();
      }
    },
    async write(path, bytes) {
      const target = await inside(path);
      await mkdir(dirname(target), { recursive: true });
      const part = join(dirname(target), `.${randomUUID()}.part`);
      try {
        const file = await open(part, 'wx', 0o644);
        try {
          await file.writeFile(bytes);
        } finally {
          await file.close();
        }
        await rename(part, target);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
    async remove(path) {
      const target = await inside(path);
      return (await unlink(target).catch(unlessAbsent)) !== null;
    },
    list: async (path, after, limit) => listed(root, await inside(path), after, limit),
    snapshot: () => Promise.reject(noSnapshots()),
    restore: () => Promise.reject(noSnapshots()),
  };
}

function noSnapshots(): Error {
  return perdureError('unsupported_parameter', 'A folder of a worker has no snapshots.');
}

function unlessAbsent(error: unknown): null {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return null;
  throw error;
}

/** @throws invalid_request for what leads out, over links too */
async function insideOf(root: string, path: string): Promise<string> {
  const base = await realpath(root);
  const target = resolve(base, `./${path}`);
  if (!within(base, target) || path.includes('\0')) throw outside();
  // What is not there yet lies where its nearest folder does.
  for (let at = target; ; at = dirname(at)) {
    const real = await realpath(at).catch(unlessAbsent);
    if (real === null) continue;
    if (!within(base, real)) throw outside();
    return join(real, relative(at, target));
  }
}

function within(base: string, path: string): boolean {
  return path === base || path.startsWith(base.endsWith(sep) ? base : `${base}${sep}`);
}

function outside(): Error {
  return perdureError('invalid_request', 'The path leads out of the workspace.', { param: 'path' });
}

async function listed(
  root: string,
  from: string,
  after: string | null,
  limit: number,
): Promise<readonly WorkspaceFile[]> {
  const base = await realpath(root);
  const found: WorkspaceFile[] = [];
  const visit = async (folder: string, depth: number, past: readonly string[] | null): Promise<void> => {
    const entries = [];
    for await (const entry of (await opendir(folder).catch(unlessAbsent)) ?? []) entries.push(entry);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const [skip, ...rest] = past ?? [];
      if (found.length >= limit) return;
      if (skip !== undefined && entry.name < skip) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < MOST_DEPTH) await visit(path, depth + 1, entry.name === skip ? rest : null);
      else if (entry.isFile() && entry.name !== skip) {
        const held = await stat(path).catch(unlessAbsent);
        if (held !== null)
          found.push({
            path: relative(base, path).split(sep).join('/'),
            size: held.size,
            modifiedAt: Math.floor(held.mtimeMs),
          });
      }
    }
  };
  const start = after === null ? null : relative(from, join(base, after)).split(sep);
  await visit(from, 0, start);
  return found;
}

function run(
  cwd: string,
  env: HostWorkspaceOptions['env'],
  { command, timeoutMs, signal, show }: ExecRequest,
): Promise<ExecResult> {
  const began = performance.now();
  const kept = new Kept();
  return new Promise((done, fail) => {
    // A group of its own: what it starts ends with it.
    const child = spawn('/bin/sh', ['-c', command], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let ended: ExecResult['ended'] = 'exit';
    const kill = (how: ExecResult['ended']): void => {
      ended = how;
      signalGroup(child.pid, 'SIGTERM');
      setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE_MS).unref();
    };
    const timer = setTimeout(() => kill('timeout'), timeoutMs);
    const abort = (): void => kill('aborted');
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        kept.add(text);
        show(text);
      });
    }
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    child.on('error', error => {
      over();
      fail(error);
    });
    child.on('exit', () => {
      // Whatever it left running is ended with it, and holds no pipe open.
      signalGroup(child.pid, 'SIGKILL');
    });
    child.on('close', code => {
      over();
      const durationMs = Math.round(performance.now() - began);
      done({ exitCode: ended === 'exit' ? code : null, ended, output: kept.text(), durationMs, refusedHosts: [] });
    });
  });
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

/** The beginning and the end of a text that may have no end. */
class Kept {
  #head = '';
  #tail = '';
  #dropped = 0;

  add(text: string): void {
    const room = HEAD_CHARS - this.#head.length;
    this.#head += text.slice(0, room);
    const tail = this.#tail + text.slice(room);
    const over = Math.max(0, tail.length - TAIL_CHARS);
    this.#dropped += over;
    this.#tail = tail.slice(over);
  }

  text(): string {
    if (this.#dropped === 0) return this.#head + this.#tail;
    return `${this.#head}\n[... ${this.#dropped} characters left out ...]\n${this.#tail}`;
  }
}
