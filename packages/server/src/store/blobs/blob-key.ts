/** Keys of blobs. */
import { StoreMisuse } from '../store-error.ts';

/** UTF-16 units of a key. */
export const MAX_BLOB_KEY = 512;

/** @throws StoreMisuse */
export function checkBlobKey(key: string): void {
  if (key.length === 0 || key.length > MAX_BLOB_KEY)
    throw new StoreMisuse(`a blob's key has 1 to ${MAX_BLOB_KEY} characters, not ${key.length}`);
}
