/** Files that are there whole or not at all: written beside, flushed, renamed into their place, their folder flushed too. */
import { closeSync, fdatasync, openSync, readFileSync, writeSync } from 'node:fs';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storeError } from '../store-error.ts';

let writes = 0;

/** @throws StoreError store_full, store_unavailable */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}.${++writes}.tmp`;
  try {
    await writeFlushed(beside, bytes);
    await rename(beside, path);
    await flushFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw failure(error);
  }
}

/** The same of a file that is never written again: of two at once one is first. False, and nothing done, if there is one. @throws StoreError */
export async function writeWholeOnce(path: string, bytes: Uint8Array): Promise<boolean> {
  const beside = `${path}.${process.pid}.${++writes}.tmp`;
  try {
    await writeFlushed(beside, bytes);
    const first = await link(beside, path).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      },
    );
    await rm(beside, { force: true });
    // Also for who came second: he may tell of the file as soon as he knows of it.
    await flushFolder(dirname(path));
    return first;
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw failure(error);
  }
}

/** Null if there is no such file. @throws StoreError */
export async function readWhole(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw failure(error);
  }
}

/** `readWhole`, in the caller's thread. */
export function readWholeNow(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw failure(error);
  }
}

/** @throws StoreError */
export async function removeWhole(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await flushFolder(dirname(path));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw failure(error);
  }
}

async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  const file = await openNew(path);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Several files that need not be whole before all of them are on the disk: each is written in its place, without a name of its own
 * beside it, and each folder is flushed once.
 */
export class LaidFiles {
  readonly #underWay = new Set<Promise<void>>();
  readonly #folders = new Set<string>();
  #failure: Error | null = null;

  /** Waits while `LAID_AT_ONCE` are under way. @throws StoreError, of this file or of one before it */
  async lay(path: string, bytes: Uint8Array): Promise<void> {
    const folder = dirname(path);
    if (!this.#folders.has(folder)) await makeFolder(folder).catch((error: unknown) => this.#failed(error));
    this.#folders.add(folder);
    const laying = writeThere(path, bytes)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#underWay.delete(laying));
    this.#underWay.add(laying);
    if (this.#underWay.size >= LAID_AT_ONCE) await Promise.race(this.#underWay);
    if (this.#failure !== null) throw this.#failure;
  }

  async ended(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** @throws StoreError */
  async durable(): Promise<void> {
    await this.ended();
    if (this.#failure !== null) throw this.#failure;
    const folders = [...this.#folders];
    this.#folders.clear();
    try {
      await Promise.all(folders.map(flushFolder));
    } catch (error) {
      throw failure(error);
    }
  }

  #failed(error: unknown): void {
    this.#failure ??= failure(error);
  }
}

/** The pool of threads that flush has four: with more, whoever reads a file meanwhile would wait behind them. */
const LAID_AT_ONCE = 8;

/** Only the flush is waited for elsewhere: what goes before it is done sooner than handed over. */
async function writeThere(path: string, bytes: Uint8Array): Promise<void> {
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    await new Promise<void>((resolve, reject) => {
      fdatasync(file, error => (error === null ? resolve() : reject(error)));
    });
  } finally {
    closeSync(file);
  }
}

async function openNew(path: string): ReturnType<typeof open> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await makeFolder(dirname(path));
    return open(path, 'wx');
  }
}

/** A folder that was made is on the disk once the one that it lies in is flushed. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await flushFolder(dirname(made));
}

async function flushFolder(folder: string): Promise<void> {
  // Windows has no folder to flush: its rename is durable by itself.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function failure(error: unknown): Error {
  const full = ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
  return storeError(full ? 'store_full' : 'store_unavailable', `a blob could not be kept or read: ${codeOf(error)}`, {
    cause: error,
  });
}
