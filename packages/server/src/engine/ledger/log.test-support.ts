/** Logs in memory: events to seal, keys, and blobs that die. */
import { createPrivateKey, createPublicKey, sign, verify as verifyNode } from 'node:crypto';
import { EVENT_CODES } from '../../log/codec.ts';
import type { Signer, VerifyEd25519 } from '../../ledger/note.ts';
import { sha256 } from '../../main/digest.ts';
import { openMemoryBlobs } from '../../store/blobs/memory-blobs.ts';
import type { Blobs } from '../ports.ts';
import type { LedgerSource, SourceEvent } from './ports.ts';
import { Sealer, type SealerParts } from './sealer.ts';

export const ORIGIN = 'perdure/test';
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) =>
  verifyNode(
    null,
    message,
    createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' }),
    signature,
  );

export function testSigner(seed: number, name: string = ORIGIN): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, Buffer.alloc(32, seed)]), format: 'der', type: 'pkcs8' });
  const publicKey = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length));
  return { name, type: 1, publicKey, sign: message => new Uint8Array(sign(null, message, key)) };
}

const CODES = [EVENT_CODES['input.accepted'], EVENT_CODES['call.placed'], EVENT_CODES['call.completed']];

/** Event `position` of a home: every third has no leaf. Positions have gaps. */
export function eventAt(number: number): SourceEvent {
  return { position: number * 2 + 1, code: CODES[number % 3] ?? 0, digest: sha256(`event ${number}`) };
}

/** A home with so many events; more may come. */
export function sourceOf(home: { events: number }): LedgerSource {
  return {
    async after(position, limit) {
      const from = position === 0 ? 0 : (position - 1) / 2 + 1;
      const to = Math.min(home.events, from + limit);
      return Array.from({ length: Math.max(0, to - from) }, (_, at) => eventAt(from + at));
    },
    async at(position) {
      const number = (position - 1) / 2;
      return number < home.events ? eventAt(number) : null;
    },
  };
}

/** How many of the first `events` events have a leaf. */
export function leavesOf(events: number): number {
  return Math.floor(events / 3) * 2 + Math.max(0, (events % 3) - 1);
}

export function sealerOver(blobs: Blobs, home: { events: number }, over: Partial<SealerParts> = {}): Sealer {
  return new Sealer({
    blobs,
    source: sourceOf(home),
    sha256,
    verify: verifyEd25519,
    signer: testSigner(1),
    batch: 500,
    ...over,
  });
}

export async function sealAll(sealer: Sealer): Promise<void> {
  while ((await sealer.seal()).more);
}

export interface Kept extends Blobs {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Blobs whose content can be looked at. */
export function keptBlobs(): Kept {
  const blobs = openMemoryBlobs();
  const files = new Map<string, Uint8Array>();
  return {
    files,
    get: key => blobs.get(key),
    async put(key, bytes) {
      await blobs.put(key, bytes);
      files.set(key, bytes.slice());
    },
    async delete(key) {
      await blobs.delete(key);
      files.delete(key);
    },
  };
}

export class Died extends Error {}

/** Dies at change number `at`: before it, or just after it. Nothing is changed afterwards. */
export function dyingBlobs(blobs: Blobs, at: number, when: 'before' | 'after'): Blobs {
  let changes = 0;
  const change = async (work: () => Promise<void>): Promise<void> => {
    changes += 1;
    const own = changes;
    if (own > at || (own === at && when === 'before')) throw new Died();
    await work();
    if (own === at) throw new Died();
  };
  return {
    get: key => blobs.get(key),
    put: (key, bytes) => change(() => blobs.put(key, bytes)),
    delete: key => change(() => blobs.delete(key)),
  };
}
