/**
 * Verifies a whole log from its files, trusting nothing: every leaf is hashed, every tile is computed anew and compared byte by byte, the root, the
 * signatures, the changes of keys. One bundle is in memory at a time.
 */
import { Frontier } from '../../ledger/frontier.ts';
import { decodeEntries } from '../../ledger/entries.ts';
import { HASH_BYTES, type HashInto, leafHash, sameBytes } from '../../ledger/hash.ts';
import { decodeLeaf, type Leaf, readKeyChange } from '../../ledger/leaf.ts';
import { formatVerifier, signedBy, type Verifier, type VerifyEd25519 } from '../../ledger/note.ts';
import { MAX_LEVELS, parseTilePath, type Tile, TILE_WIDTH, tilePath, widthAt } from '../../ledger/tile.ts';
import type { Blobs, Sha256 } from '../ports.ts';
import {
  CHECKPOINT_FILE,
  COSIGNED_FILE,
  KEYS_FILE,
  loadCheckpoint,
  loadKeys,
  readSignedCheckpoint,
  type SignedCheckpoint,
  text,
} from './log-file.ts';
import { LedgerError } from './ports.ts';

export interface VerifyParts {
  readonly blobs: Pick<Blobs, 'get'>;
  /** Paths of all files of the folder. */
  readonly files: AsyncIterable<string>;
  readonly sha256: Sha256;
  /** Without it, `sha256`. */
  readonly hash?: HashInto;
  readonly verify: VerifyEd25519;
  /** A key that is known from elsewhere; without it the log's own first key is taken at its word. With it a log needs no file of keys. */
  readonly trusted?: Verifier;
  readonly onProgress?: (leaves: number, of: number) => void;
}

export interface Verified {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Those that signed it, oldest first. */
  readonly keys: readonly Verifier[];
  readonly kinds: { readonly [kind: string]: number };
  /** Files beyond the checkpoint, or half written: left by a crash, no part of the log. */
  readonly beyond: number;
  /** One line each; empty if everything holds. At most `MAX_FAULTS`. */
  readonly faults: readonly string[];
}

export const MAX_FAULTS = 20;

interface Work extends VerifyParts {
  readonly signed: SignedCheckpoint;
  readonly faults: string[];
}

/** @throws LedgerError ledger_damaged where there is no checkpoint to begin with */
export async function verifyLog(parts: VerifyParts): Promise<Verified> {
  const signed = await loadCheckpoint(parts.blobs);
  if (signed === null) throw new LedgerError('ledger_damaged', 'there is no checkpoint here');
  const { origin, size, root } = signed.checkpoint;
  const faults: string[] = [];
  const work: Work = { ...parts, signed, faults };
  const { partials, beyond } = await sortFiles(work);
  const keys = [...(await firstKeys(work))];
  const listed = keys.length > 0;
  const { kinds, roots } = await walk(work, partials, keys);
  if (!sameBytes(roots.get(size) ?? new Uint8Array(0), root))
    fault(work, 'the checkpoint has another root than the leaves');
  // A log without a change of keys has had one key only.
  if (!listed && keys.length === 0 && parts.trusted !== undefined) keys.push(parts.trusted);
  await checkKeys(work, keys);
  await checkCosigned(work, keys, roots);
  return { origin, size, root, keys, kinds, beyond, faults };
}

function fault({ faults }: Work, what: string): void {
  if (faults.length < MAX_FAULTS) faults.push(what);
}

/** What a process was writing when it died lies beside its place, under a name of its own. */
const HALF_WRITTEN = /\.\d+\.\d+\.tmp$/;

/** Shorter forms of tiles, by the tile; what is no file of a log is a fault. */
async function sortFiles(work: Work): Promise<{ partials: ReadonlyMap<string, readonly Tile[]>; beyond: number }> {
  const partials = new Map<string, Tile[]>();
  const { size } = work.signed.checkpoint;
  let beyond = 0;
  for await (const path of work.files) {
    const tile = parseTilePath(path);
    if (HALF_WRITTEN.test(path)) beyond += 1;
    else if (tile === null) {
      if (![CHECKPOINT_FILE, KEYS_FILE, COSIGNED_FILE].includes(path)) fault(work, `${path} is no file of a log`);
    } else if (tile.width > widthAt(size, tile.level, tile.index)) beyond += 1;
    else if (tile.width < TILE_WIDTH) {
      const whole = nameOf(tile.level, tile.index);
      partials.set(whole, [...(partials.get(whole) ?? []), tile]);
    }
  }
  return { partials, beyond };
}

