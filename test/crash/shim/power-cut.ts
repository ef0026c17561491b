/** The harness's side of `lost-writes.c`: builds it, starts servers under it, and after a kill takes away what was not synced. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** One server's life under the shim. */
export interface Watched {
  readonly env: { readonly [name: string]: string };
  readonly data: string;
  readonly undo: string;
  readonly state: string;
}

export interface Loss {
  /** Writes, their bytes and syncs that the shim saw in the server's life. */
  readonly writes: number;
  readonly bytes: number;
  readonly syncs: number;
  /** Writes that no sync had covered, and of these those that were undone. */
  readonly unsynced: number;
  readonly undone: number;
}

/** The library's path; or why there is none. */
export type Built = { readonly ok: true; readonly library: string } | { readonly ok: false; readonly why: string };

const MAGIC = 0x50_45_52_44_55_52_45_31n;
const RECORD_BYTES = 48;
const TYPES = { write: 1, create: 2, sync: 3 };
const NAMES_AT = 64;
const NAME_BYTES = 1024;
const MAX_FILES = 64;

/** Compiles the shim into `folder`. Needs Linux and a C compiler. */
export function buildShim(folder: string): Built {
  if (process.platform !== 'linux') return { ok: false, why: `LD_PRELOAD is not for ${process.platform}` };
  mkdirSync(folder, { recursive: true });
  const source = join(import.meta.dirname, 'lost-writes.c');
  const library = join(folder, 'lost-writes.so');
  for (const compiler of ['cc', 'gcc', 'clang']) {
    const built = spawnSync(compiler, ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl', '-lpthread'], {
      encoding: 'utf8',
    });
    if (built.status === 0) return { ok: true, library };
    if (built.error === undefined) return { ok: false, why: `${compiler} failed: ${built.stderr.slice(0, 500)}` };
  }
  return { ok: false, why: 'no C compiler (cc, gcc or clang) was found' };
}

/** @param scratch a folder outside of the data folder; `name` is new in it */
export function watch(library: string, data: string, scratch: string, name: string): Watched {
  const undo = join(scratch, `${name}.undo`);
  const state = join(scratch, `${name}.state`);
  const env = { LD_PRELOAD: library, PERDURE_SHIM_ROOT: data, PERDURE_SHIM_UNDO: undo, PERDURE_SHIM_STATE: state };
  return { env, data, undo, state };
}

interface UndoRecord {
  readonly type: number;
  readonly file: number;
  readonly seq: bigint;
  readonly offset: number;
  readonly size: number;
  readonly bytes: Buffer;
}

/**
 * Undoes what was not synced, newest first. With `keepOldest`, so many of the oldest stay: a disk may also have written a part.
 * @throws if the shim met something that it does not model, or its files are damaged
 */
export function cutPower(watched: Watched, keepOldest: (unsynced: number) => number = () => 0): Loss {
  // Killed before the shim was loaded: nothing was written, so nothing is lost.
  if (!existsSync(watched.state)) return { writes: 0, bytes: 0, syncs: 0, unsynced: 0, undone: 0 };
  const state = readFileSync(watched.state);
  if (state.readBigUInt64LE(0) !== MAGIC) throw new Error('the shim did not run in the server');
  const count = (at: number): number => Number(state.readBigUInt64LE(at * 8));
  const text = (at: number): string => state.toString('utf8', at, state.indexOf(0, at));
  if (count(6) > 0) {
    const met = text(NAMES_AT + MAX_FILES * NAME_BYTES);
    throw new Error(`the server used a call on its files that the shim does not model: ${met}`);
  }
  const names = Array.from({ length: count(7) }, (_, index) => text(NAMES_AT + index * NAME_BYTES));
  const records = unsyncedOf(readFileSync(watched.undo));
  const undone = records.slice(Math.min(keepOldest(records.length), records.length)).toReversed();
  for (const record of undone) undoOne(names[record.file - 1] ?? '', record);
  // Mapped memory, not a file's contents: a machine that lost its power has none of it.
  for (const name of readdirSync(watched.data)) if (name.endsWith('-shm')) rmSync(join(watched.data, name));
  rmSync(watched.undo);
  rmSync(watched.state);
  return { writes: count(1), bytes: count(2), syncs: count(3), unsynced: records.length, undone: undone.length };
}

function unsyncedOf(file: Buffer): readonly UndoRecord[] {
  let records: UndoRecord[] = [];
  for (let at = 0; at + RECORD_BYTES <= file.length; ) {
    if (file.readBigUInt64LE(at) !== MAGIC) throw new Error(`the shim's records are damaged at ${at}`);
    const kept = Number(file.readBigUInt64LE(at + 40));
    const from = at + RECORD_BYTES;
    // The kill came while it was written: its write was never made.
    if (from + kept > file.length) break;
    const record = {
      type: file.readUInt32LE(at + 8),
      file: file.readUInt32LE(at + 12),
      seq: file.readBigUInt64LE(at + 16),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      bytes: file.subarray(from, from + kept),
    };
    if (record.type === TYPES.sync) records = records.filter(one => one.file !== record.file || one.seq > record.seq);
    else records.push(record);
    at = from + kept;
  }
  return records;
}

function undoOne(path: string, { type, offset, size, bytes }: UndoRecord): void {
  // No name: another file was renamed to its name.
  if (path === '' || statSync(path, { throwIfNoEntry: false }) === undefined) return;
  if (type === TYPES.create) return unlinkSync(path);
  const fd = openSync(path, 'r+');
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
    ftruncateSync(fd, size);
  } finally {
    closeSync(fd);
  }
}
