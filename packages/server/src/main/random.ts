/** The server's chance. */
import { randomBytes } from 'node:crypto';

/** Unpredictable bytes, cut from a pool: one draw serves many. Nothing cut is given twice. */
const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);

export function fillRandom(into: Uint8Array): Uint8Array {
  if (pool.length < into.length) pool = randomBytes(Math.max(POOL_BYTES, into.length));
  into.set(pool.subarray(0, into.length));
  pool = pool.subarray(into.length);
  return into;
}
