import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { ARCHIVE_LIMITS, unpack } from './archives.ts';

const archive = (files: { readonly [path: string]: string | Uint8Array }, level: 0 | 6 = 0) => ({
  name: 'pdf',
  data: Buffer.from(
    zipSync(
      Object.fromEntries(
        Object.entries(files).map(([path, bytes]) => [path, typeof bytes === 'string' ? Buffer.from(bytes) : bytes]),
      ),
      { level },
    ),
  ).toString('base64'),
});
const paths = (files: Parameters<typeof archive>[0]): string[] =>
  unpack('skills', archive(files))
    .map(({ path }) => path)
    .toSorted();

describe('skills and plugins', () => {
  test('one folder around all is dropped; more than one is not', () => {
    expect(paths({ 'SKILL.md': '', 'a/b': '' })).toEqual(['SKILL.md', 'a/b']);
    expect(paths({ 'pdf/SKILL.md': '', 'pdf/a/b': '', 'pdf/': '' })).toEqual(['SKILL.md', 'a/b']);
    expect(() => paths({ 'pdf/SKILL.md': '', 'other/x': '' })).toThrow('has no SKILL.md');
    expect(unpack('plugins', archive({ '.codex-plugin/plugin.json': '{}' }))).toHaveLength(1);
  });

  test('what is no archive, lacks its manifest or leads out of it is refused', () => {
    expect(() => unpack('skills', { name: 'pdf', data: '' })).toThrow('is no ZIP archive');
    expect(() => unpack('skills', { name: 'pdf', data: btoa('PK or not') })).toThrow('is no ZIP archive');
    expect(() => unpack('plugins', archive({ 'SKILL.md': '' }))).toThrow('has no .codex-plugin/plugin.json');
    for (const path of ['../x', '/x', 'a/../../x', 'a\\x', 'a//x'])
      expect(() => unpack('skills', archive({ 'SKILL.md': '', [path]: '' })), path).toThrow('leads out of it');
  });

  test('bounds, from both sides: files, and bytes unpacked', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count - 1 }, (_, i) => [`f${i}`, '']));
    expect(paths({ ...many(ARCHIVE_LIMITS.files), 'SKILL.md': '' })).toHaveLength(ARCHIVE_LIMITS.files);
    expect(() => paths({ ...many(ARCHIVE_LIMITS.files + 1), 'SKILL.md': '' })).toThrow('more than 500 files');
    const zeros = (bytes: number) => archive({ 'SKILL.md': '', z: new Uint8Array(bytes) }, 6);
    expect(unpack('skills', zeros(ARCHIVE_LIMITS.bytes))).toHaveLength(2);
    expect(() => unpack('skills', zeros(ARCHIVE_LIMITS.bytes + 1))).toThrow('unpacks to more than');
  });

  test('one that says less than it unpacks to gains nothing', () => {
    const bytes = Buffer.from(archive({ 'SKILL.md': 'x'.repeat(1000) }, 6).data, 'base64');
    const at = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    bytes.writeUInt32LE(10, at + 24);
    const unpacked = (): number =>
      unpack('skills', { name: 'pdf', data: bytes.toString('base64') })[0]?.bytes.length ?? 0;
    let size = 0;
    try {
      size = unpacked();
    } catch {
      // Refused is as good.
    }
    expect(size).toBeLessThanOrEqual(10);
  });
});
