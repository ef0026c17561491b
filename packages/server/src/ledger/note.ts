/** Signed notes (c2sp.org/signed-note) with Ed25519 keys, and the text form of those keys. */
import { fromBase64, toBase64, toHex } from './base64.ts';
import type { Sha256 } from './hash.ts';

/** What a key signs: the note's text (1), or a cosignature with its time (4). */
export type SignatureType = 1 | 4;

export interface Verifier {
  readonly name: string;
  readonly type: SignatureType;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface Signer extends Verifier {
  readonly type: 1;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

export interface NoteSignature {
  readonly name: string;
  /** Four bytes, hexadecimal. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

export interface Note {
  /** With its last line break. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Characters of a note, and signatures on it. */
export const MAX_NOTE_CHARS = 65_536;
export const MAX_NOTE_SIGNATURES = 64;
const ED25519_KEY_BYTES = 32;
export const ED25519_SIGNATURE_BYTES = 64;

const NAME = /^[^\s+\p{Z}\p{Cc}]{1,255}$/u;
const LINE = /^\u2014 (\S+) (\S+)$/u;
// oxlint-disable-next-line no-control-regex -- the format forbids them
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const encoder = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

export function isKeyName(name: string): boolean {
  return NAME.test(name);
}

/** The first four bytes of SHA-256(name, line break, type, key), hexadecimal. */
export function keyIdOf(sha256: Sha256, { name, type, publicKey }: Verifier): string {
  return toHex(sha256(`${name}\n`, Uint8Array.of(type), publicKey).slice(0, 4));
}

/** `name+id+key`: what one tells others of a key. */
export function formatVerifier(sha256: Sha256, verifier: Verifier): string {
  const { name, type, publicKey } = verifier;
  return `${name}+${keyIdOf(sha256, verifier)}+${toBase64(Uint8Array.of(type, ...publicKey))}`;
}

/** Null if it is none, or if its id is not its key's. */
export function parseVerifier(sha256: Sha256, text: string): Verifier | null {
  const [, name, id, key] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const bytes = fromBase64(key ?? '');
  const type = bytes?.[0];
  if (name === undefined || !isKeyName(name) || bytes?.length !== ED25519_KEY_BYTES + 1) return null;
  if (type !== 1 && type !== 4) return null;
  const verifier: Verifier = { name, type, publicKey: bytes.slice(1) };
  return keyIdOf(sha256, verifier) === id ? verifier : null;
}

export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  const id = keyId.match(/../g)?.map(byte => Number.parseInt(byte, 16)) ?? [];
  return `\u2014 ${name} ${toBase64(Uint8Array.of(...id, ...signature))}\n`;
}

export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`;
}

export function signNote(sha256: Sha256, text: string, signers: readonly Signer[]): Note {
  const message = utf8(text);
  const signatures = signers.map(signer => ({
    name: signer.name,
    keyId: keyIdOf(sha256, signer),
    signature: signer.sign(message),
  }));
  return { text, signatures };
}

/** Null if it is not one in its one right form. Says nothing about its signatures. */
export function parseNote(note: string): Note | null {
  if (note.length > MAX_NOTE_CHARS || CONTROL.test(note)) return null;
  const at = note.lastIndexOf('\n\n');
  if (at < 1 || !note.endsWith('\n')) return null;
  const lines = note.slice(at + 2, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) return null;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, encoded] = LINE.exec(line) ?? [];
    const bytes = fromBase64(encoded ?? '');
    if (name === undefined || !isKeyName(name) || bytes === null || bytes.length < 5) return null;
    signatures.push({ name, keyId: toHex(bytes.subarray(0, 4)), signature: bytes.slice(4) });
  }
  return { text: note.slice(0, at + 1), signatures };
}

/** `absent`: this key has not signed it. `bad`: it says so, and has not: the note is to be refused whole. */
export function signedBy(
  sha256: Sha256,
  verify: VerifyEd25519,
  note: Note,
  verifier: Verifier,
): 'valid' | 'bad' | 'absent' {
  const keyId = keyIdOf(sha256, verifier);
  const own = note.signatures.filter(one => one.name === verifier.name && one.keyId === keyId);
  if (own.length === 0) return 'absent';
  const holds = own.every(({ signature }) => signatureHolds(verify, note.text, verifier, signature));
  return holds ? 'valid' : 'bad';
}

const TIME_BYTES = 8;

function signatureHolds(verify: VerifyEd25519, text: string, verifier: Verifier, signature: Uint8Array): boolean {
  if (verifier.type === 1)
    return signature.length === ED25519_SIGNATURE_BYTES && verify(verifier.publicKey, utf8(text), signature);
  const time = cosignedAt(signature);
  if (time === null) return false;
  return verify(verifier.publicKey, cosignedMessage(text, time), signature.subarray(TIME_BYTES));
}

/** What a witness signs (c2sp.org/tlog-cosignature): that it saw this checkpoint, at this time, in s since 1970. */
export function cosignedMessage(text: string, time: bigint): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`);
}

/** The time within a cosignature; null if it is none. */
export function cosignedAt(signature: Uint8Array): bigint | null {
  if (signature.length !== TIME_BYTES + ED25519_SIGNATURE_BYTES) return null;
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  return time < 2n ** 63n ? time : null;
}

/** A witness's signature with its time before it. */
export function cosignature(time: bigint, signature: Uint8Array): Uint8Array {
  const whole = new Uint8Array(TIME_BYTES + signature.length);
  new DataView(whole.buffer).setBigUint64(0, time);
  whole.set(signature, TIME_BYTES);
  return whole;
}
