import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPathBlobs, readPathBlobs } from './path-blobs.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-laid-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const bytesOf = (number: number): Uint8Array => new Uint8Array(number * 10).fill(number);

test('what was laid is there once it is durable, in folders of its own, in any number', async () => {
  const batch = openPathBlobs(dir).batch();
  for (let number = 0; number < 50; number++) await batch.lay(`tile/${number % 3}/${number}`, bytesOf(number));
  await batch.durable();
  for (let number = 0; number < 50; number++)
    expect(new Uint8Array(readFileSync(join(dir, `tile/${number % 3}/${number}`)))).toEqual(bytesOf(number));
});

test('a file that a dead process left there is replaced, also by a shorter one', async () => {
  writeFileSync(join(dir, 'a'), 'a longer text than comes');
  const batch = openPathBlobs(dir).batch();
  await batch.lay('a', bytesOf(1));
  await batch.durable();
  expect(new Uint8Array((await readPathBlobs(dir).get('a')) ?? [])).toEqual(bytesOf(1));
  expect(await readPathBlobs(dir).get('b')).toBeNull();
});

test('what cannot be laid fails the batch, and nothing is under way once it has ended', async () => {
  mkdirSync(join(dir, 'taken'));
  const batch = openPathBlobs(dir).batch();
  await batch.lay('fine', bytesOf(1));
  await batch.lay('taken', bytesOf(2)).catch(() => undefined);
  await expect(batch.durable()).rejects.toMatchObject({ storeError: 'store_unavailable' });
  await expect(batch.lay('more', bytesOf(3))).rejects.toMatchObject({ storeError: 'store_unavailable' });
  await batch.ended();
  await expect(openPathBlobs(dir).batch().lay('../x', bytesOf(1))).rejects.toThrow('no path of a blob');
});
