/** Copies a workspace: for snapshots, and back. Nothing runs in it meanwhile. */
import { constants } from 'node:fs';
import { chmod, copyFile, lchown, lstat, mkdir, opendir, readlink, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { perdureError } from '@perdure/protocol';
import { refused } from '../paths.ts';
import { errorCode, type Folder, openBelow, openRoot, type Owner } from './folder.ts';
import { MOST_DEPTH } from './tree.ts';

/**
 * Files, folders and links, as they are; pipes and sockets stay behind. Where the disk can share blocks, it does.
 * @param into is made
 */
export async function copyTree(from: string, into: string, owner: Owner): Promise<void> {
  const own = async (path: string): Promise<void> => {
    if (owner !== null) await lchown(path, owner.uid, owner.gid);
  };
  const visit = async (folder: Folder, target: string, depth: number): Promise<void> => {
    if (depth > MOST_DEPTH)
      throw perdureError('workspace_quota_exceeded', `Folders are nested more than ${MOST_DEPTH} deep.`);
    for await (const { name } of await opendir(folder.self)) {
      const [source, to] = [folder.at(name), join(target, name)];
      const stat = await lstat(source);
      if (stat.isDirectory()) {
        await mkdir(to, { mode: stat.mode & 0o777 });
        const next = await openBelow(folder, name);
        try {
          if (next !== null) await visit(next, to, depth + 1);
        } finally {
          await next?.close();
        }
      } else if (stat.isSymbolicLink()) await symlink(await readlink(source), to);
      else if (stat.isFile()) await copyPlain(source, to, stat.mode);
      else continue;
      await own(to);
      if (!stat.isSymbolicLink()) await utimes(to, stat.atime, stat.mtime);
    }
  };
  await mkdir(into, { mode: 0o700 });
  const top = await openRoot(from);
  try {
    await visit(top, into, 0);
    await own(into);
  } finally {
    await top.close();
  }
}

/** Without what a file may give to who runs it: the copy may be another's. */
async function copyPlain(from: string, to: string, mode: number): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (errorCode(error) === 'EACCES') throw refused('A file of the workspace is closed to its owner.');
    throw error;
  }
  await chmod(to, mode & 0o777);
}
