/**
 * A tree that grows: of each level only the tile at its right edge is held, so that memory does not depend on the size.
 * A full tile is handed out once, and its root becomes a hash of the level above.
 */
import { emptyRoot, foldRight, HASH_BYTES, type HashInto, hashInto, rootOf, type Sha256 } from './hash.ts';
import { MAX_LEVELS, TILE_WIDTH } from './tile.ts';

export type FullTile = (level: number, index: number, hashes: Uint8Array) => void;

interface Edge {
  readonly hashes: Uint8Array;
  width: number;
  /** Full tiles before it. */
  index: number;
}

export class Frontier {
  readonly #sha256: Sha256;
  readonly #hash: HashInto;
  readonly #full: FullTile;
  readonly #edges: readonly Edge[] = Array.from({ length: MAX_LEVELS }, () => ({
    hashes: new Uint8Array(TILE_WIDTH * HASH_BYTES),
    width: 0,
    index: 0,
  }));
  #size = 0;

  /** @param hash where many leaves come, one that allocates nothing */
  constructor(sha256: Sha256, full: FullTile, hash: HashInto = hashInto(sha256)) {
    this.#sha256 = sha256;
    this.#hash = hash;
    this.#full = full;
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Uint8Array): void {
    const edge = this.#edge(0);
    edge.hashes.set(leaf, edge.width * HASH_BYTES);
    this.#size += 1;
    this.#grow(0, edge);
  }

  /** As `append` of the hash of `message`: 0x00 and the entry. */
  appendMessage(message: Uint8Array): void {
    const edge = this.#edge(0);
    this.#hash(message, edge.hashes, edge.width * HASH_BYTES);
    this.#size += 1;
    this.#grow(0, edge);
  }

  #edge(level: number): Edge {
    const edge = this.#edges[level];
    if (edge === undefined) throw new RangeError('the tree is too large');
    return edge;
  }

  #grow(level: number, edge: Edge): void {
    edge.width += 1;
    if (edge.width < TILE_WIDTH) return;
    this.#full(level, edge.index, edge.hashes.slice());
    edge.width = 0;
    edge.index += 1;
    const above = this.#edge(level + 1);
    above.hashes.set(rootOf(this.#hash, edge.hashes, 0, TILE_WIDTH), above.width * HASH_BYTES);
    this.#grow(level + 1, above);
  }

  /** The hashes at the right edge of a level; empty where the last tile is full. */
  edge(level: number): { readonly index: number; readonly width: number; readonly hashes: Uint8Array } {
    const edge = this.#edge(level);
    return { index: edge.index, width: edge.width, hashes: edge.hashes.slice(0, edge.width * HASH_BYTES) };
  }

  root(): Uint8Array {
    const subtrees: Uint8Array[] = [];
    for (let level = MAX_LEVELS - 1; level >= 0; level--) {
      const edge = this.#edges[level];
      if (edge === undefined) continue;
      let from = 0;
      for (let count = TILE_WIDTH / 2; count >= 1; count /= 2) {
        if (from + count > edge.width) continue;
        subtrees.push(rootOf(this.#hash, edge.hashes, from, count));
        from += count;
      }
    }
    return foldRight(this.#sha256, subtrees) ?? emptyRoot(this.#sha256);
  }

  /** Goes on from a tree of `size` leaves. `edges`: the hashes at the right edge of each level, from level 0 on. */
  static resume(
    sha256: Sha256,
    full: FullTile,
    { size, edges, hash }: { readonly size: number; readonly edges: readonly Uint8Array[]; readonly hash?: HashInto },
  ): Frontier {
    const frontier = new Frontier(sha256, full, hash);
    frontier.#size = size;
    for (const [level, edge] of frontier.#edges.entries()) {
      const hashes = Math.floor(size / TILE_WIDTH ** level);
      const known = edges[level] ?? new Uint8Array(0);
      edge.width = hashes % TILE_WIDTH;
      edge.index = (hashes - edge.width) / TILE_WIDTH;
      if (known.length !== edge.width * HASH_BYTES)
        throw new RangeError(`the edge of level ${level} has ${known.length} bytes, not ${edge.width * HASH_BYTES}`);
      edge.hashes.set(known);
    }
    return frontier;
  }
}