const nameOf = (level: Tile['level'], index: number): string => tilePath({ level, index, width: TILE_WIDTH });

async function walk(
  work: Work,
  partials: ReadonlyMap<string, readonly Tile[]>,
  keys: Verifier[],
): Promise<{ kinds: Record<string, number>; roots: ReadonlyMap<number, Uint8Array> }> {
  const { blobs, sha256, signed } = work;
  const { size } = signed.checkpoint;
  const kinds: Record<string, number> = {};
  const cosigned = await cosignedSize(work);
  const roots = new Map<number, Uint8Array>();
  const full: { level: number; index: number; hashes: Uint8Array }[] = [];
  const frontier = new Frontier(sha256, (level, index, hashes) => full.push({ level, index, hashes }), work.hash);
  const keepRoot = (): void => {
    if (frontier.size === cosigned || frontier.size === size) roots.set(frontier.size, frontier.root());
  };
  keepRoot();
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = widthAt(size, 'entries', index);
    const path = tilePath({ level: 'entries', index, width });
    const bundle = await blobs.get(path);
    const entries = bundle === null ? null : decodeEntries(bundle, width);
    if (bundle === null || entries === null) {
      fault(work, `leaves ${index * TILE_WIDTH} to ${index * TILE_WIDTH + width - 1}: ${path} is missing or cut`);
      return { kinds, roots };
    }
    const hashes = await blobs.get(tilePath({ level: 0, index, width }));
    for (const [at, entry] of entries.entries()) {
      const number = index * TILE_WIDTH + at;
      const hash = leafHash(sha256, entry);
      const kept = hashes?.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
      const holds = kept === undefined || sameBytes(kept, hash);
      if (!holds) fault(work, `leaf ${number}: it is not what its hash in ${nameOf(0, index)} says`);
      readLeaf(work, number, decodeLeaf(entry), keys, kinds);
      // Going on with the hash that is kept tells whether the leaf alone was changed, or the tile.
      frontier.append(holds || kept.length !== HASH_BYTES ? hash : kept);
      keepRoot();
    }
    await compare(work, { level: 'entries', index, width }, bundle, partials);
    for (const tile of full.splice(0)) await compare(work, { ...tile, width: TILE_WIDTH }, tile.hashes, partials);
    work.onProgress?.(frontier.size, size);
  }
  for (let level = 0; level < MAX_LEVELS; level++) {
    const edge = frontier.edge(level);
    if (edge.width > 0) await compare(work, { level, index: edge.index, width: edge.width }, edge.hashes, partials);
  }
  return { kinds, roots };
}

function readLeaf(
  work: Work,
  number: number,
  leaf: Leaf | null,
  keys: Verifier[],
  kinds: Record<string, number>,
): void {
  if (leaf === null) return fault(work, `leaf ${number}: it has no form that is known`);
  kinds[leaf.kind] = (kinds[leaf.kind] ?? 0) + 1;
  if (!('note' in leaf)) return;
  const change = readKeyChange(work.sha256, work.verify, leaf.note);
  // Without a file of keys the first change tells the first one; the key that is trusted must be among all that follow.
  if (keys.length === 0 && change !== null && work.trusted !== undefined) keys.push(change.from);
  const last = keys.at(-1);
  const known = change !== null && last !== undefined && sameKey(work.sha256, last, change.from);
  if (!known || change.origin !== work.signed.checkpoint.origin)
    return fault(work, `leaf ${number}: a change of keys that the key before it has not signed`);
  keys.push(change.to);
}

/** A file against the bytes that it must have, and its shorter forms against their beginning. */
async function compare(
  work: Work,
  tile: Tile,
  bytes: Uint8Array,
  partials: ReadonlyMap<string, readonly Tile[]>,
): Promise<void> {
  const others = (partials.get(nameOf(tile.level, tile.index)) ?? []).filter(({ width }) => width !== tile.width);
  const first = tile.index * TILE_WIDTH ** (tile.level === 'entries' ? 1 : tile.level + 1);
  for (const one of [tile, ...others]) {
    const path = tilePath(one);
    const found = await work.blobs.get(path);
    if (found === null) fault(work, `${path} is missing`);
    else if (!sameBytes(found, bytes.subarray(0, lengthOf(one, bytes))))
      fault(work, `${path} does not hold what follows from the leaves (${first} and on)`);
  }
}

