/**
 * Keeps the target of an automation, with the credentials and commands in it, sealed: nonce, AES-256-GCM text and tag in base64url. Tenant and
 * automation are authenticated with it (L9, L10).
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { JsonObject } from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface TargetSeal {
  seal(tenant: TenantId, automation: string, target: JsonObject): string;
  /** Null if it was not sealed here for this automation. */
  open(tenant: TenantId, automation: string, sealed: string): JsonObject | null;
}

/** @param key unpredictable bytes that outlive the process */
export function makeTargetSeal(key: Uint8Array): TargetSeal {
  const encryption = Buffer.from(hkdfSync('sha256', key, '', 'perdure automation target', 32));
  const bound = (tenant: TenantId, automation: string): Buffer => Buffer.from(JSON.stringify([tenant, automation]));
  return {
    seal(tenant, automation, target) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, encryption, nonce).setAAD(bound(tenant, automation));
      const text = Buffer.concat([cipher.update(JSON.stringify(target), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url');
    },
    open(tenant, automation, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length <= NONCE_BYTES + TAG_BYTES) return null;
      const end = bytes.length - TAG_BYTES;
      try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const decipher = createDecipheriv(CIPHER, encryption, nonce, { authTagLength: TAG_BYTES });
        decipher.setAAD(bound(tenant, automation)).setAuthTag(bytes.subarray(end));
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]);
        // Authenticated: it was written by `seal`.
        return JSON.parse(text.toString('utf8')) as JsonObject;
      } catch {
        return null;
      }
    },
  };
}
