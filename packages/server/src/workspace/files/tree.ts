/** All of a workspace: what it holds, its files by name. */
import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir, readdir } from 'node:fs/promises';
import type { WorkspaceFile } from '../../engine/tools/ports.ts';
import { errorCode, type Folder, openBelow, openFolder, openRoot, unlock } from './folder.ts';

export interface Usage {
  readonly bytes: number;
  /** Files, folders and links, the root not among them. */
  readonly files: number;
}

/** Deeper than this a workspace is not measured, listed or copied: one open folder is held for each. */
export const MOST_DEPTH = 128;

export type Measure = { readonly ok: true; readonly usage: Usage } | { readonly ok: false; readonly why: string };

/**
 * What a workspace holds. Bytes are those that its files take on the disk, or that they say to have, whichever is more: a sparse file
 * counts whole, and a small one its block. What cannot be looked at (a folder closed even to its owner) is over any quota.
 * @param most where to stop: a count over it says only that it is over
 */
export async function measure(root: string, most: Usage): Promise<Measure> {
  let bytes = 0;
  let files = 0;
  /** One inode counts once, however many names it has. */
  const linked = new Set<string>();
  const count = (stat: Stats): void => {
    files++;
    if (stat.nlink > 1 && stat.isFile()) {
      const key = `${stat.dev}:${stat.ino}`;
      if (linked.has(key)) return;
      linked.add(key);
    }
    bytes += Math.max(stat.isFile() ? stat.size : 0, stat.blocks * 512);
  };
  const over = (): string | null => {
    if (bytes > most.bytes) return `more than ${most.bytes} bytes`;
    return files > most.files ? `more than ${most.files} files` : null;
  };
  const visit = async (folder: Folder, depth: number): Promise<string | null> => {
    if (depth > MOST_DEPTH) return `folders nested more than ${MOST_DEPTH} deep`;
    for await (const entry of await opendir(folder.self)) {
      const stat = await statOf(folder, entry.name);
      if (stat === null) continue;
      count(stat);
      const found = over() ?? (stat.isDirectory() ? await below(folder, entry.name, depth) : null);
      if (found !== null) return found;
    }
    return null;
  };
  const below = async (folder: Folder, name: string, depth: number): Promise<string | null> => {
    let next: Folder | null;
    try {
      next = await openBelow(folder, name).catch(async (error: unknown) => {
        if (errorCode(error) !== 'EACCES' || !(await unlock(folder, name))) throw error;
        return openBelow(folder, name);
      });
    } catch (error) {
      if (errorCode(error) === 'EACCES') return 'a folder that cannot be looked into';
      throw error;
    }
    if (next === null) return null;
    try {
      return await visit(next, depth + 1);
    } finally {
      await next.close();
    }
  };
  const top = await openRoot(root);
  try {
    const why = await visit(top, 0);
    return why === null ? { ok: true, usage: { bytes, files } } : { ok: false, why };
  } finally {
    await top.close();
  }
}

/** Null if it went meanwhile. */
async function statOf(folder: Folder, name: string): Promise<Stats | null> {
  try {
    return await lstat(folder.at(name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Ordinary files below a folder in the order of their names, folder by folder. Links and what else is no file are left out.
 * @param after the path of the last file that was seen
 */
export async function listFiles(
  root: string,
  names: readonly string[],
  after: readonly string[] | null,
  limit: number,
): Promise<readonly WorkspaceFile[]> {
  const found: WorkspaceFile[] = [];
  const visit = async (folder: Folder, at: readonly string[], past: readonly string[] | null): Promise<void> => {
    if (at.length > MOST_DEPTH) return;
    const entries = (await readdir(folder.self, { withFileTypes: true })).toSorted(byName);
    const [skip, ...rest] = past ?? [];
    for (const { name } of entries) {
      if (found.length >= limit) return;
      if (skip !== undefined && name < skip) continue;
      const stat = await statOf(folder, name);
      const path = [...at, name];
      if (stat?.isFile() === true && name !== skip)
        found.push({ path: path.join('/'), size: stat.size, modifiedAt: Math.floor(stat.mtimeMs) });
      if (stat?.isDirectory() === true) await below(folder, path, name === skip ? rest : null);
    }
  };
  const below = async (folder: Folder, path: readonly string[], past: readonly string[] | null): Promise<void> => {
    const next = await openBelow(folder, path.at(-1) ?? '').catch(() => null);
    if (next === null) return;
    try {
      await visit(next, path, past);
    } finally {
      await next.close();
    }
  };
  const top = await openFolder(root, names);
  if (top === null) return [];
  try {
    const inside = after !== null && names.every((name, i) => after[i] === name) ? after.slice(names.length) : null;
    await visit(top, names, inside);
    return found;
  } finally {
    await top.close();
  }
}

function byName(one: Dirent, two: Dirent): number {
  if (one.name === two.name) return 0;
  return one.name < two.name ? -1 : 1;
}
