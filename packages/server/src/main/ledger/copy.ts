/**
 * Copies a log from a server, over HTTP, for whoever does not trust it.
 *
 * C1  The checkpoint is written last, once everything before it was verified: a folder with a checkpoint is a whole log.
 * C2  What is there is not fetched again, so a copy that was cut short goes on. It is verified all the same.
 * C3  A later copy into the same folder must begin with the earlier one: what was copied once cannot be taken back unnoticed.
 */
import { CHECKPOINT_FILE, KEYS_FILE, loadCheckpoint, readSignedCheckpoint } from '../../engine/ledger/log-file.ts';
import { LogReader } from '../../engine/ledger/log-reader.ts';
import type { Blobs } from '../../engine/ports.ts';
import { decodeEntries, encodeEntries } from '../../ledger/entries.ts';
import { HASH_BYTES, sameBytes } from '../../ledger/hash.ts';
import { MAX_LEVELS, partialTiles, type Tile, TILE_WIDTH, tilePath, widthAt } from '../../ledger/tile.ts';
import { CliError, EXIT } from '../cli/exit.ts';
import { sealingHash, sealingSha256 as sha256 } from './digest.ts';

/** What a server gives of a path of the log; null for 404. @throws CliError */
export type FetchFile = (path: string, most: number) => Promise<Uint8Array | null>;

/** Bytes of a checkpoint with its witnesses' lines, and of a file of keys. */
const NOTE_BYTES = 65_536;
/** An entry has at most 65,535 bytes, after the two that say how many. */
const BUNDLE_BYTES = TILE_WIDTH * 65_537;
/** Files fetched at once. */
const AT_ONCE = 8;

export interface Copied {
  readonly size: number;
  /** Files that were not there yet. */
  readonly fetched: number;
  /** The log as it is now, its checkpoint not yet written. */
  readonly blobs: Pick<Blobs, 'get'>;
  /** Writes the checkpoint, and takes away what only the earlier one needed. */
  finish(): Promise<void>;
}

/** Fetches what is missing. @throws CliError where the server's log is none, or does not begin with the one that was copied before */
export async function copyLog(
  fetchFile: FetchFile,
  files: Blobs,
  onProgress: (done: number, of: number) => void,
): Promise<Copied> {
  const note = await fetchFile(CHECKPOINT_FILE, NOTE_BYTES);
  const signed = note === null ? null : readSignedCheckpoint(new TextDecoder().decode(note));
  if (note === null || signed === null)
    throw new CliError(
      EXIT.failed,
      note === null ? 'there is no log there, or none yet' : 'what it gives as checkpoint is none',
      {
        hint: 'Want http://HOST/ledger/HOME.',
      },
    );
  const { size, origin } = signed.checkpoint;
  const before = (await loadCheckpoint(files))?.checkpoint ?? null;
  if (before !== null && (before.origin !== origin || before.size > size))
    throw new CliError(
      EXIT.refused,
      `the folder has ${before.size} leaves of ${before.origin}, the server ${size} of ${origin}`,
    );
  const keys = await fetchFile(KEYS_FILE, NOTE_BYTES);
  if (keys !== null) await files.put(KEYS_FILE, keys);
  const tiles = [...tilesOf(size)];
  let fetched = 0;
  for (let done = 0; done < tiles.length; done += AT_ONCE) {
    onProgress(done, tiles.length);
    const some = tiles.slice(done, done + AT_ONCE);
    const made = await Promise.all(some.map(tile => fetchTile(fetchFile, files, tile)));
    fetched += made.filter(Boolean).length;
  }
  const blobs: Copied['blobs'] = { get: async path => (path === CHECKPOINT_FILE ? note : files.get(path)) };
  if (before !== null) {
    const reader = new LogReader(blobs, sha256, size, sealingHash);
    if (!sameBytes(await reader.root(before.size), before.root))
      throw new CliError(
        EXIT.refused,
        `the server's log does not begin with the ${before.size} leaves that were copied before`,
        {
          hint: 'It was rewritten, or this is the copy of another log. Keep the folder: its checkpoint is signed.',
        },
      );
  }
  return {
    size,
    fetched,
    blobs,
    async finish() {
      await files.put(CHECKPOINT_FILE, note);
      const kept = new Set(tiles.map(tilePath));
      const old = before === null ? [] : partialTiles(before.size).map(tilePath);
      for (const path of old) if (!kept.has(path)) await files.delete(path);
    },
  };
}

function* tilesOf(size: number): Generator<Tile> {
  const levels: readonly Tile['level'][] = ['entries', ...Array.from({ length: MAX_LEVELS }, (_, level) => level)];
  for (const level of levels)
    for (let index = 0, width = 0; (width = widthAt(size, level, index)) > 0; index++) yield { level, index, width };
}

/** @returns whether it was not there yet */
async function fetchTile(fetchFile: FetchFile, files: Blobs, tile: Tile): Promise<boolean> {
  const path = tilePath(tile);
  if ((await files.get(path)) !== null) return false;
  const most = tile.level === 'entries' ? BUNDLE_BYTES : TILE_WIDTH * HASH_BYTES;
  const bytes =
    (await fetchFile(path, most)) ?? cut(tile, await fetchFile(tilePath({ ...tile, width: TILE_WIDTH }), most));
  if (bytes === null) throw new CliError(EXIT.failed, `the server has a checkpoint but no ${path}`);
  await files.put(path, bytes);
  return true;
}

/** The beginning of a full one: once it is full, its shorter forms go. */
function cut({ level, width }: Tile, full: Uint8Array | null): Uint8Array | null {
  if (full === null || level !== 'entries') return full?.subarray(0, width * HASH_BYTES) ?? null;
  const entries = decodeEntries(full, TILE_WIDTH);
  return entries === null ? null : encodeEntries(entries.slice(0, width));
}
