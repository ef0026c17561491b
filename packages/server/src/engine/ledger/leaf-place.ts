/**
 * Where in a log the leaf of a position lies. The ends of bundles say in which bundle; the bundle says where in it. The ends are derived: what they lack is found again
 * from the log and its sources.
 */
import type { Checkpoint } from '../../ledger/checkpoint.ts';
import { HASH_BYTES, sameBytes } from '../../ledger/hash.ts';
import { decodeLeaf, isOfEvent, leafEntry } from '../../ledger/leaf.ts';
import { TILE_WIDTH } from '../../ledger/tile.ts';
import type { Blobs, Sha256 } from '../ports.ts';
import { LogReader } from './log-reader.ts';
import {
  type BundleEnd,
  type BundleEnds,
  LedgerError,
  type LeafSource,
  type LeafSources,
  type SourceName,
} from './ports.ts';

export interface Wanted {
  readonly source: SourceName;
  readonly position: number;
  readonly kind: string;
  readonly digest: Uint8Array;
}

export interface WhereToLook {
  readonly reader: LogReader;
  readonly ends: Pick<BundleEnds, 'count' | 'end'>;
  /** What the checkpoint has sealed last. */
  readonly sealed: BundleEnd;
}

/** What a checkpoint has sealed last of each source. */
export function sealedLast({ cursor, audit }: Checkpoint): BundleEnd {
  return { events: cursor, audit: audit?.position ?? 0 };
}

/** The number of the leaf; null if it is not sealed. @throws LedgerError ledger_damaged */
export async function placeOfLeaf(
  { reader, ends, sealed }: WhereToLook,
  { source, position, kind, digest }: Wanted,
): Promise<number | null> {
  if (position > sealed[source]) return null;
  const wanted = leafEntry({ kind, digest });
  const first = firstBundle(ends, source, position);
  const bundles = Math.ceil(reader.size / TILE_WIDTH);
  // Behind the ends that are known there are few bundles. Where the leaf is not there either, the ends were cut off from power, or are of another log.
  const near = first < ends.count() ? Math.min(first + 1, bundles) : bundles;
  return (await search(reader, { from: first, to: near }, wanted)) ?? search(reader, { from: 0, to: bundles }, wanted);
}

/** The first bundle that ends at `position` or after it; as many as there are known, if none does. */
function firstBundle(ends: Pick<BundleEnds, 'count' | 'end'>, source: SourceName, position: number): number {
  let [low, high] = [0, ends.count()];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (ends.end(middle)[source] >= position) high = middle;
    else low = middle + 1;
  }
  return low;
}

async function search(
  reader: LogReader,
  { from, to }: { readonly from: number; readonly to: number },
  wanted: Uint8Array,
): Promise<number | null> {
  for (let bundle = from; bundle < to; bundle++) {
    const found = await within(reader, bundle, wanted);
    if (found !== null) return found;
  }
  return null;
}

async function within(reader: LogReader, bundle: number, wanted: Uint8Array): Promise<number | null> {
  const at = (await reader.entries(bundle)).findIndex(entry => sameBytes(entry, wanted));
  return at < 0 ? null : bundle * TILE_WIDTH + at;
}

export interface EndsParts {
  readonly files: Pick<Blobs, 'get'>;
  readonly sha256: Sha256;
  /** Leaves of the checkpoint. */
  readonly size: number;
  readonly ends: BundleEnds;
  readonly sources: LeafSources;
}

/** Bundles whose ends are written at once. */
const WRITTEN = 1024;

/**
 * Brings the ends up to the log: those of bundles that they lack are found by reading log and sources side by side. Where the two contradict each other
 * it ends: what is looked for behind is searched for. That is for `verify` to tell.
 */
export async function findBundleEnds(parts: EndsParts): Promise<void> {
  try {
    await find(parts);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
  }
}

async function find({ files, sha256, size, ends, sources }: EndsParts): Promise<void> {
  const bundles = Math.floor(size / TILE_WIDTH);
  const reader = new LogReader(files, sha256, size);
  if (ends.count() > bundles || !(await lastHolds(reader, ends, sources))) ends.clear();
  const known = ends.count();
  if (known === bundles) return;
  const last = known === 0 ? { events: 0, audit: 0 } : ends.end(known - 1);
  const rows = { events: rowsOf(sources.events, last.events), audit: rowsOf(sources.audit, last.audit) };
  let end: BundleEnd = last;
  let found: BundleEnd[] = [];
  for (let bundle = known; bundle < bundles; bundle++) {
    for (const entry of await reader.entries(bundle)) {
      const leaf = decodeLeaf(entry);
      if (leaf === null || 'note' in leaf) continue;
      const source = isOfEvent(leaf) ? 'events' : 'audit';
      const { value } = await rows[source].next();
      if (value === undefined || !sameBytes(value.digest, leaf.digest)) return;
      end = { ...end, [source]: value.position };
    }
    found.push(end);
    if (found.length < WRITTEN && bundle < bundles - 1) continue;
    ends.append(bundle + 1 - found.length, found);
    found = [];
  }
}

/** Whether the last of the ends is that of its bundle: what a power cut leaves of a file that nobody flushes, it leaves at its end. */
async function lastHolds(reader: LogReader, ends: BundleEnds, sources: LeafSources): Promise<boolean> {
  const last = ends.count() - 1;
  if (last < 0) return true;
  const leaf = (await reader.entries(last)).map(decodeLeaf).findLast(one => one !== null && 'digest' in one);
  if (leaf === undefined || leaf === null || 'note' in leaf) return true;
  const source = isOfEvent(leaf) ? 'events' : 'audit';
  const row = await sources[source].at(ends.end(last)[source]);
  return row !== null && sameBytes(row.digest, leaf.digest);
}

/** Rows read at once. */
const SLICE = 4096;

/** Those that make leaves. */
async function* rowsOf(source: LeafSource, after: number): AsyncGenerator<{ position: number; digest: Uint8Array }> {
  for (let position = after; ; ) {
    const { positions, kinds, digests } = await source.after(position, SLICE);
    for (let row = 0; row < positions.length; row++) {
      position = positions[row] ?? position;
      const digest = digests.subarray(row * HASH_BYTES, (row + 1) * HASH_BYTES);
      if ((kinds[row] ?? null) !== null) yield { position, digest };
    }
    if (positions.length < SLICE) return;
  }
}
