/**
 * Seals compaction items for clients, and opens what they send back: `pdr1.` and, in base64url, nonce, AES-256-GCM text and tag. The tenant
 * is authenticated with it, so that another tenant's is no better than a forged one (L10).
 *
 * The nonce is a keyed digest of tenant and text: the same item is sealed into the same bytes, whenever it is read (O1), and no nonce serves
 * two texts.
 */
import { createHmac } from 'node:crypto';
import { perdureError } from '@perdure/protocol';
import type { TenantId } from '../../kernel/ids.ts';
import type { LogEvent, LoggedItem } from '../../log/events.ts';
import { textOf } from '../../log/events.ts';
import { keyFor, NONCE_BYTES, openBox, sealBox } from '../sealed-box.ts';
import { contentOf, openItem } from './open-item.ts';

/** The version is in it; another form gets another prefix. */
const PREFIX = 'pdr1.';
/** Of every version. */
const OURS = /^pdr\d+\./;
export const SEAL_KEY_BYTES = 32;

export interface Seals {
  /** Items as clients see them. Items that are no open compaction stay as they are. */
  seal(tenant: TenantId, items: readonly LoggedItem[]): readonly LoggedItem[];
  /**
   * Items as the log keeps them. A compaction of another provider stays sealed: only that provider can read it.
   * @throws invalid_encrypted_content for one of ours that was changed, or sealed for another tenant or by another server
   */
  open<Item extends { readonly type: string }>(tenant: TenantId, items: readonly Item[]): readonly Item[];
}

/** @param key `SEAL_KEY_BYTES` unpredictable bytes */
export function makeSeals(key: Uint8Array): Seals {
  const encryption = keyFor('perdure compaction encryption', key);
  const nonces = keyFor('perdure compaction nonce', key);
  const bound = (tenant: TenantId): Buffer => Buffer.from(`${PREFIX}${tenant}`, 'utf8');

  function seal(tenant: TenantId, content: readonly LoggedItem[]): string {
    const text = JSON.stringify(content);
    const nonce = createHmac('sha256', nonces)
      .update(JSON.stringify(tenant))
      .update(text)
      .digest()
      .subarray(0, NONCE_BYTES);
    const sealed = sealBox(encryption, nonce, Buffer.from(text, 'utf8'), bound(tenant));
    return `${PREFIX}${sealed.toString('base64url')}`;
  }

  function open(tenant: TenantId, sealed: string): readonly LoggedItem[] {
    const bytes = sealed.startsWith(PREFIX) ? Buffer.from(sealed.slice(PREFIX.length), 'base64url') : Buffer.alloc(0);
    const text = openBox(encryption, bytes, bound(tenant));
    if (text === null) throw unreadable();
    // Authenticated: it was written by `seal`.
    return JSON.parse(text.toString('utf8')) as readonly LoggedItem[];
  }

  return {
    seal(tenant, items) {
      if (!items.some(item => contentOf(item) !== null)) return items;
      return items.map(item => {
        const content = contentOf(item);
        if (content === null) return item;
        const { items: _open, ...rest } = item;
        return { ...rest, type: item.type, id: item.id, encrypted_content: seal(tenant, content) };
      });
    },
    open(tenant, items) {
      return items.map(item => {
        if (item.type !== 'compaction' || !('encrypted_content' in item)) return item;
        const sealed = textOf(item.encrypted_content as string);
        if (!OURS.test(sealed)) return item;
        const id = 'id' in item && typeof item.id === 'string' ? item.id : '';
        return openItem(id, open(tenant, sealed)) as unknown as typeof item;
      });
    },
  };
}

function unreadable(): Error {
  return perdureError('invalid_encrypted_content', undefined, { param: 'input' });
}

/** An event with its items as clients see them. */
export function sealEvent(seals: Seals, event: LogEvent): LogEvent {
  if (event.type !== 'context.compacted' && event.type !== 'input.accepted') return event;
  if (event.payload === null) return event;
  return { ...event, payload: { items: seals.seal(event.tenant, event.payload.items) } };
}
