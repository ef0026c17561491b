/** Removes whole trees that others have made: of any depth, with any rights, never over a link. */
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, isThere } from './folder.ts';

/**
 * Takes a folder away at once and removes it then. Folders in it are brought up to the top one by one: so no path grows long, and none is
 * held open. What a process that died left in the trash goes with the next.
 * @param trash a folder of the server's on the same disk
 */
export async function removeTree(path: string, trash: string): Promise<void> {
  await mkdir(trash, { recursive: true, mode: 0o700 });
  if (!(await isThere(path))) return;
  const mine = join(trash, unique());
  await mkdir(mine, { mode: 0o700 });
  await moveUp(path, mine);
  await emptyTrash(mine);
  await rmdir(mine);
}

function unique(): string {
  return randomBytes(12).toString('hex');
}

async function moveUp(from: string, into: string): Promise<void> {
  const to = join(into, unique());
  try {
    await rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error;
    await chmod(from, 0o700);
    await rename(from, to);
  }
}

async function emptyTrash(trash: string): Promise<void> {
  for (;;) {
    const names = await readdir(trash);
    if (names.length === 0) return;
    for (const name of names) await removeOne(join(trash, name), trash);
  }
}

async function removeOne(path: string, trash: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) return unlink(path);
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await moveUp(join(path, entry.name), trash);
    else await unlink(join(path, entry.name));
  await rmdir(path);
}
