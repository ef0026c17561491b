import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeWholeOnce } from './whole-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-whole-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('of many at once one is first, whole, and the others are told no', async () => {
  const path = join(folder, 'new', 'file');
  const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(50_000));
  const first = await Promise.all(texts.map(text => writeWholeOnce(path, bytes(text))));
  expect(first.filter(Boolean)).toHaveLength(1);
  expect(readFileSync(path, 'utf8')).toBe(texts[first.indexOf(true)]);
  expect(await writeWholeOnce(path, bytes('later'))).toBe(false);
  expect(readdirSync(join(folder, 'new'))).toEqual(['file']);
});

test('what cannot be written leaves nothing', async () => {
  await writeWholeOnce(join(folder, 'file'), bytes('x'));
  await expect(writeWholeOnce(join(folder, 'file', 'below'), bytes('y'))).rejects.toMatchObject({
    storeError: 'store_unavailable',
  });
  expect(readdirSync(folder)).toEqual(['file']);
});
