import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SEAL_KEY_BYTES } from '../engine/compaction/seal.ts';
import { openSealKey } from './seal-key.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'perdure-seal-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test('the key is made once, for its owner only, and is the same ever after', () => {
  const data = folder();
  const key = openSealKey(data);
  expect(key).toHaveLength(SEAL_KEY_BYTES);
  expect(statSync(join(data, 'seal.key')).mode & 0o777).toBe(0o600);
  expect(openSealKey(data)).toEqual(key);
  expect(openSealKey(folder())).not.toEqual(key);
});

test('L9: a key that cannot be read is told by its file, never by what is in it', () => {
  const data = folder();
  openSealKey(data);
  const file = join(data, 'seal.key');
  const half = readFileSync(file, 'utf8').slice(0, 32);
  writeFileSync(file, half);
  expect(() => openSealKey(data)).toThrow(file);
  expect(() => openSealKey(data)).not.toThrow(half);
});
