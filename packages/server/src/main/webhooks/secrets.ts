/** Secrets of webhooks: made here, sealed at rest with a key of the data folder, bound to their tenant and webhook (L9, L10). */
import { randomBytes } from 'node:crypto';
import { keyFor, NONCE_BYTES, openBox, sealBox } from '../../engine/sealed-box.ts';

const SECRET_BYTES = 32;
const HINT_CHARS = 4;

export interface SecretBox {
  seal(owner: string, secret: string): string;
  /** Null if it was sealed for another, with another key, or was changed. */
  open(owner: string, sealed: string): string | null;
}

/** @param key that of the data folder */
export function secretBox(key: Uint8Array): SecretBox {
  const own = keyFor('perdure webhook secret', key);
  return {
    seal: (owner, secret) =>
      sealBox(own, randomBytes(NONCE_BYTES), Buffer.from(secret, 'utf8'), Buffer.from(owner)).toString('base64url'),
    open: (owner, sealed) =>
      openBox(own, Buffer.from(sealed, 'base64url'), Buffer.from(owner))?.toString('utf8') ?? null,
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
