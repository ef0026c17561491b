/**
 * Seals a home's events into its log. One a home, and one process: the data folder's lock sees to that.
 *
 * K1  The checkpoint is the commit. Tiles and bundles are durable before it is written; what lies beyond it is no part of the log, and is written
 *     again, the same or longer.
 * K2  A leaf is sealed exactly once, in the order of the commits: the checkpoint holds the position of the last event that has a leaf, so that tree
 *     and cursor change together.
 * K3  No checkpoint is signed that does not follow from the one before: a log that its files do not bear out, or that the store
 *     contradicts, is not gone on with.
 * K4  Memory does not grow with the log: the right edge of each level, and one batch.
 */
import { type Checkpoint, formatCheckpoint } from '../../ledger/checkpoint.ts';
import { encodeEntries } from '../../ledger/entries.ts';
import { Frontier } from '../../ledger/frontier.ts';
import { leafHash, perfectRoot, sameBytes } from '../../ledger/hash.ts';
import { decodeLeaf, encodeLeaf, type Leaf, leafEntry, leafKindOf, makeKeyChange } from '../../ledger/leaf.ts';
import {
  formatNote,
  formatVerifier,
  signedBy,
  type Signer,
  signNote,
  utf8,
  type VerifyEd25519,
} from '../../ledger/note.ts';
import { MAX_LEVELS, partialTiles, TILE_WIDTH, tilePath } from '../../ledger/tile.ts';
import type { Blobs, Sha256 } from '../ports.ts';
import { CHECKPOINT_FILE, KEYS_FILE, keysText, loadCheckpoint, loadKeys } from './log-file.ts';
import { LogReader } from './log-reader.ts';
import { LedgerError, type LedgerSource, type SourceEvent } from './ports.ts';

export interface SealerParts {
  readonly blobs: Blobs;
  readonly source: LedgerSource;
  readonly sha256: Sha256;
  readonly verify: VerifyEd25519;
  readonly signer: Signer;
  /** Events read at once; at most so many leaves are between two checkpoints. */
  readonly batch?: number;
}

export interface Sealed {
  readonly leaves: number;
  /** Whether there was as much as one batch takes: then there may be more. */
  readonly more: boolean;
}

const BATCH = 16_384;
/** Files written at once. */
const LANES = 8;

interface Log {
  readonly origin: string;
  readonly frontier: Frontier;
  /** Entries of the bundle that is not full. */
  tail: Uint8Array[];
  cursor: number;
  /** Up to where events have been looked at. */
  scanned: number;
  /** Files of tiles that were not full when they were written. */
  partials: string[];
}

export class Sealer {
  readonly #parts: SealerParts;
  #log: Log | null = null;
  /** Full tiles of the batch under way. */
  #writes = new Map<string, Uint8Array>();

  constructor(parts: SealerParts) {
    this.#parts = parts;
  }

