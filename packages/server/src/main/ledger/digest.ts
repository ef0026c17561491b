/**
 * The SHA-256 of the thread that seals. A digest that comes as a text and is laid into node's pool costs less than half of one in memory of its own;
 * elsewhere that would be no gain: what is posted to another thread takes the whole pool along.
 */
import { hash } from 'node:crypto';
import type { Sha256 } from '../../engine/ports.ts';
import { sha256 as sha256OfAny } from '../digest.ts';

const ROOM = 1024;
const room = Buffer.alloc(ROOM);

export const sealingSha256: Sha256 = (...parts) => {
  let size = 0;
  for (const part of parts) {
    if (typeof part === 'string' || size + part.length > ROOM) return sha256OfAny(...parts);
    room.set(part, size);
    size += part.length;
  }
  return Buffer.from(hash('sha256', room.subarray(0, size), 'binary'), 'latin1');
};
