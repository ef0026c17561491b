import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BundleEnd, BundleEnds } from '../../engine/ledger/ports.ts';
import { openBundleEnds, readBundleEnds } from './bundle-ends-file.ts';

let dir = '';
let path = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-ends-'));
  path = join(dir, 'places', 'local');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const end = (n: number): BundleEnd => ({ events: n * 1000, audit: n });
const all = (ends: BundleEnds): readonly BundleEnd[] => Array.from({ length: ends.count() }, (_, at) => ends.end(at));

test('ends are kept, by whoever opens the file again, 16 bytes each', () => {
  expect(readBundleEnds(path)).toBeNull();
  const ends = openBundleEnds(path);
  ends.append(0, [end(1), end(2)]);
  ends.append(2, [{ events: Number.MAX_SAFE_INTEGER, audit: 0 }]);
  ends.close();
  expect(statSync(path).size).toBe(48);
  const again = readBundleEnds(path);
  expect(again === null ? null : all(again)).toEqual([end(1), end(2), { events: Number.MAX_SAFE_INTEGER, audit: 0 }]);
  again?.close();
});

test('what would leave a gap is not taken; what is said again replaces what was there', () => {
  const ends = openBundleEnds(path);
  ends.append(1, [end(2)]);
  expect(ends.count()).toBe(0);
  ends.append(0, [end(1), end(2), end(3)]);
  ends.append(1, [end(5)]);
  expect(all(ends)).toEqual([end(1), end(5)]);
  ends.append(2, []);
  expect(ends.count()).toBe(2);
  ends.clear();
  expect(ends.count()).toBe(0);
  ends.close();
});

test('a record that was cut counts for nothing, and goes with the next one', () => {
  const ends = openBundleEnds(path);
  ends.append(0, [end(1), end(2)]);
  truncateSync(path, 23);
  expect(all(ends)).toEqual([end(1)]);
  ends.append(1, [end(7)]);
  expect(all(ends)).toEqual([end(1), end(7)]);
  ends.close();
});

test('a file that cannot be opened is told as such', () => {
  writeFileSync(join(dir, 'places'), '');
  expect(() => openBundleEnds(path)).toThrow(expect.objectContaining({ storeError: 'store_unavailable' }));
});
