/**
 * Blobs as files of a folder. A blob is there whole or not at all: it is written beside, flushed, and renamed into its place, and the folder is
 * flushed too before `put` resolves.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Blobs } from '../../engine/ports.ts';
import { storeError } from '../store-error.ts';
import { checkBlobKey } from './blob-key.ts';

let writes = 0;

/** @throws StoreError store_full, store_unavailable; StoreMisuse for a key that is none */
export function openDirectoryBlobs(folder: string): Blobs {
  return {
    async put(key, bytes) {
      const path = pathOf(folder, key);
      const beside = `${path}.${process.pid}.${++writes}.tmp`;
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFlushed(beside, bytes);
        await rename(beside, path);
        await flushFolder(dirname(path));
      } catch (error) {
        await rm(beside, { force: true }).catch(() => undefined);
        throw failure(error);
      }
    },
    async get(key) {
      const path = pathOf(folder, key);
      try {
        return await readFile(path);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw failure(error);
      }
    },
    async delete(key) {
      const path = pathOf(folder, key);
      try {
        await rm(path, { force: true });
        await flushFolder(dirname(path));
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw failure(error);
      }
    },
  };
}

/** Keys may hold `/` and differ in case only: the file's name is a digest, spread over 256 folders. */
function pathOf(folder: string, key: string): string {
  checkBlobKey(key);
  const name = createHash('sha256').update(key).digest('hex');
  return join(folder, name.slice(0, 2), name);
}

async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
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
