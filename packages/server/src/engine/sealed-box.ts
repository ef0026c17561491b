/** What lies sealed: nonce, AES-256-GCM text and tag, one after another. What it is bound to is authenticated with it, and needed to open it. */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A key for one use, of a key that serves many. */
export function keyFor(use: string, key: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', use, KEY_BYTES));
}

/** @param nonce `NONCE_BYTES` that no other text is sealed with under this key */
export function sealBox(key: Uint8Array, nonce: Uint8Array, text: Uint8Array, bound: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound);
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

/** Null if it was changed, or sealed with another key or bound to something else. */
export function openBox(key: Uint8Array, box: Uint8Array, bound: Uint8Array): Buffer | null {
  const end = box.length - TAG_BYTES;
  if (end < NONCE_BYTES) return null;
  try {
    const nonce = box.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(bound).setAuthTag(box.subarray(end));
    return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, end)), decipher.final()]);
  } catch {
    return null;
  }
}
