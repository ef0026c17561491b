import { expect, test } from 'vitest';
import type { TenantId } from '../../kernel/ids.ts';
import { textOf } from '../../log/events.ts';
import { expand, openItem } from './open-item.ts';
import { makeSeals, SEAL_KEY_BYTES } from './seal.ts';

const key = new Uint8Array(SEAL_KEY_BYTES).fill(7);
const acme = 'acme' as TenantId;
const content = [{ type: 'message', id: 'm', role: 'user', content: [{ type: 'input_text', text: 'Ünïcödé 🦉' }] }];
const open = openItem('cmp_1', content);

test('L12: sealed bytes are pinned: what clients hold must open with every later version', () => {
  const [sealed] = makeSeals(key).seal(acme, [open]);
  expect(sealed).toEqual({
    type: 'compaction',
    id: 'cmp_1',
    status: 'completed',
    encrypted_content: PINNED,
  });
});

test('what was sealed opens to what it was, and other items pass as they are', () => {
  const seals = makeSeals(key);
  const other = { type: 'message', id: 'x' };
  const sealed = seals.seal(acme, [other, open]);
  expect(sealed[0]).toBe(other);
  expect(seals.open(acme, sealed)).toEqual([other, open]);
  expect(expand(seals.open(acme, sealed))).toEqual([other, ...content]);
  const plain = [other];
  expect(seals.seal(acme, plain)).toBe(plain);
});

test('another key, another tenant and every changed byte are refused', () => {
  const seals = makeSeals(key);
  const [sealed] = seals.seal(acme, [open]);
  const text = textOf(sealed?.['encrypted_content']);
  const refused = (given: string, tenant = acme, by = seals): void =>
    expect(() => by.open(tenant, [{ type: 'compaction', encrypted_content: given }])).toThrow(
      expect.objectContaining({ code: 'invalid_encrypted_content', param: 'input' }) as Error,
    );
  refused(text, 'rival' as TenantId);
  refused(text, acme, makeSeals(new Uint8Array(SEAL_KEY_BYTES).fill(8)));
  const bytes = Buffer.from(text.slice('pdr1.'.length), 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    refused(`pdr1.${changed.toString('base64url')}`);
  }
  for (let length = 0; length < bytes.length; length += 7)
    refused(`pdr1.${bytes.subarray(0, length).toString('base64url')}`);
});

const PINNED =
  'pdr1.i5GjFuBmsjDeflWxuA6aDrGEKVundiEoCcLfqCQ5H0Y4Y9gJo47HQUmtStTuLyRXP3Hh1kJRe1EkA8Wr4-mFNobzqBnFOI1ix1hDTr5FrKzXz2XF7jPvPn0782btiOFLuRx1rkqG3eKO1zdx0dEQQ4a6T0A3niHeoA_qOpFui2vt3O4';
