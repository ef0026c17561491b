/**
 * Where a workspace lies: `<folder>/<tenant>/<id>/root` is what commands see, and beside it, for the server only, `snapshots/`,
 * `incoming/` (files that are being written) and `previous` (what a restore replaces, until it is done).
 */
import { chmod, chown, lchown, lstat, mkdir, opendir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Folder, isThere, openBelow, openRoot, type Owner } from './files/folder.ts';
import { folderName } from './paths.ts';

export interface Layout {
  readonly base: string;
  readonly root: string;
  readonly snapshots: string;
  readonly incoming: string;
  readonly previous: string;
}

export function layoutOf(folder: string, tenant: string, id: string): Layout {
  const base = join(folder, folderName(tenant, 'tenant'), folderName(id, 'workspace'));
  const within = (name: string): string => join(base, name);
  return {
    base,
    root: within('root'),
    snapshots: within('snapshots'),
    incoming: within('incoming'),
    previous: within('previous'),
  };
}

/** Makes what is not there, takes up a restore that was cut, and hands the files to whose they are now. */
export async function prepare(layout: Layout, owner: Owner): Promise<void> {
  for (const path of [layout.base, layout.snapshots, layout.incoming])
    await mkdir(path, { recursive: true, mode: 0o700 });
  if (!(await isThere(layout.root)))
    if (await isThere(layout.previous)) await rename(layout.previous, layout.root);
    else await mkdir(layout.root, { mode: 0o700 });
  if (owner === null) return;
  const { uid } = await lstat(layout.root);
  if (uid === owner.uid) return;
  // First the files, then the root: if this is cut, it is done again.
  const top = await openRoot(layout.root);
  try {
    await give(top, owner);
  } finally {
    await top.close();
  }
  await chown(layout.root, owner.uid, owner.gid);
  await chmod(layout.root, 0o700);
}

async function give(folder: Folder, owner: NonNullable<Owner>): Promise<void> {
  for await (const { name } of await opendir(folder.self)) {
    await lchown(folder.at(name), owner.uid, owner.gid);
    const next = await openBelow(folder, name);
    if (next === null) continue;
    try {
      await give(next, owner);
    } finally {
      await next.close();
    }
  }
}
