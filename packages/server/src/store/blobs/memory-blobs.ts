/** Blobs in memory, for tests. */
import type { Blobs } from '../../engine/ports.ts';
import { checkBlobKey } from './blob-key.ts';

export function openMemoryBlobs(): Blobs {
  const blobs = new Map<string, Uint8Array>();
  return {
    async put(key, bytes) {
      checkBlobKey(key);
      blobs.set(key, bytes.slice());
    },
    async get(key) {
      checkBlobKey(key);
      return blobs.get(key)?.slice() ?? null;
    },
    async delete(key) {
      checkBlobKey(key);
      blobs.delete(key);
    },
  };
}
