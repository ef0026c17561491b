/** The form of a key: `pdr_` and 32 base-32 characters (160 bits). Kept as SHA-256 only: what is random needs no slow hash. */
import { createHash } from 'node:crypto';
import { base32 } from '../../kernel/ids.ts';

const PREFIX = 'pdr_';
export const SECRET_CHARS = 32;
/** Enough to know a key by, and far too little to guess the rest: 25 of its 160 bits. */
const SHOWN_CHARS = 5;
/** Longer ones are not looked at: no key of ours, nor of a configuration file, is. */
export const MAX_SECRET_CHARS = 256;

export type FillRandom = (into: Uint8Array) => Uint8Array;

export function drawSecret(random: FillRandom): string {
  const bytes = random(new Uint8Array(SECRET_CHARS));
  return PREFIX + Array.from(bytes, byte => base32(byte & 31, 1)).join('');
}

/** Lower-case hexadecimal. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** What may be shown of it. */
export function shownPrefix(secret: string): string {
  return secret.slice(0, PREFIX.length + SHOWN_CHARS);
}