/** Bytes of the first entries or hashes. */
function lengthOf({ level, width }: Tile, bytes: Uint8Array): number {
  if (level !== 'entries') return width * HASH_BYTES;
  let at = 0;
  for (let entry = 0; entry < width; entry++) at += 2 + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  return at;
}

async function firstKeys(work: Work): Promise<readonly Verifier[]> {
  const [first] = await loadKeys(work.blobs, work.sha256);
  if (first !== undefined) return [first];
  if (work.trusted === undefined || (await work.blobs.get(KEYS_FILE)) !== null)
    fault(work, `the file ${KEYS_FILE} is missing or empty: without it a key must be given`);
  return [];
}

async function checkKeys(work: Work, keys: readonly Verifier[]): Promise<void> {
  const { sha256, verify, signed, trusted } = work;
  const listed = (await work.blobs.get(KEYS_FILE)) === null ? keys : await loadKeys(work.blobs, sha256);
  if (listed.length !== keys.length || !listed.every((key, at) => sameKey(sha256, key, keys[at])))
    fault(work, `the file ${KEYS_FILE} lists other keys than the changes of keys in the log`);
  const own = keys.filter(key => signedBy(sha256, verify, signed.note, key) === 'valid');
  const last = keys.at(-1);
  if (last === undefined || !own.includes(last))
    fault(work, 'the checkpoint does not carry the signature of the last key');
  // Every line counts: one that does not hold was not written by the log. A checkpoint that was served carries witnesses' lines, whose keys are known elsewhere.
  const witnessed = signed.note.signatures.filter(line => isCosignature(line, signed.checkpoint.origin));
  if (signed.note.signatures.length !== own.length + witnessed.length)
    fault(work, 'the checkpoint carries a signature that does not hold');
  if (keys.some(key => key.name !== signed.checkpoint.origin)) fault(work, 'a key has another name than the log');
  if (trusted !== undefined && !keys.some(key => sameKey(sha256, key, trusted)))
    fault(work, 'the log was never signed by the key that is trusted');
}

function sameKey(sha256: Sha256, a: Verifier, b: Verifier | undefined): boolean {
  return b !== undefined && formatVerifier(sha256, a) === formatVerifier(sha256, b);
}

/** By the name of another, a time and an Ed25519 signature: 8 and 64 bytes. */
function isCosignature({ name, signature }: SignedCheckpoint['note']['signatures'][number], origin: string): boolean {
  return name !== origin && signature.length === 72;
}

async function loadCosigned(work: Work): Promise<SignedCheckpoint | null | 'unreadable'> {
  const bytes = await work.blobs.get(COSIGNED_FILE);
  return bytes === null ? null : (readSignedCheckpoint(text(bytes, COSIGNED_FILE)) ?? 'unreadable');
}

async function cosignedSize(work: Work): Promise<number> {
  const cosigned = await loadCosigned(work);
  return cosigned === null || cosigned === 'unreadable' ? -1 : cosigned.checkpoint.size;
}

/** The log's own signature on it; witnesses are known elsewhere. */
async function checkCosigned(
  work: Work,
  keys: readonly Verifier[],
  roots: ReadonlyMap<number, Uint8Array>,
): Promise<void> {
  const cosigned = await loadCosigned(work);
  if (cosigned === null) return;
  if (cosigned === 'unreadable') return fault(work, `the file ${COSIGNED_FILE} is no checkpoint`);
  const { note, checkpoint } = cosigned;
  const root = roots.get(checkpoint.size);
  if (root === undefined || !sameBytes(root, checkpoint.root))
    fault(work, `the checkpoint in ${COSIGNED_FILE} has another root than the leaves`);
  if (!keys.some(key => signedBy(work.sha256, work.verify, note, key) === 'valid'))
    fault(work, `the checkpoint in ${COSIGNED_FILE} was not signed by the log`);
}
