/** K3: a log is gone on with only as its files, its key and the store bear it out. */
import type { Checkpoint } from '../../ledger/checkpoint.ts';
import { EntryBundle } from '../../ledger/entries.ts';
import { Frontier, type FullTile } from '../../ledger/frontier.ts';
import { leafHash, perfectRoot, sameBytes } from '../../ledger/hash.ts';
import { decodeLeaf, encodeLeaf, isOfEvent, type Leaf } from '../../ledger/leaf.ts';
import { signedBy } from '../../ledger/note.ts';
import { MAX_LEVELS, partialTiles, TILE_WIDTH, tilePath } from '../../ledger/tile.ts';
import type { SignedCheckpoint } from './log-file.ts';
import { LogReader } from './log-reader.ts';
import { LedgerError, type LeafSource } from './ports.ts';
import type { Log, SealerParts } from './sealer.ts';

type Parts = Pick<SealerParts, 'files' | 'sources' | 'sha256' | 'hash' | 'verify' | 'signer'>;

/** @throws LedgerError */
export async function resumeLog(parts: Parts, { checkpoint, note }: SignedCheckpoint, onFull: FullTile): Promise<Log> {
  const { files, sha256, verify, signer } = parts;
  if (checkpoint.origin !== signer.name || signedBy(sha256, verify, note, signer) !== 'valid')
    throw new LedgerError(
      'ledger_key',
      `the log of ${checkpoint.origin} was not signed by the key at hand: if a rotation of another data folder has replaced the key, give this one a key of its own, the one that it had`,
    );
  const { size, cursor, audit, next } = checkpoint;
  const reader = new LogReader(files, sha256, size);
  const frontier = await edgeOf(parts, reader, onFull);
  if (!sameBytes(frontier.root(), checkpoint.root))
    throw new LedgerError('ledger_damaged', 'the tiles do not make the root of the checkpoint');
  const entries = size % TILE_WIDTH === 0 ? [] : await reader.entries(Math.floor(size / TILE_WIDTH));
  compareTail(parts, entries, checkpoint, frontier);
  await compareSources(parts, reader, checkpoint);
  const tail = new EntryBundle();
  for (const entry of entries) tail.push(entry);
  return {
    origin: checkpoint.origin,
    frontier,
    tail,
    cursor: { events: cursor, audit: audit?.position ?? 0 },
    auditLeaf: audit?.leaf ?? null,
    scanned: cursor,
    next,
    partials: partialTiles(size).map(tilePath),
  };
}

const NOTHING: Uint8Array = new Uint8Array(0);

async function edgeOf({ sha256, hash }: Parts, reader: LogReader, onFull: FullTile): Promise<Frontier> {
  const edges: Uint8Array[] = [];
  for (let level = 0; level < MAX_LEVELS; level++) {
    const hashes = Math.floor(reader.size / TILE_WIDTH ** level);
    edges.push(hashes % TILE_WIDTH === 0 ? NOTHING : await reader.hashes(level, Math.floor(hashes / TILE_WIDTH)));
  }
  return Frontier.resume(sha256, onFull, { size: reader.size, edges, ...(hash !== undefined && { hash }) });
}

/** The entries make the hashes. */
function compareTail({ sha256 }: Parts, tail: readonly Uint8Array[], { size }: Checkpoint, frontier: Frontier): void {
  const edge = frontier.edge(0).hashes;
  for (const [at, entry] of tail.entries()) {
    if (!sameBytes(leafHash(sha256, entry), perfectRoot(sha256, edge, at, 1)))
      throw new LedgerError('ledger_damaged', `leaf ${size - tail.length + at} is not what its hash says`);
  }
}

/** What was sealed last of each source is what the store has there. */
async function compareSources(
  { sources }: Parts,
  reader: LogReader,
  { cursor, audit, size }: Checkpoint,
): Promise<void> {
  if (cursor > 0 && !(await holds(sources.events, cursor, await lastEventLeaf(reader))))
    throw diverged('event', cursor);
  if (audit === null) return;
  const sealed = audit.leaf < size ? decodeLeaf(await reader.entry(audit.leaf)) : null;
  if (!(await holds(sources.audit, audit.position, sealed))) throw diverged('entry of the audit', audit.position);
}

async function holds(source: LeafSource, position: number, sealed: Leaf | null): Promise<boolean> {
  const found = await source.at(position);
  return found !== null && sealed !== null && encodeLeaf(found) === encodeLeaf(sealed);
}

export function diverged(what: string, position: number): LedgerError {
  return new LedgerError(
    'ledger_diverged',
    `the store does not hold the ${what} (position ${position}) that was to be sealed next, or was last: was it put back to an older state?`,
  );
}

async function lastEventLeaf(reader: LogReader): Promise<Leaf | null> {
  for (let index = reader.size - 1; index >= 0; index--) {
    const leaf = decodeLeaf(await reader.entry(index));
    if (leaf === null || isOfEvent(leaf)) return leaf;
  }
  return null;
}