  /** One batch. What fails has sealed nothing, or is found sealed by the next call. @throws LedgerError, StoreError */
  async seal(): Promise<Sealed> {
    const { source, batch = BATCH, signer } = this.#parts;
    return this.#working(async log => {
      const events = await source.after(log.scanned, batch);
      const last = events.at(-1);
      if (last === undefined) return { leaves: 0, more: false };
      const leaves: Leaf[] = [];
      for (const event of events) {
        const leaf = leafOf(event);
        if (leaf === null) continue;
        leaves.push(leaf);
        log.cursor = event.position;
      }
      if (leaves.length > 0) await this.#append(log, leaves, [signer]);
      log.scanned = last.position;
      return { leaves: leaves.length, more: events.length === batch };
    });
  }

  /** Writes the change of keys into the log: signed by both, as is its checkpoint. Afterwards the log is the new key's. */
  async rotate(to: Signer): Promise<void> {
    const { sha256, signer, blobs } = this.#parts;
    await this.#working(async log => {
      await this.#append(log, [makeKeyChange(sha256, log.origin, signer, to)], [signer, to]);
      await addKey(blobs, sha256, to);
    });
  }

  async #working<T>(work: (log: Log) => Promise<T>): Promise<T> {
    const log = (this.#log ??= await this.#load());
    try {
      return await work(log);
    } catch (error) {
      // What is in memory may be ahead of the disk: the next call looks there again.
      this.#log = null;
      this.#writes.clear();
      throw error;
    }
  }

  async #append(log: Log, leaves: readonly Leaf[], signers: readonly Signer[]): Promise<void> {
    const { sha256, blobs } = this.#parts;
    const { frontier } = log;
    for (const leaf of leaves) {
      const entry = leafEntry(leaf);
      log.tail.push(entry);
      frontier.append(leafHash(sha256, entry));
      if (log.tail.length < TILE_WIDTH) continue;
      const index = frontier.size / TILE_WIDTH - 1;
      this.#writes.set(tilePath({ level: 'entries', index, width: TILE_WIDTH }), encodeEntries(log.tail));
      log.tail = [];
    }
    const full = this.#writes;
    this.#writes = new Map();
    const partials = partialTiles(frontier.size).map(tile => {
      const bytes = tile.level === 'entries' ? encodeEntries(log.tail) : frontier.edge(tile.level).hashes;
      return [tilePath(tile), bytes] as const;
    });
    await putAll(blobs, [...full, ...partials]);
    await blobs.put(CHECKPOINT_FILE, utf8(checkpointNote(log, sha256, signers)));
    await this.#dropPartials(log, full, partials);
  }

  /** Once a tile is full nobody needs its shorter forms (tlog-tiles, "Partial Tiles"). */
  async #dropPartials(
    log: Log,
    full: ReadonlyMap<string, Uint8Array>,
    written: readonly (readonly [path: string, bytes: Uint8Array])[],
  ): Promise<void> {
    const gone = log.partials.filter(path => full.has(path.slice(0, path.indexOf('.p/'))));
    log.partials = [
      ...new Set([...log.partials.filter(path => !gone.includes(path)), ...written.map(([path]) => path)]),
    ];
    for (const path of gone) await this.#parts.blobs.delete(path);
  }

  async #load(): Promise<Log> {
    const { blobs, sha256, verify, signer } = this.#parts;
    const signed = await loadCheckpoint(blobs);
    if (signed === null) return this.#begin();
    const { checkpoint, note } = signed;
    if (checkpoint.origin !== signer.name || signedBy(sha256, verify, note, signer) !== 'valid')
      throw new LedgerError('ledger_key', `the log of ${checkpoint.origin} was not signed by the key at hand`);
    const reader = new LogReader(blobs, sha256, checkpoint.size);
    const frontier = await this.#edgeOf(reader);
    if (!sameBytes(frontier.root(), checkpoint.root))
      throw new LedgerError('ledger_damaged', 'the tiles do not make the root of the checkpoint');
    const bundles = Math.floor(checkpoint.size / TILE_WIDTH);
    const tail = checkpoint.size % TILE_WIDTH === 0 ? [] : await reader.entries(bundles);
    await this.#compare(reader, checkpoint, frontier, tail);
    await addKey(blobs, sha256, signer);
    return {
      origin: checkpoint.origin,
      frontier,
      tail: [...tail],
      cursor: checkpoint.cursor,
      scanned: checkpoint.cursor,
      partials: partialTiles(checkpoint.size).map(tilePath),
    };
  }

  async #begin(): Promise<Log> {
    const { blobs, sha256, signer } = this.#parts;
    const log: Log = {
      origin: signer.name,
      frontier: new Frontier(sha256, this.#onFull),
      tail: [],
      cursor: 0,
      scanned: 0,
      partials: [],
    };
    await addKey(blobs, sha256, signer);
    await blobs.put(CHECKPOINT_FILE, utf8(checkpointNote(log, sha256, [signer])));
    return log;
  }

  async #edgeOf(reader: LogReader): Promise<Frontier> {
    const edges: Uint8Array[] = [];
    for (let level = 0; level < MAX_LEVELS; level++) {
      const hashes = Math.floor(reader.size / TILE_WIDTH ** level);
      edges.push(hashes % TILE_WIDTH === 0 ? NOTHING : await reader.hashes(level, Math.floor(hashes / TILE_WIDTH)));
    }
    return Frontier.resume(this.#parts.sha256, this.#onFull, reader.size, edges);
  }

  readonly #onFull = (level: number, index: number, hashes: Uint8Array): void => {
    this.#writes.set(tilePath({ level, index, width: TILE_WIDTH }), hashes);
  };

  /** K3: the entries make the hashes, and the last event that was sealed is the one that the store has there. */
  async #compare(
    reader: LogReader,
    { size, cursor }: Checkpoint,
    frontier: Frontier,
    tail: readonly Uint8Array[],
  ): Promise<void> {
    const { sha256, source } = this.#parts;
    const edge = frontier.edge(0).hashes;
    for (const [at, entry] of tail.entries()) {
      if (!sameBytes(leafHash(sha256, entry), perfectRoot(sha256, edge, at, 1)))
        throw new LedgerError('ledger_damaged', `leaf ${size - tail.length + at} is not what its hash says`);
    }
    if (cursor === 0) return;
    const event = await source.at(cursor);
    const leaf = event === null ? null : leafOf(event);
    const sealed = await lastEventLeaf(reader);
    if (leaf === null || sealed === null || encodeLeaf(leaf) !== encodeLeaf(sealed))
      throw new LedgerError(
        'ledger_diverged',
        `the store does not hold the event (position ${cursor}) that was sealed last: was it put back to an older state?`,
      );
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);

function leafOf({ code, digest }: SourceEvent): Leaf | null {
  const kind = leafKindOf(code);
  return kind === null ? null : { kind, digest };
}

function checkpointNote({ origin, frontier, cursor }: Log, sha256: Sha256, signers: readonly Signer[]): string {
  const text = formatCheckpoint({ origin, size: frontier.size, root: frontier.root(), cursor });
  return formatNote(signNote(sha256, text, signers));
}

async function lastEventLeaf(reader: LogReader): Promise<Leaf | null> {
  for (let index = reader.size - 1; index >= 0; index--) {
    const leaf = decodeLeaf(await reader.entry(index));
    if (leaf === null || leaf.kind !== 'key') return leaf;
  }
  return null;
}

async function addKey(blobs: Blobs, sha256: Sha256, key: Signer): Promise<void> {
  const keys = await loadKeys(blobs, sha256);
  const own = formatVerifier(sha256, key);
  if (keys.some(one => formatVerifier(sha256, one) === own)) return;
  await blobs.put(KEYS_FILE, utf8(keysText(sha256, [...keys, key])));
}

async function putAll(blobs: Blobs, writes: readonly (readonly [key: string, bytes: Uint8Array])[]): Promise<void> {
  const queue = writes.values();
  const lane = async (): Promise<void> => {
    for (const [key, bytes] of queue) await blobs.put(key, bytes);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
