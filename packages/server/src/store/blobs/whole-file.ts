/** Files that are there whole or not at all: written beside, flushed, renamed into their place, their folder flushed too. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
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

/** Null if there is no such file. @throws StoreError */
export async function readWhole(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
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
