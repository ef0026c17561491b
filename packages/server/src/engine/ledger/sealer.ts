/**
 * Seals a home's events, and its audit, into its log. One a home, and one process: the data folder's lock sees to that.
 *
 * K1  The checkpoint is the commit. Tiles and bundles are durable before it is written; what lies beyond it is no part of the log, and is written
 *     again, the same or longer: which leaf comes next is settled before a byte of it is written. Events come, as long as the checkpoint does not say that
 *     the audit is next. No file that a checkpoint covers is written again.
 * K2  A leaf is sealed exactly once, in the order of the commits of its source: the checkpoint holds the position of the last event that has a
 *     leaf, and that of the last entry of the audit, so that tree and cursors change together.
 * K3  No checkpoint is signed that does not follow from the one before: a log that its files do not bear out, or that the store
 *     contradicts, is not gone on with.
 * K4  Memory does not grow with the log: the right edge of each level, one bundle, the rows read at once, and the files under way.
 */
import { formatCheckpoint } from '../../ledger/checkpoint.ts';
import { EntryBundle } from '../../ledger/entries.ts';
import { Frontier } from '../../ledger/frontier.ts';
import { HASH_BYTES, type HashInto } from '../../ledger/hash.ts';
import { leafEntry, type LeafForm, leafForm, makeKeyChange } from '../../ledger/leaf.ts';
import { formatNote, formatVerifier, type Signer, signNote, utf8, type VerifyEd25519 } from '../../ledger/note.ts';
import { partialTiles, TILE_WIDTH, tilePath } from '../../ledger/tile.ts';
import type { Blobs, Sha256 } from '../ports.ts';
import { CHECKPOINT_FILE, KEYS_FILE, keysText, loadCheckpoint, loadKeys } from './log-file.ts';
import { findBundleEnds } from './leaf-place.ts';
import type { BundleEnd, BundleEnds, FileBatch, LeafBatch, LeafSources, LogFiles, SourceName } from './ports.ts';
import { diverged, resumeLog } from './resume-log.ts';

export interface SealerParts {
  readonly files: LogFiles;
  readonly sources: LeafSources;
  readonly sha256: Sha256;
  readonly hash?: HashInto;
  readonly verify: VerifyEd25519;
  readonly signer: Signer;
  /** Kept beside the log, if anybody wants to find leaves in it. */
  readonly ends?: BundleEnds;
  /** Events between two checkpoints, at most. */
  readonly batch?: number;
}

export interface Sealed {
  readonly leaves: number;
  /** Whether there was as much as one batch takes: then there may be more. */
  readonly more: boolean;
}

const BATCH = 131_072;
/** Entries of the audit between two checkpoints, at most: each has up to 256 Ki characters, of which none is read. */
const AUDIT_BATCH = 4096;
/** Events read at once. */
const SLICE = 8192;

/** What is held of a log between two batches. */
export interface Log {
  readonly origin: string;
  readonly frontier: Frontier;
  /** Of the bundle that is not full. */
  readonly tail: EntryBundle;
  /** Positions of what was sealed last. */
  readonly cursor: Record<SourceName, number>;
  /** The leaf of the audit that was sealed last; null if there is none. */
  auditLeaf: number | null;
  /** Up to where events have been looked at. */
  scanned: number;
  /** The next leaves are those of the audit up to this position; null: of events. */
  next: number | null;
  /** Files of tiles that were not full when they were written: the checkpoint covers them. */
  partials: readonly string[];
}

export class Sealer {
  readonly #parts: SealerParts;
  readonly #forms = new Map<string, LeafForm>();
  #log: Log | null = null;
  #batch: FileBatch;
  /** Full tiles that are to be laid. */
  #full: (readonly [key: string, bytes: Uint8Array])[] = [];
  /** Of the bundles that became full since the last checkpoint. */
  #ends: BundleEnd[] = [];

  constructor(parts: SealerParts) {
    this.#parts = parts;
    this.#batch = parts.files.batch();
  }

