/**
 * Keys that sign requests (AWS Signature Version 4). To check a signature the server needs the secret itself, so it is kept, sealed with
 * AES-256-GCM under a key derived from the one in the data folder: whoever has the store alone cannot sign.
 */
import { keyFor, NONCE_BYTES, openBox, sealBox } from '../../engine/sealed-box.ts';
import type { Caller } from '../../engine/caller.ts';
import type { FillRandom } from './secret.ts';

export interface SigningKey {
  readonly caller: Caller;
  /** For checking signatures only (L9). */
  readonly secret: string;
}

/** What a sealed secret belongs to: put into another row, it does not open. */
export interface SealedFor {
  readonly id: string;
  readonly tenant: string;
  readonly accessKeyId: string;
}

/** As long as an id of AWS, and never one of theirs: those begin with AKIA or ASIA. */
const ID_PREFIX = 'PDRA';
const ID_CHARS = 16;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** 40 characters in base64url. */
const SECRET_BYTES = 30;

export function drawSigningKey(random: FillRandom): { readonly accessKeyId: string; readonly secret: string } {
  const id = Array.from(random(new Uint8Array(ID_CHARS)), byte => ALPHABET.charAt(byte & 31)).join('');
  const secret = Buffer.from(random(new Uint8Array(SECRET_BYTES))).toString('base64url');
  return { accessKeyId: ID_PREFIX + id, secret };
}

/** In the place of the hash of a bearer key: no text is known that has it. */
export function noHash(random: FillRandom): string {
  return Buffer.from(random(new Uint8Array(32))).toString('hex');
}

/** The version is in it. */
const FORM = 'pdk1.';

function cipherKey(sealKey: Uint8Array): Buffer {
  return keyFor('perdure signing keys', sealKey);
}

function boundTo({ id, tenant, accessKeyId }: SealedFor): Buffer {
  return Buffer.from(JSON.stringify([FORM, id, tenant, accessKeyId]), 'utf8');
}

export function sealSecret(sealKey: Uint8Array, of: SealedFor, secret: string, random: FillRandom): string {
  const text = Buffer.from(secret, 'utf8');
  const box = sealBox(cipherKey(sealKey), random(new Uint8Array(NONCE_BYTES)), text, boundTo(of));
  return FORM + box.toString('base64url');
}

/** @throws an error that names the key, never what is in it */
export function openSecret(sealKey: Uint8Array, of: SealedFor, sealed: string): string {
  const ours = sealed.startsWith(FORM);
  const box = Buffer.from(ours ? sealed.slice(FORM.length) : '', 'base64url');
  const secret = openBox(cipherKey(sealKey), box, boundTo(of));
  if (secret === null)
    throw new Error(
      `the secret of ${of.id} (${of.accessKeyId}) does not open: is seal.key of the data folder the one that it was made with?`,
    );
  return secret.toString('utf8');
}
