/** Blobs as files of a folder: any key, under a name that says nothing. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Blobs } from '../../engine/ports.ts';
import { checkBlobKey } from './blob-key.ts';
import { readWhole, removeWhole, writeWhole } from './whole-file.ts';

/** @throws StoreError store_full, store_unavailable; StoreMisuse for a key that is none */
export function openDirectoryBlobs(folder: string): Blobs {
  return {
    put: async (key, bytes) => writeWhole(pathOf(folder, key), bytes),
    get: async key => readWhole(pathOf(folder, key)),
    delete: async key => removeWhole(pathOf(folder, key)),
  };
}

/** Keys may hold `/` and differ in case only: the file's name is a digest, spread over 256 folders. */
function pathOf(folder: string, key: string): string {
  checkBlobKey(key);
  const name = createHash('sha256').update(key).digest('hex');
  return join(folder, name.slice(0, 2), name);
}
