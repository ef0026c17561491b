import { expect, test } from 'vitest';
import { fromBase64, fromHex, toBase64, toHex } from './base64.ts';
import { decodeEntries, encodeEntries, MAX_ENTRY_BYTES } from './entries.ts';
import { Frontier } from './frontier.ts';
import { emptyRoot, leafHash, perfectRoot } from './hash.ts';
import { consistencyParts, inclusionParts } from './proof.ts';
import { CT_LEAVES, sha256, slowPart, slowPath, slowProof } from './rfc6962.test-support.ts';
import { parseTilePath, partialTiles, tilePath, widthAt } from './tile.ts';

/** Roots of the first 0 to 8 leaves: the vectors of Certificate Transparency's reference implementation. */
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('the roots of the reference tree', () => {
  const frontier = new Frontier(sha256, () => undefined);
  const roots = [toHex(frontier.root())];
  for (const leaf of CT_LEAVES) {
    frontier.append(leafHash(sha256, leaf));
    roots.push(toHex(frontier.root()));
  }
  expect(roots).toEqual(ROOTS);
  expect(toHex(emptyRoot(sha256))).toBe(ROOTS[0]);
});

test('what is hashed is left as it is, node buffers too', () => {
  const hashes = Buffer.alloc(8 * 32, 1);
  perfectRoot(sha256, hashes, 0, 8);
  expect(hashes.equals(Buffer.alloc(8 * 32, 1))).toBe(true);
});

test('the proofs of the reference tree, as RFC 6962 defines them', () => {
  for (let size = 1; size <= CT_LEAVES.length; size++) {
    const leaves = CT_LEAVES.slice(0, size);
    for (let index = 0; index < size; index++) {
      expect(inclusionParts(index, size).map(part => toHex(slowPart(part, leaves)))).toEqual(
        slowPath(index, leaves).map(toHex),
      );
    }
    for (let old = 0; old <= size; old++) {
      expect(consistencyParts(old, size).map(part => toHex(slowPart(part, leaves)))).toEqual(
        slowProof(old, leaves).map(toHex),
      );
    }
  }
});

test('what is no leaf or no earlier tree is refused', () => {
  expect(() => inclusionParts(3, 3)).toThrow('no leaf 3');
  expect(() => inclusionParts(-1, 3)).toThrow('no leaf -1');
  expect(() => consistencyParts(4, 3)).toThrow('does not begin with 4');
});

test('tile paths are those of tlog-tiles', () => {
  const pins: readonly (readonly [string, Parameters<typeof tilePath>[0]])[] = [
    ['tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
    ['tile/0/000', { level: 0, index: 0, width: 256 }],
    ['tile/1/000.p/17', { level: 1, index: 0, width: 17 }],
    ['tile/0/273.p/112', { level: 0, index: 273, width: 112 }],
    ['tile/entries/x001/000.p/1', { level: 'entries', index: 1000, width: 1 }],
  ];
  for (const [path, tile] of pins) {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  }
  for (const wrong of [
    'tile/0/1',
    'tile/0/0000',
    'tile/00/000',
    'tile/64/000',
    'tile/0/x000/001',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/../000',
    'tile/data/000',
    'tile/0/000/',
    '/tile/0/000',
  ])
    expect([wrong, parseTilePath(wrong)]).toEqual([wrong, null]);
});

test('a tree of 70,000 has the partial tiles of the example in tlog-tiles, and one of 256 too', () => {
  expect(partialTiles(70_000).filter(({ level }) => level !== 'entries')).toEqual([
    { level: 0, index: 273, width: 112 },
    { level: 1, index: 1, width: 17 },
    { level: 2, index: 0, width: 1 },
  ]);
  expect(widthAt(70_000, 0, 272)).toBe(256);
  expect(widthAt(70_000, 1, 0)).toBe(256);
  expect(widthAt(70_000, 1, 2)).toBe(0);
  expect(partialTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }]);
});

test('an entry bundle: lengths in two bytes, and nothing that is cut', () => {
  const bundle = encodeEntries([Uint8Array.of(7), new Uint8Array(258).fill(1), new Uint8Array(0)]);
  expect(toHex(bundle.subarray(0, 6))).toBe('000107010201');
  expect(decodeEntries(bundle, 3)?.map(entry => entry.length)).toEqual([1, 258, 0]);
  expect(decodeEntries(bundle, 2)).toBeNull();
  expect(decodeEntries(bundle.subarray(0, -1), 3)).toBeNull();
  expect(decodeEntries(bundle.subarray(0, -3), 3)).toBeNull();
  expect(encodeEntries([new Uint8Array(MAX_ENTRY_BYTES)])).toHaveLength(MAX_ENTRY_BYTES + 2);
  expect(() => encodeEntries([new Uint8Array(MAX_ENTRY_BYTES + 1)])).toThrow('at most 65535');
});

test('base 64 and hexadecimal have one form', () => {
  expect(toBase64(Uint8Array.of(255, 254))).toBe('//4=');
  expect(fromBase64('//4=')).toEqual(Uint8Array.of(255, 254));
  for (const other of ['//5=', '//4', '//4=\n', '', '_-4=', '//4==', ' //4=']) expect(fromBase64(other)).toBeNull();
  expect(fromHex('00ff')).toEqual(Uint8Array.of(0, 255));
  for (const other of ['0', '0F', '0x', ' 00']) expect(fromHex(other)).toBeNull();
});
