/** One suite for every implementation of the `Blobs` port. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Blobs } from '../../engine/ports.ts';
import { MAX_BLOB_KEY } from './blob-key.ts';
import { openDirectoryBlobs } from './directory-blobs.ts';
import { openMemoryBlobs } from './memory-blobs.ts';
import { openPathBlobs } from './path-blobs.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perdure-blobs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (found: Uint8Array | null): string | null => (found === null ? null : new TextDecoder().decode(found));

describe.each<[string, () => Blobs]>([
  ['memory', openMemoryBlobs],
  ['directory', () => openDirectoryBlobs(folder)],
])('%s', (_, make) => {
  test('what was put is got, whole; what was not is null', async () => {
    const blobs = make();
    await blobs.put('a/b', bytes('one'));
    expect(text(await blobs.get('a/b'))).toBe('one');
    expect(await blobs.get('a/c')).toBeNull();
  });

  test('a second put replaces the first; a delete ends it, and may be said twice', async () => {
    const blobs = make();
    await blobs.put('k', bytes('first, and longer'));
    await blobs.put('k', bytes('second'));
    expect(text(await blobs.get('k'))).toBe('second');
    await blobs.delete('k');
    await blobs.delete('k');
    expect(await blobs.get('k')).toBeNull();
  });

  test('keys that differ only in case, or look like paths, are different and stay inside', async () => {
    const blobs = make();
    for (const key of ['Key', 'key', '../key', '/key', 'key/']) await blobs.put(key, bytes(key));
    for (const key of ['Key', 'key', '../key', '/key', 'key/']) expect(text(await blobs.get(key))).toBe(key);
  });

  test('bytes handed in or out are copies', async () => {
    const blobs = make();
    const given = bytes('stays');
    await blobs.put('k', given);
    given.fill(0);
    (await blobs.get('k'))?.fill(0);
    expect(text(await blobs.get('k'))).toBe('stays');
  });

  test('puts of one key at once leave one of them, whole', async () => {
    const blobs = make();
    const values = Array.from({ length: 8 }, (_value, index) => String(index).repeat(10_000));
    await Promise.all(values.map(value => blobs.put('k', bytes(value))));
    expect(values).toContain(text(await blobs.get('k')));
  });

  test('a key has 1 to 512 characters', async () => {
    const blobs = make();
    await blobs.put('k'.repeat(MAX_BLOB_KEY), bytes('x'));
    expect(text(await blobs.get('k'.repeat(MAX_BLOB_KEY)))).toBe('x');
    await expect(blobs.put('', bytes('x'))).rejects.toThrow('1 to 512');
    await expect(blobs.get('k'.repeat(MAX_BLOB_KEY + 1))).rejects.toThrow('1 to 512');
  });
});

test('a folder keeps its blobs for the next process, and nothing half written', async () => {
  await openDirectoryBlobs(folder).put('k', bytes('kept'));
  expect(text(await openDirectoryBlobs(folder).get('k'))).toBe('kept');
  const names = await readdir(folder, { recursive: true });
  expect(names.filter(name => name.endsWith('.tmp'))).toEqual([]);
});

test('a folder that cannot be written fails with a store error', async () => {
  const blobs = openDirectoryBlobs('/dev/null/no-folder');
  await expect(blobs.put('k', bytes('x'))).rejects.toMatchObject({ storeError: 'store_unavailable' });
});

describe('blobs whose keys are paths', () => {
  test('lie where their keys say, whole, and nowhere else', async () => {
    const blobs = openPathBlobs(folder);
    await blobs.put('tile/0/x001/234.p/7', bytes('seven'));
    await blobs.put('checkpoint', bytes('first, and longer'));
    await blobs.put('checkpoint', bytes('second'));
    expect(await readFile(join(folder, 'tile/0/x001/234.p/7'), 'utf8')).toBe('seven');
    expect(text(await blobs.get('checkpoint'))).toBe('second');
    expect(await blobs.get('tile/0/x001/235')).toBeNull();
    await blobs.delete('checkpoint');
    await blobs.delete('checkpoint');
    await blobs.delete('no/such');
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(one => one.isFile());
    expect(files.map(({ name }) => name)).toEqual(['7']);
  });

  test('take no key that leads elsewhere or means something else on another system', async () => {
    const blobs = openPathBlobs(folder);
    for (const key of ['../x', '/x', 'x/', 'a//b', 'a/../b', 'a..b', 'A', 'a\\b', 'a b', 'c:', '.hidden'])
      await expect(blobs.put(key, bytes('x')).then(() => key)).rejects.toThrow('is no path');
  });
});
