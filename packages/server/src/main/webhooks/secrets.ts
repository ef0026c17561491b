/** Secrets of webhooks: made here, sealed at rest with a key of the data folder, bound to their tenant and webhook (L9, L10). */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SECRET_BYTES = 32;
const HINT_CHARS = 4;

export interface SecretBox {
  seal(owner: string, secret: string): string;
  /** Null if it was sealed for another, with another key, or was changed. */
  open(owner: string, sealed: string): string | null;
}

/** @param key that of the data folder */
export function secretBox(key: Uint8Array): SecretBox {
  const own = Buffer.from(hkdfSync('sha256', key, '', 'perdure webhook secret', 32));
  return {
    seal(owner, secret) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, own, nonce).setAAD(Buffer.from(owner));
      const bytes = [nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat(bytes).toString('base64url');
    },
    open(owner, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length <= NONCE_BYTES + TAG_BYTES) return null;
      const end = bytes.length - TAG_BYTES;
      try {
        const decipher = createDecipheriv(CIPHER, own, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(end));
        const text = [decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()];
        return Buffer.concat(text).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}

/** As Standard Webhooks writes them. */
export function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** By which people know it. */
export function hintOf(secret: string): string {
  return `...${secret.slice(-HINT_CHARS)}`;
}
