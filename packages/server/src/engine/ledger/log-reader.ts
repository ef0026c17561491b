/** Reads a log from its files: leaves, nodes, proofs. What it gives is not yet checked against a checkpoint: see `includes`, `consistent`. */
import { decodeEntries, encodeEntries } from '../../ledger/entries.ts';
import { emptyRoot, foldRight, HASH_BYTES, type HashInto, hashInto, rootOf } from '../../ledger/hash.ts';
import { consistencyParts, inclusionParts, type Node, type Part, subtrees } from '../../ledger/proof.ts';
import { TILE_HEIGHT, TILE_WIDTH, type Tile, tilePath, widthAt } from '../../ledger/tile.ts';
import type { Blobs, Sha256 } from '../ports.ts';
import { LedgerError } from './ports.ts';

/** Tiles kept: a proof takes a few, neighbours share most of them. */
const KEPT_TILES = 64;

export class LogReader {
  readonly #blobs: Pick<Blobs, 'get'>;
  readonly #sha256: Sha256;
  readonly #hash: HashInto;
  readonly size: number;
  readonly #kept = new Map<string, Uint8Array>();

  /**
   * @param size leaves of the checkpoint whose tiles there are
   * @param hash a proof takes some hundred hashes: one that allocates nothing
   */
  constructor(blobs: Pick<Blobs, 'get'>, sha256: Sha256, size: number, hash: HashInto = hashInto(sha256)) {
    this.#blobs = blobs;
    this.#sha256 = sha256;
    this.#hash = hash;
    this.size = size;
  }

  /** @throws LedgerError ledger_damaged; RangeError beyond the end */
  async entry(index: number): Promise<Uint8Array> {
    if (!(index >= 0 && index < this.size)) throw new RangeError(`a log of ${this.size} leaves has no leaf ${index}`);
    const bundle = Math.floor(index / TILE_WIDTH);
    const entry = (await this.entries(bundle))[index % TILE_WIDTH];
    if (entry === undefined) throw new LedgerError('ledger_damaged', `leaf ${index} is missing`);
    return entry;
  }

  /** A bundle's entries, as many as the log has. */
  async entries(index: number): Promise<readonly Uint8Array[]> {
    const tile: Tile = { level: 'entries', index, width: widthAt(this.size, 'entries', index) };
    const entries = decodeEntries(await this.#read(tile), tile.width);
    if (entries === null) throw new LedgerError('ledger_damaged', `${tilePath(tile)} is not a bundle of its length`);
    return entries;
  }

  /** The hashes of a tile, as many as the log has. */
  async hashes(level: number, index: number): Promise<Uint8Array> {
    const tile: Tile = { level, index, width: widthAt(this.size, level, index) };
    if (tile.width === 0) return new Uint8Array(0);
    const hashes = await this.#read(tile);
    if (hashes.length !== tile.width * HASH_BYTES)
      throw new LedgerError('ledger_damaged', `${tilePath(tile)} has ${hashes.length} bytes`);
    return hashes;
  }

  /** The root of the tree of the first `size` leaves. */
  async root(size: number): Promise<Uint8Array> {
    return size === 0 ? emptyRoot(this.#sha256) : this.#part(subtrees(0, size));
  }

  /** From the leaf upward. @throws RangeError */
  async inclusion(index: number, size: number): Promise<readonly Uint8Array[]> {
    this.#within(size);
    return this.#parts(inclusionParts(index, size));
  }

  /** @throws RangeError */
  async consistency(old: number, size: number): Promise<readonly Uint8Array[]> {
    this.#within(size);
    return this.#parts(consistencyParts(old, size));
  }

  #within(size: number): void {
    if (size > this.size) throw new RangeError(`the log has ${this.size} leaves, not ${size}`);
  }

  async #parts(parts: readonly Part[]): Promise<readonly Uint8Array[]> {
    // All that is wanted is read at once: a proof takes a handful of tiles.
    const tiles = new Map(parts.flat().map(node => [placeOf(node).path, placeOf(node)]));
    await Promise.all([...tiles.values()].map(({ tileLevel, tile }) => this.hashes(tileLevel, tile)));
    const hashes: Uint8Array[] = [];
    for (const part of parts) hashes.push(await this.#part(part));
    return hashes;
  }

  async #part(part: Part): Promise<Uint8Array> {
    const roots: Uint8Array[] = [];
    for (const node of part) roots.push(await this.#node(node));
    return foldRight(this.#sha256, roots) ?? emptyRoot(this.#sha256);
  }

  async #node(node: Node): Promise<Uint8Array> {
    const { tileLevel, tile, first, count } = placeOf(node);
    return rootOf(this.#hash, await this.hashes(tileLevel, tile), first, count);
  }

  /** Once a tile is full its shorter forms go: their bytes are its first. */
  async #shortened(tile: Tile): Promise<Uint8Array | null> {
    if (tile.width === TILE_WIDTH) return null;
    const full = await this.#blobs.get(tilePath({ ...tile, width: TILE_WIDTH }));
    if (full === null) return null;
    if (tile.level !== 'entries') return full.subarray(0, tile.width * HASH_BYTES);
    const entries = decodeEntries(full, TILE_WIDTH);
    return entries === null ? null : encodeEntries(entries.slice(0, tile.width));
  }

  async #read(tile: Tile): Promise<Uint8Array> {
    const path = tilePath(tile);
    const kept = this.#kept.get(path);
    if (kept !== undefined) return kept;
    const bytes = (await this.#blobs.get(path)) ?? (await this.#shortened(tile));
    if (bytes === null) throw new LedgerError('ledger_damaged', `${path} is missing`);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= KEPT_TILES && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(path, bytes);
    return bytes;
  }
}

/** The hashes of a tile that a node is made of. */
function placeOf({ level, index }: Node) {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level - tileLevel * TILE_HEIGHT);
  const tile = Math.floor((index * count) / TILE_WIDTH);
  return { path: `${tileLevel}/${tile}`, tileLevel, tile, first: index * count - tile * TILE_WIDTH, count };
}
