/** The server's SHA-256. */
import { createHash, hash as oneShot } from 'node:crypto';
import type { Sha256 } from '../engine/ports.ts';

/** Above this, parts are digested one after another. */
export const TOGETHER_BYTES = 16_384;
/** What is digested is short, mostly: then its parts are laid here one after another, and nothing is allocated but the digest. */
const together = Buffer.alloc(TOGETHER_BYTES);
/** Bytes that one UTF-16 unit can take in UTF-8. */
const MOST_BYTES_A_UNIT = 3;

export const sha256: Sha256 = (...parts) => {
  let bound = 0;
  for (const part of parts) bound += typeof part === 'string' ? part.length * MOST_BYTES_A_UNIT : part.length;
  if (bound > together.length) {
    const digest = createHash('sha256');
    for (const part of parts) digest.update(part);
    return digest.digest();
  }
  let size = 0;
  for (const part of parts) {
    if (typeof part === 'string') {
      size += together.write(part, size);
    } else {
      together.set(part, size);
      size += part.length;
    }
  }
  return oneShot('sha256', together.subarray(0, size), 'buffer');
};
