/** Snapshots of a workspace: whole copies beside it. Nothing runs in it while one is made or put back. */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { perdureError } from '@perdure/protocol';
import { copyTree } from './files/copy-tree.ts';
import { isThere, type Owner } from './files/folder.ts';
import { removeTree } from './files/remove-tree.ts';
import type { Layout } from './layout.ts';
import { folderName } from './paths.ts';

export interface SnapshotPlace {
  readonly layout: Layout;
  readonly owner: Owner;
  /** A folder of the server's on the same disk. */
  readonly trash: string;
  /** Snapshots that there may be. */
  readonly most: number;
}

/** @returns its name. @throws workspace_quota_exceeded */
export async function takeSnapshot({ layout, trash, most }: SnapshotPlace, name: string): Promise<string> {
  await mkdir(layout.snapshots, { recursive: true, mode: 0o700 });
  const there = (await readdir(layout.snapshots)).filter(one => !one.startsWith('.'));
  if (there.length >= most)
    throw perdureError('workspace_quota_exceeded', `The workspace has ${most} snapshots, as many as it may.`);
  const [draft, final] = [join(layout.snapshots, `.${name}`), join(layout.snapshots, name)];
  try {
    // Of the server, not of the workspace's user: nobody changes it.
    await copyTree(layout.root, draft, null);
    await rename(draft, final);
    return name;
  } catch (error) {
    await removeTree(draft, trash);
    throw error;
  }
}

/** Whole or not at all: if it is cut between the two renames, `prepare` puts the old files back. @throws snapshot_not_found */
export async function restoreSnapshot(
  { layout, owner, trash }: SnapshotPlace,
  snapshot: string,
  unique: string,
): Promise<void> {
  const source = join(layout.snapshots, folderName(snapshot, 'snapshot'));
  if (!(await isThere(source))) throw perdureError('snapshot_not_found');
  const draft = join(layout.incoming, unique);
  try {
    await copyTree(source, draft, owner);
    await removeTree(layout.previous, trash);
    await rename(layout.root, layout.previous);
    await rename(draft, layout.root);
  } finally {
    await removeTree(draft, trash);
  }
  await removeTree(layout.previous, trash);
}
