/** One file of a workspace, read and written from the server's side. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { perdureError } from '@perdure/protocol';
import { refused } from '../paths.ts';
import { errorCode, type Owner, withParent } from './folder.ts';

/** Not blocking: a pipe that somebody put there would hold a thread for ever. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const CHUNK = 64 * 1024;

/** @returns null if it is not there. @throws workspace_path_refused, workspace_file_too_large */
export async function readBelow(root: string, names: readonly string[], maxBytes: number): Promise<Uint8Array | null> {
  return withParent(root, names, async (folder, name) => {
    const file = await openFile(folder.at(name));
    if (file === null) return null;
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw tooLarge(maxBytes);
      return await readBounded(file, maxBytes);
    } finally {
      await file.close();
    }
  });
}

async function openFile(path: string): Promise<FileHandle | null> {
  let file: FileHandle;
  try {
    file = await open(path, READ);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP') throw refused('The file is a link: read what it points to.');
    if (code === 'EACCES' || code === 'ENXIO') throw refused('The file cannot be read.');
    throw error;
  }
  const stat = await file.stat();
  if (stat.isFile()) return file;
  await file.close();
  throw refused(stat.isDirectory() ? 'This is a folder.' : 'This is no ordinary file.');
}

/** A file can grow while it is read. */
async function readBounded(file: FileHandle, maxBytes: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, null);
    if (bytesRead === 0) return Buffer.concat(parts, size);
    size += bytesRead;
    if (size > maxBytes) throw tooLarge(maxBytes);
    parts.push(buffer.subarray(0, bytesRead));
  }
}

function tooLarge(maxBytes: number): Error {
  return perdureError('workspace_file_too_large', `The file has more than ${maxBytes} bytes.`);
}

export interface Writing {
  /** A folder of the server's on the same disk, into which no command sees. */
  readonly incoming: string;
  readonly owner: Owner;
  /** Unused in `incoming`. */
  readonly unique: string;
}

/**
 * Whole or not at all: the file is written where no command sees it, and put in its place by one rename, which follows no link. On the
 * disk when this returns. @throws workspace_path_refused if a folder is there
 */
export async function writeBelow(
  root: string,
  names: readonly string[],
  bytes: Uint8Array,
  { incoming, owner, unique }: Writing,
): Promise<void> {
  if (names.length === 0) throw refused('The path names the workspace itself.');
  const draft = join(incoming, unique);
  try {
    await writeDraft(draft, bytes, owner);
    await withParent(
      root,
      names,
      async (folder, name) => {
        await rename(draft, folder.at(name));
        await folder.handle.sync();
      },
      owner,
    );
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    if (['EISDIR', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errorCode(error)))
      throw refused('There is a folder at the path.');
    if (errorCode(error) === 'EACCES') throw refused('The folder cannot be written to.');
    throw error;
  }
}

async function writeDraft(path: string, bytes: Uint8Array, owner: Owner): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(bytes);
    if (owner !== null) await file.chown(owner.uid, owner.gid);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes a file, a link, or an empty folder. @returns false if nothing is there */
export async function removeBelow(root: string, names: readonly string[]): Promise<boolean> {
  const done = await withParent(root, names, async (folder, name) => {
    try {
      const stat = await lstat(folder.at(name));
      await (stat.isDirectory() ? rmdir(folder.at(name)) : unlink(folder.at(name)));
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT') return false;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') throw refused('The folder is not empty.');
      if (code === 'EACCES') throw refused('It cannot be removed.');
      throw error;
    }
  });
  return done ?? false;
}

/** Size of what is there now, as a quota counts it: 0 if nothing is, null if it is no file. */
export async function sizeBelow(root: string, names: readonly string[]): Promise<number | null> {
  const size = await withParent(root, names, async (folder, name) => {
    try {
      const stat = await lstat(folder.at(name));
      return stat.isFile() ? stat.size : null;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return 0;
      throw error;
    }
  });
  return size;
}
