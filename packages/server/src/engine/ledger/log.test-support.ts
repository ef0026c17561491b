/** Logs in memory: events to seal, keys, and blobs that die. */
import { createPrivateKey, createPublicKey, sign, verify as verifyNode } from 'node:crypto';
import { EVENT_CODES } from '../../log/codec.ts';
import type { Signer, VerifyEd25519 } from '../../ledger/note.ts';
import { sha256 } from '../../main/digest.ts';
import { openMemoryBlobs } from '../../store/blobs/memory-blobs.ts';
import { auditLeafKind, leafKindOf } from '../../ledger/leaf.ts';
import type { LeafSource, LeafSources, LogFiles } from './ports.ts';
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

/** The same few thousand again and again. */
const digests = new Map<string, Uint8Array>();

function digestOf(text: string): Uint8Array {
  const digest = digests.get(text) ?? sha256(text);
  digests.set(text, digest);
  return digest;
}

/** Event `position` of a home: every third has no leaf. Positions have gaps. */
export function eventAt(number: number): { position: number; code: number; digest: Uint8Array } {
  return { position: number * 2 + 1, code: CODES[number % 3] ?? 0, digest: digestOf(`event ${number}`) };
}

const AUDITED = ['activation.requested', 'key.created', 'waiver.granted', 'brand-new.kind'];

/** Entry `number` of a home's audit; a kind is among them that nobody knows yet. */
export function auditAt(number: number): { position: number; action: string; digest: Uint8Array } {
  return { position: number * 3 + 2, action: AUDITED[number % 4] ?? '', digest: digestOf(`audit ${number}`) };
}

/** A home with so many events and so many entries of its audit; more may come. */
export interface TestHome {
  events: number;
  audit?: number;
}

interface Row {
  readonly position: number;
  readonly kind: string | null;
  readonly digest: Uint8Array;
}

export function sourcesOf(home: TestHome): LeafSources {
  const event = (number: number): Row => ({ ...eventAt(number), kind: leafKindOf(eventAt(number).code) });
  const entry = (number: number): Row => ({ ...auditAt(number), kind: auditLeafKind(auditAt(number).action) });
  return { events: rows(event, () => home.events), audit: rows(entry, () => home.audit ?? 0) };
}

function rows(rowAt: (number: number) => Row, count: () => number): LeafSource {
  const made: Row[] = [];
  const all = (): readonly Row[] => {
    while (made.length < count()) made.push(rowAt(made.length));
    return made.slice(0, count());
  };
  return {
    async after(position, limit) {
      const found = all()
        .filter(row => row.position > position)
        .slice(0, limit);
      return {
        positions: Float64Array.from(found, row => row.position),
        kinds: found.map(row => row.kind),
        digests: Buffer.concat(found.map(row => row.digest)),
      };
    },
    async at(position) {
      const row = all().find(one => one.position === position);
      return row === undefined || row.kind === null ? null : { kind: row.kind, digest: row.digest };
    },
  };
}

/** How many of the first `events` events have a leaf. */
export function leavesOf(events: number): number {
  return Math.floor(events / 3) * 2 + Math.max(0, (events % 3) - 1);
}

export function sealerOver(files: LogFiles, home: TestHome, over: Partial<SealerParts> = {}): Sealer {
  return new Sealer({
    files,
    sources: sourcesOf(home),
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

export interface Kept extends LogFiles {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Blobs whose content can be looked at. */
export function keptBlobs(): Kept {
  const blobs = openMemoryBlobs();
  const files = new Map<string, Uint8Array>();
  const put = async (key: string, bytes: Uint8Array): Promise<void> => {
    await blobs.put(key, bytes);
    files.set(key, bytes.slice());
  };
  return {
    files,
    get: key => blobs.get(key),
    put,
    async delete(key) {
      await blobs.delete(key);
      files.delete(key);
    },
    batch: () => ({ lay: put, durable: async () => undefined, ended: async () => undefined }),
  };
}

export class Died extends Error {}

/**
 * Dies at change number `at`: before it, or just after it; `torn`: a file of a batch is there in part by then, and what else was laid
 * since the batch was durable last is gone. Nothing is changed afterwards.
 */
export function dyingBlobs(blobs: LogFiles, at: number, when: 'before' | 'after' | 'torn'): LogFiles {
  let changes = 0;
  const change = async (work: () => Promise<void>, tear = work): Promise<void> => {
    changes += 1;
    const own = changes;
    if (own > at || (own === at && when === 'before')) throw new Died();
    await (own === at && when === 'torn' ? tear() : work());
    if (own === at) throw new Died();
  };
  return {
    get: key => blobs.get(key),
    put: (key, bytes) => change(() => blobs.put(key, bytes)),
    delete: key => change(() => blobs.delete(key)),
    batch() {
      let laid: string[] = [];
      return {
        lay: (key, bytes) =>
          change(
            async () => {
              await blobs.put(key, bytes);
              laid.push(key);
            },
            async () => {
              for (const lost of laid) await blobs.delete(lost);
              await blobs.put(key, bytes.slice(0, bytes.length / 2));
            },
          ),
        async durable() {
          laid = [];
        },
        ended: async () => undefined,
      };
    },
  };
}
