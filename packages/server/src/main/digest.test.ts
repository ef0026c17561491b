import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha256, TOGETHER_BYTES } from './digest.ts';

const plain = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};
const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');

test('is SHA-256 of the parts one after another, however long and in whatever script', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
  for (const length of [0, 1, TOGETHER_BYTES / 3 - 11, TOGETHER_BYTES / 3, TOGETHER_BYTES, 3 * TOGETHER_BYTES]) {
    for (const letter of ['a', 'é', '状', '\u{1f600}', '\ud800']) {
      const text = letter.repeat(length);
      expect(hex(sha256(bytes, text))).toBe(plain(bytes, text));
      expect(hex(sha256(text, bytes, 'x'))).toBe(plain(text, bytes, 'x'));
    }
  }
});

test('what it gave stays as it is when the next is made', () => {
  const first = sha256('a');
  sha256('b');
  expect(hex(first)).toBe(plain('a'));
});
