import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesWith, holds } from './data-bytes.ts';

const MARK = 'Zürich "7f3a9c" \\ end';

test('a planted text is found in every form, and what is not there is not', () => {
  const around = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')]);
  const planted = [
    Buffer.from(MARK),
    Buffer.from(MARK, 'utf16le'),
    Buffer.from(JSON.stringify({ a: MARK })),
    Buffer.from(JSON.stringify(JSON.stringify({ a: MARK }))),
    Buffer.from('Z\\u00fcrich \\"7f3a9c\\" \\\\ end'),
    Buffer.from(Buffer.from(MARK).toString('hex')),
    Buffer.from(encodeURIComponent(MARK)),
    ...['', 'x', 'xy', 'xyz'].map(before => Buffer.from(Buffer.from(`${before}${MARK}?>~`).toString('base64'))),
    Buffer.from(Buffer.from(`~~${MARK}~~`).toString('base64url')),
  ];
  for (const bytes of planted) expect([bytes.toString(), holds(around(bytes), MARK)]).toEqual([bytes.toString(), true]);
  expect(holds(around(Buffer.from('Zürich 7f3a9c end')), MARK)).toBe(false);
});

test('files are named that hold it, in folders too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-bytes-'));
  try {
    writeFileSync(join(folder, 'with'), `.${JSON.stringify(MARK)}.`);
    writeFileSync(join(folder, 'without'), 'nothing');
    expect(filesWith(folder, MARK)).toEqual([join(folder, 'with')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
