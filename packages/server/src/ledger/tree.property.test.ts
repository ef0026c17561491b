import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Frontier } from './frontier.ts';
import { HASH_BYTES, leafHash } from './hash.ts';
import { consistencyParts, consistent, includes, inclusionParts } from './proof.ts';
import { sha256, slowPart, slowRoot } from './rfc6962.test-support.ts';
import { parseTilePath, TILE_WIDTH, tilePath, widthAt } from './tile.ts';

const leavesOf = (count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, at) => new TextEncoder().encode(`leaf ${at}`));
const ALL = leavesOf(1100);
const roots = new Map<number, Uint8Array>();
const rootOf = (size: number): Uint8Array => {
  const root = roots.get(size) ?? slowRoot(ALL.slice(0, size));
  roots.set(size, root);
  return root;
};
const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, at) => (at === Math.floor(bit / 8) % bytes.length ? byte ^ (1 << (bit % 8)) : byte));
const size = fc.integer({ min: 1, max: ALL.length });
const bit = fc.nat(HASH_BYTES * 8 - 1);

test('the root of a tree that grew is the root that RFC 6962 defines; full tiles are handed out once, in order', () => {
  fc.assert(
    fc.property(size, count => {
      const full: string[] = [];
      const frontier = new Frontier(sha256, (level, index, hashes) => {
        full.push(tilePath({ level, index, width: TILE_WIDTH }));
        expect(hashes).toHaveLength(TILE_WIDTH * HASH_BYTES);
      });
      for (const leaf of ALL.slice(0, count)) frontier.append(leafHash(sha256, leaf));
      expect(frontier.root()).toEqual(rootOf(count));
      expect(full).toEqual(
        Array.from({ length: Math.floor(count / TILE_WIDTH) }, (_, index) =>
          tilePath({ level: 0, index, width: TILE_WIDTH }),
        ),
      );
      const edges = [0, 1, 2, 3, 4, 5, 6].map(level => frontier.edge(level).hashes);
      const resumed = Frontier.resume(sha256, () => undefined, { size: count, edges });
      const more = ALL[count];
      if (more === undefined) return;
      resumed.append(leafHash(sha256, more));
      expect(resumed.root()).toEqual(rootOf(count + 1));
    }),
    { numRuns: 60 },
  );
});

test('every leaf is proven, and no other leaf, place, tree or path is', () => {
  fc.assert(
    fc.property(size, fc.nat(), bit, (count, pick, at) => {
      const index = pick % count;
      const path = inclusionParts(index, count).map(part => slowPart(part, ALL.slice(0, count)));
      const leaf = leafHash(sha256, ALL[index] ?? new Uint8Array(0));
      const proof = { index, size: count, leaf, path, root: rootOf(count) };
      expect(includes(sha256, proof)).toBe(true);
      expect(includes(sha256, { ...proof, leaf: flipped(leaf, at) })).toBe(false);
      expect(includes(sha256, { ...proof, root: flipped(proof.root, at) })).toBe(false);
      expect(includes(sha256, { ...proof, index: count })).toBe(false);
      if (count > 1) {
        expect(includes(sha256, { ...proof, index: (index + 1) % count })).toBe(false);
        const wrong = at % path.length;
        expect(includes(sha256, { ...proof, path: path.map((one, i) => (i === wrong ? flipped(one, at) : one)) })).toBe(
          false,
        );
        expect(includes(sha256, { ...proof, path: path.slice(1) })).toBe(false);
      }
      expect(includes(sha256, { ...proof, path: [...path, leaf] })).toBe(false);
    }),
    { numRuns: 60 },
  );
});

test('every tree is proven to begin with every earlier one, and with no other', () => {
  fc.assert(
    fc.property(size, fc.nat(), bit, (count, pick, at) => {
      const old = pick % (count + 1);
      const path = consistencyParts(old, count).map(part => slowPart(part, ALL.slice(0, count)));
      const proof = { old, size: count, oldRoot: rootOf(old), root: rootOf(count), path };
      expect(consistent(sha256, proof)).toBe(true);
      expect(consistent(sha256, { ...proof, oldRoot: flipped(proof.oldRoot, at) })).toBe(false);
      expect(consistent(sha256, { ...proof, path: [...path, proof.root] })).toBe(false);
      if (old > 0) expect(consistent(sha256, { ...proof, root: flipped(proof.root, at) })).toBe(false);
      if (path.length > 0) {
        const wrong = at % path.length;
        expect(
          consistent(sha256, { ...proof, path: path.map((one, i) => (i === wrong ? flipped(one, at) : one)) }),
        ).toBe(false);
        expect(consistent(sha256, { ...proof, path: path.slice(0, -1) })).toBe(false);
      }
    }),
    { numRuns: 60 },
  );
});

test('a tile path is read back as the tile that it was written for', () => {
  const tile = fc.record({
    level: fc.oneof(fc.constant('entries' as const), fc.nat(63)),
    index: fc.nat(2 ** 31),
    width: fc.integer({ min: 1, max: 256 }),
  });
  fc.assert(
    fc.property(tile, one => {
      expect(parseTilePath(tilePath(one))).toEqual(one);
    }),
  );
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(3), (leaves, level) => {
      let sum = 0;
      for (let index = 0; widthAt(leaves, level, index) > 0; index++) sum += widthAt(leaves, level, index);
      expect(sum).toBe(Math.floor(leaves / TILE_WIDTH ** level));
    }),
    { numRuns: 20 },
  );
});
