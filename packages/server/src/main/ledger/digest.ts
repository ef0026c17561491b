/**
 * The SHA-256 of the thread that seals. A digest that comes as a text and is laid into node's pool costs less than half of one in memory of its own;
 * elsewhere that would be no gain: what is posted to another thread takes the whole pool along.
 */
import { hash } from 'node:crypto';
import type { Sha256 } from '../../engine/ports.ts';
import type { HashInto } from '../../ledger/hash.ts';
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

/** Nothing is allocated but the text that the digest comes as. */
export const sealingHash: HashInto = (message, into, at) => {
  let buffer = buffers.get(into);
  if (buffer === undefined) {
    buffer = Buffer.from(into.buffer, into.byteOffset, into.length);
    buffers.set(into, buffer);
  }
  buffer.write(hash('sha256', message, 'binary'), at, 'binary');
};

/** What is laid into is the same few arrays again and again. */
const buffers = new WeakMap<Uint8Array, Buffer>();
