import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sealingSha256 } from './digest.ts';

test('it is SHA-256, whatever the parts and their lengths', () => {
  for (const length of [0, 1, 32, 65, 1023, 1024, 1025, 5000]) {
    const bytes = new Uint8Array(length).map((_, at) => at * 31);
    const expected = createHash('sha256').update(bytes).digest('hex');
    for (const cut of [0, 1, length])
      expect(Buffer.from(sealingSha256(bytes.subarray(0, cut), bytes.subarray(cut))).toString('hex')).toBe(expected);
  }
  expect(Buffer.from(sealingSha256('\u00e9', Uint8Array.of(0))).toString('hex')).toBe(
    createHash('sha256').update('\u00e9\u0000').digest('hex'),
  );
});