  /** One batch of each source. What fails has sealed nothing, or is found sealed by the next call. @throws LedgerError, StoreError */
  async seal(): Promise<Sealed> {
    return this.#working(async log => {
      const from = log.frontier.size;
      // An audit that was to be next when the process died still is.
      const more = log.next === null && (await this.#sealEvents(log));
      const audited = await this.#sealAudit(log);
      return { leaves: log.frontier.size - from, more: more || audited };
    });
  }

  /** @returns whether there may be more */
  async #sealEvents(log: Log): Promise<boolean> {
    const { batch = BATCH, signer } = this.#parts;
    const from = log.frontier.size;
    for (let left = batch; left > 0; ) {
      const asked = Math.min(SLICE, left);
      const rows = await this.#parts.sources.events.after(log.scanned, asked);
      await this.#take(log, 'events', rows);
      log.scanned = rows.positions.at(-1) ?? log.scanned;
      left = rows.positions.length < asked ? -1 : left - asked;
      if (left <= 0 && log.frontier.size > from) await this.#commit(log, [signer]);
      if (left < 0) return false;
    }
    return true;
  }

  /** @returns whether there may be more, of either source */
  async #sealAudit(log: Log): Promise<boolean> {
    const { sources, signer, files, sha256 } = this.#parts;
    const wasNext = log.next;
    const rows = await sources.audit.after(log.cursor.audit, AUDIT_BATCH);
    const last = rows.positions.at(-1);
    if (log.next === null) {
      if (last === undefined) return false;
      log.next = last;
      await files.put(CHECKPOINT_FILE, utf8(checkpointNote(log, sha256, [signer])));
    }
    const settled = log.next;
    const count = rows.positions.findLastIndex(position => position <= settled) + 1;
    if (rows.positions[count - 1] !== settled) throw diverged('entry of the audit', settled);
    await this.#take(log, 'audit', { ...rows, positions: rows.positions.subarray(0, count) });
    log.next = null;
    await this.#commit(log, [signer]);
    return wasNext !== null || rows.positions.length === AUDIT_BATCH;
  }

  /** Writes the change of keys into the log: signed by both, as is its checkpoint. Afterwards the log is the new key's. */
  async rotate(to: Signer): Promise<void> {
    const { sha256, signer, files } = this.#parts;
    await this.#working(async log => {
      // What was settled to be next is next.
      if (log.next !== null) await this.#sealAudit(log);
      const entry = leafEntry(makeKeyChange(sha256, log.origin, signer, to));
      await this.#append(log, entry, Uint8Array.of(0, ...entry));
      await this.#commit(log, [signer, to]);
      await addKey(files, sha256, to);
    });
  }

  async #working<T>(work: (log: Log) => Promise<T>): Promise<T> {
    try {
      return await work((this.#log ??= await this.#load()));
    } catch (error) {
      // What is in memory may be ahead of the disk: the next call looks there again, once nothing is written any more.
      await this.#batch.ended();
      this.#batch = this.#parts.files.batch();
      this.#log = null;
      this.#full = [];
      this.#ends = [];
      throw error;
    }
  }

  async #take(log: Log, name: SourceName, { positions, kinds, digests }: LeafBatch): Promise<void> {
    for (let row = 0; row < positions.length; row++) {
      const kind = kinds[row] ?? null;
      if (kind === null) continue;
      log.cursor[name] = positions[row] ?? 0;
      if (name === 'audit') log.auditLeaf = log.frontier.size;
      const form = this.#form(kind);
      form.lay(digests, row * HASH_BYTES);
      const laid = this.#append(log, form.entry, form.message);
      if (laid !== null) await laid;
    }
  }

  #form(kind: string): LeafForm {
    let form = this.#forms.get(kind);
    if (form === undefined) this.#forms.set(kind, (form = leafForm(kind)));
    return form;
  }

  /** @returns what is to be waited for, if a bundle is full: a promise for each leaf would cost as much as its hash */
  #append(log: Log, entry: Uint8Array, message: Uint8Array): Promise<void> | null {
    const { frontier, tail, cursor } = log;
    tail.push(entry);
    frontier.appendMessage(message);
    if (tail.count < TILE_WIDTH) return null;
    const index = frontier.size / TILE_WIDTH - 1;
    this.#full.push([tilePath({ level: 'entries', index, width: TILE_WIDTH }), tail.bytes()]);
    this.#ends.push({ ...cursor });
    tail.clear();
    return this.#layFull();
  }

  async #layFull(): Promise<void> {
    for (const [key, bytes] of this.#full.splice(0)) await this.#batch.lay(key, bytes);
  }

  async #commit(log: Log, signers: readonly Signer[]): Promise<void> {
    const { sha256, files, ends } = this.#parts;
    const { frontier, tail } = log;
    const partials = partialTiles(frontier.size);
    // Whole or not at all: a later checkpoint covers a shorter form that this one never came to, and nobody writes it again.
    const writing: Promise<void>[] = [];
    for (const tile of partials) {
      const key = tilePath(tile);
      // What the last checkpoint covers already is the same (K1).
      if (log.partials.includes(key)) continue;
      writing.push(files.put(key, tile.level === 'entries' ? tail.bytes() : frontier.edge(tile.level).hashes));
    }
    await Promise.all([this.#batch.durable(), ...writing]);
    await files.put(CHECKPOINT_FILE, utf8(checkpointNote(log, sha256, signers)));
    const first = Math.floor(frontier.size / TILE_WIDTH) - this.#ends.length;
    ends?.append(first, this.#ends.splice(0));
    await this.#dropPartials(log, partials.map(tilePath));
  }

  /** Once a tile is full nobody needs its shorter forms (tlog-tiles, "Partial Tiles"). */
  async #dropPartials(log: Log, written: readonly string[]): Promise<void> {
    const open = new Set(written.map(tileOf));
    const gone = log.partials.filter(path => !open.has(tileOf(path)));
    log.partials = [...new Set([...log.partials.filter(path => open.has(tileOf(path))), ...written])];
    for (const path of gone) await this.#parts.files.delete(path);
  }

  async #load(): Promise<Log> {
    const { files, sha256, signer, ends, sources } = this.#parts;
    const signed = await loadCheckpoint(files);
    if (signed === null) return this.#begin();
    const log = await resumeLog(this.#parts, signed, this.#onFull);
    await addKey(files, sha256, signer);
    const { size } = signed.checkpoint;
    if (ends !== undefined) await findBundleEnds({ files, sha256, size, ends, sources });
    return log;
  }

  async #begin(): Promise<Log> {
    const { files, sha256, hash, signer, ends } = this.#parts;
    const log: Log = {
      origin: signer.name,
      frontier: new Frontier(sha256, this.#onFull, hash),
      tail: new EntryBundle(),
      cursor: { events: 0, audit: 0 },
      auditLeaf: null,
      scanned: 0,
      next: null,
      partials: [],
    };
    ends?.clear();
    await addKey(files, sha256, signer);
    await files.put(CHECKPOINT_FILE, utf8(checkpointNote(log, sha256, [signer])));
    return log;
  }

  readonly #onFull = (level: number, index: number, hashes: Uint8Array): void => {
    this.#full.push([tilePath({ level, index, width: TILE_WIDTH }), hashes]);
  };
}

/** The path without what says how much of the tile there is. */
function tileOf(path: string): string {
  return path.split('.p/')[0] ?? path;
}

function checkpointNote(log: Log, sha256: Sha256, signers: readonly Signer[]): string {
  const { origin, frontier, cursor, auditLeaf, next } = log;
  const audit = auditLeaf === null ? null : { position: cursor.audit, leaf: auditLeaf };
  const text = formatCheckpoint({
    origin,
    size: frontier.size,
    root: frontier.root(),
    cursor: cursor.events,
    audit,
    next,
  });
  return formatNote(signNote(sha256, text, signers));
}

async function addKey(files: Blobs, sha256: Sha256, key: Signer): Promise<void> {
  const keys = await loadKeys(files, sha256);
  const own = formatVerifier(sha256, key);
  if (keys.some(one => formatVerifier(sha256, one) === own)) return;
  await files.put(KEYS_FILE, utf8(keysText(sha256, [...keys, key])));
}
