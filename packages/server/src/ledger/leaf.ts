/**
 * What a leaf says: canonical JSON, versioned. A leaf of an event is its kind and the event's digest, and nothing else. The digest is chained over the whole
 * session up to that event (PROTOCOL.md, "The log"), whose ids are drawn at random and whose payloads are in it as salted digests: who has the
 * event can show that it is the one; who has not learns nothing from the leaf, and of an erased payload the salt is gone (L13).
 * A leaf of the control home's audit is its kind and the entry's digest: in the entry is an id that was drawn at random, and no content.
 *
 * Like event codes, kinds and forms are for ever: another form is another version.
 */
import type { EventType } from '../log/events.ts';
import { EVENT_CODES } from '../log/codec.ts';
import { fromHex, toHex } from './base64.ts';
import { HASH_BYTES, type Sha256 } from './hash.ts';
import {
  formatNote,
  formatVerifier,
  parseNote,
  parseVerifier,
  signNote,
  signedBy,
  type Signer,
  utf8,
  type Verifier,
  type VerifyEd25519,
} from './note.ts';

export const LEAF_VERSION = 1;

/** Every kind of leaf that an event makes, and by which events. A new kind is one entry. */
export const LEAF_KINDS: { readonly [kind in EventLeafKind]: readonly EventType[] } = {
  placement: ['call.placed', 'state.placed', 'tool.placed'],
  meter: ['call.completed', 'call.failed', 'call.cancelled'],
  approval: ['approval.granted', 'approval.denied', 'approval.expired'],
};

export type EventLeafKind = 'placement' | 'meter' | 'approval';

export type Leaf =
  /** `kind`: of an event, or of an entry of the audit. */
  | { readonly kind: string; readonly digest: Uint8Array }
  /** A signed note in which the old and the new key both say that the new one follows. */
  | { readonly kind: 'key'; readonly note: string };

const KIND_BY_CODE: ReadonlyMap<number, EventLeafKind> = new Map(
  Object.entries(LEAF_KINDS).flatMap(([kind, types]) =>
    types.map(type => [EVENT_CODES[type], kind as EventLeafKind] as const),
  ),
);

/** The kind of leaf that an event makes, by its stored number; null if it makes none. */
export function leafKindOf(code: number): EventLeafKind | null {
  return KIND_BY_CODE.get(code) ?? null;
}

/** Whether it is a leaf of an event; of the others those with a digest are of the audit. */
export function isOfEvent({ kind }: Leaf): boolean {
  return Object.hasOwn(LEAF_KINDS, kind);
}

const KIND = /^[a-z][a-z0-9_]{0,31}$/;
/** Taken, or to be mistaken for what is something else. */
const OTHER_AUDIT_KINDS: ReadonlyMap<string, string> = new Map([['key', 'api_key']]);

/**
 * The kind of leaf that an entry of the audit makes: what its action says before the dot, as `activation.requested` makes an `activation`. Every entry
 * makes one, whatever kinds there will be.
 */
export function auditLeafKind(action: string): string {
  const [word = ''] = action.split('.');
  const kind = OTHER_AUDIT_KINDS.get(word) ?? word;
  return KIND.test(kind) && !Object.hasOwn(LEAF_KINDS, kind) ? kind : 'audit';
}

/** ASCII, but for the names in a key's note. */
export function encodeLeaf(leaf: Leaf): string {
  return 'note' in leaf
    ? `{"v":${LEAF_VERSION},"kind":"key","note":${JSON.stringify(leaf.note)}}`
    : `{"v":${LEAF_VERSION},"kind":"${leaf.kind}","digest":"${toHex(leaf.digest)}"}`;
}

/** The bytes of `encodeLeaf`. */
export function leafEntry(leaf: Leaf): Uint8Array {
  return utf8(encodeLeaf(leaf));
}

/** Leaves of one kind, laid down one after another in the same memory: a log takes a hundred thousand in a second. */
export interface LeafForm {
  /** What is hashed: 0x00 and the entry. */
  readonly message: Uint8Array;
  readonly entry: Uint8Array;
  /** The digest that lies in `digests` from byte `from` on. */
  lay(digests: Uint8Array, from: number): void;
}

export function leafForm(kind: string): LeafForm {
  const empty = leafEntry({ kind, digest: new Uint8Array(HASH_BYTES) });
  const message = new Uint8Array(1 + empty.length);
  message.set(empty, 1);
  const first = message.length - TAIL_BYTES - 2 * HASH_BYTES;
  return {
    message,
    entry: message.subarray(1),
    lay(digests, from) {
      let at = first;
      for (let byte = from; byte < from + HASH_BYTES; byte++) {
        const value = digests[byte] ?? 0;
        message[at] = HEX_DIGITS[value >>> 4] ?? 0;
        message[at + 1] = HEX_DIGITS[value & 15] ?? 0;
        at += 2;
      }
    },
  };
}

const HEX_DIGITS = utf8('0123456789abcdef');
/** `"}` */
const TAIL_BYTES = 2;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null unless it is exactly what `encodeLeaf` writes. */
export function decodeLeaf(entry: Uint8Array): Leaf | null {
  try {
    const text = decoder.decode(entry);
    const { kind, digest, note } = JSON.parse(text) as { readonly [field: string]: unknown };
    const leaf = kind === 'key' ? keyLeaf(note) : digestLeaf(kind, digest);
    return leaf !== null && encodeLeaf(leaf) === text ? leaf : null;
  } catch {
    return null;
  }
}

function keyLeaf(note: unknown): Leaf | null {
  return typeof note === 'string' ? { kind: 'key', note } : null;
}

function digestLeaf(kind: unknown, digest: unknown): Leaf | null {
  if (typeof kind !== 'string' || typeof digest !== 'string' || !KIND.test(kind)) return null;
  const bytes = fromHex(digest);
  return bytes?.length === HASH_BYTES ? { kind, digest: bytes } : null;
}

const KEY_CHANGE = 'perdure/ledger/key-change/v1';

export interface KeyChange {
  readonly origin: string;
  readonly from: Verifier;
  readonly to: Verifier;
}

export function makeKeyChange(sha256: Sha256, origin: string, from: Signer, to: Signer): Leaf {
  const text = `${KEY_CHANGE}\n${origin}\n${formatVerifier(sha256, from)}\n${formatVerifier(sha256, to)}\n`;
  return { kind: 'key', note: formatNote(signNote(sha256, text, [from, to])) };
}

/** Null if it is not one, or if one of the two keys has not signed it. */
export function readKeyChange(sha256: Sha256, verify: VerifyEd25519, note: string): KeyChange | null {
  const parsed = parseNote(note);
  const [header, origin = '', old = '', next = '', ...rest] = parsed?.text.split('\n') ?? [];
  const [from, to] = [parseVerifier(sha256, old), parseVerifier(sha256, next)];
  if (parsed === null || header !== KEY_CHANGE || origin === '' || rest.join('\n') !== '') return null;
  if (from?.type !== 1 || to?.type !== 1) return null;
  const both = [from, to].every(key => signedBy(sha256, verify, parsed, key) === 'valid');
  return both ? { origin, from, to } : null;
}
