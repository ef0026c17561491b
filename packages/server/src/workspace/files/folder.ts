/**
 * Folders of a workspace, opened name by name. What runs in the workspace may swap any of its folders for a link at any time, so no path
 * is ever resolved as a whole: each name is opened below the folder that is already open, and links are not followed.
 *
 * Node has no `openat`. On Linux `/proc/self/fd/N/name` is one: it begins at the open folder itself, wherever that is by now. Elsewhere
 * names are joined to a path, and who changes the folders at the same time can win; no command runs natively there.
 */
import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open, lchown } from 'node:fs/promises';
import { join } from 'node:path';
import { refused } from '../paths.ts';

/** Whose files they are; null: the server's own user. */
export type Owner = { readonly uid: number; readonly gid: number } | null;

export interface Folder {
  /** A path to something in it. Valid until it is closed. */
  at(name: string): string;
  /** Of the folder itself. */
  readonly self: string;
  readonly handle: FileHandle;
  close(): Promise<void>;
}

const LINUX = process.platform === 'linux';
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

async function openOne(path: string): Promise<Folder> {
  const handle = await open(path, FOLDER);
  const self = LINUX ? `/proc/self/fd/${handle.fd}` : path;
  return { handle, self, at: name => join(self, name), close: () => handle.close() };
}

/** @param root of a workspace: a folder of the server's, in which nobody else writes */
export async function openRoot(root: string): Promise<Folder> {
  return openOne(root);
}

/** @returns null if it is not there, or no folder */
export async function openBelow(parent: Folder, name: string): Promise<Folder | null> {
  try {
    return await openOne(parent.at(name));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error))) return null;
    throw error;
  }
}

/** Of Linux; Node has no name for it: a file that is opened for nothing but to be meant. */
const O_PATH = 0o10000000;

/** Opens a folder to its owner: the very one that is there now, whatever is put in its place. @returns false if it cannot be */
export async function unlock(parent: Folder, name: string): Promise<boolean> {
  if (!LINUX) return false;
  try {
    const meant = await open(parent.at(name), O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await chmod(`/proc/self/fd/${meant.fd}`, 0o700);
      return true;
    } finally {
      await meant.close();
    }
  } catch {
    return false;
  }
}

/**
 * Goes down the names, folder by folder.
 * @param make whose the folders are that are made on the way; undefined makes none
 * @returns null if one is not there
 * @throws workspace_path_refused at a link, at what is no folder, and at a folder that is closed to the server
 */
export async function openFolder(root: string, names: readonly string[], make?: Owner): Promise<Folder | null> {
  let folder = await openRoot(root);
  for (const name of names) {
    try {
      if (make !== undefined) await makeFolder(folder, name, make);
      const next = await openOne(folder.at(name));
      await folder.close();
      folder = next;
    } catch (error) {
      await folder.close();
      const code = errorCode(error);
      if (code === 'ENOENT') return null;
      if (code === 'ENOTDIR' || code === 'ELOOP')
        throw refused('The path goes through a link, or through what is no folder.');
      if (code === 'EACCES') throw refused('The path goes through a folder that cannot be read.');
      throw error;
    }
  }
  return folder;
}

async function makeFolder(parent: Folder, name: string, owner: Owner): Promise<void> {
  try {
    await mkdir(parent.at(name), 0o755);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    throw error;
  }
  if (owner !== null) await lchown(parent.at(name), owner.uid, owner.gid);
}

/** Opens the folder that a path lies in, does something with its last name, closes. @returns null if the folder is not there */
export async function withParent<T>(
  root: string,
  names: readonly string[],
  act: (folder: Folder, name: string) => Promise<T>,
  make?: Owner,
): Promise<T | null> {
  const name = names.at(-1);
  if (name === undefined) throw refused('The path names the workspace itself.');
  const folder = await openFolder(root, names.slice(0, -1), make);
  if (folder === null) return null;
  try {
    return await act(folder, name);
  } finally {
    await folder.close();
  }
}

/** Whether something is there: a file, a folder, a link, anything. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
