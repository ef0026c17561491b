/**
 * Keeps the target of an automation, with the credentials and commands in it, sealed: nonce, AES-256-GCM text and tag in base64url. Tenant and
 * automation are authenticated with it (L9, L10).
 */
import { randomBytes } from 'node:crypto';
import type { JsonObject } from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import { keyFor, NONCE_BYTES, openBox, sealBox } from '../sealed-box.ts';

export interface TargetSeal {
  seal(tenant: TenantId, automation: string, target: JsonObject): string;
  /** Null if it was not sealed here for this automation. */
  open(tenant: TenantId, automation: string, sealed: string): JsonObject | null;
}

/** @param key unpredictable bytes that outlive the process */
export function makeTargetSeal(key: Uint8Array): TargetSeal {
  const own = keyFor('perdure automation target', key);
  const bound = (tenant: TenantId, automation: string): Buffer => Buffer.from(JSON.stringify([tenant, automation]));
  return {
    seal(tenant, automation, target) {
      const text = Buffer.from(JSON.stringify(target), 'utf8');
      return sealBox(own, randomBytes(NONCE_BYTES), text, bound(tenant, automation)).toString('base64url');
    },
    open(tenant, automation, sealed) {
      const text = openBox(own, Buffer.from(sealed, 'base64url'), bound(tenant, automation));
      // Authenticated: it was written by `seal`.
      return text === null ? null : (JSON.parse(text.toString('utf8')) as JsonObject);
    },
  };
}
