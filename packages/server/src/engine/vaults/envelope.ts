/**
 * Secrets as they lie in the store: sealed with the key of their vault, and that key wrapped with the master key. Where a secret belongs is
 * authenticated with it: one that is moved to another row, vault or tenant opens no more.
 *
 * What is sealed: version (1 byte), nonce (12), AES-256-GCM text, tag (16); in base64url. Each nonce is drawn anew, and a key seals no more
 * than its vault is changed: far from 2^32 times.
 */
import { randomBytes } from 'node:crypto';
import { NONCE_BYTES, openBox, sealBox } from '../sealed-box.ts';

const VERSION = 1;
export const VAULT_KEY_BYTES = 32;

/** @param about where it belongs, the same to open it */
export function seal(key: Uint8Array, secret: Uint8Array, about: string): string {
  const box = sealBox(key, randomBytes(NONCE_BYTES), secret, Buffer.from(about, 'utf8'));
  return Buffer.concat([Buffer.of(VERSION), box]).toString('base64url');
}

/** @throws an error that tells nothing of the secret, if anything of it was changed */
export function unseal(key: Uint8Array, sealed: string, about: string): Uint8Array {
  const bytes = Buffer.from(sealed, 'base64url');
  // Decoding overlooks what is no base64url, and the last bits: another text for the same bytes is a change too.
  if (bytes.toString('base64url') !== sealed || bytes[0] !== VERSION) throw changed();
  const secret = openBox(key, bytes.subarray(1), Buffer.from(about, 'utf8'));
  if (secret === null) throw changed();
  return secret;
}

function changed(): Error {
  return new Error('a sealed secret was changed, or belongs elsewhere: it cannot be opened');
}

export function sealJson(key: Uint8Array, value: unknown, about: string): string {
  return seal(key, Buffer.from(JSON.stringify(value), 'utf8'), about);
}

/** What `sealJson` sealed: its form was ours. */
export function unsealJson<Value>(key: Uint8Array, sealed: string, about: string): Value {
  return JSON.parse(Buffer.from(unseal(key, sealed, about)).toString('utf8')) as Value;
}

export function newVaultKey(): Uint8Array {
  return randomBytes(VAULT_KEY_BYTES);
}
