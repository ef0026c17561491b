/** The processes of a command, as the host's /proc shows them. */
import { readdir, readFile, stat, statfs } from 'node:fs/promises';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Resident, bytes; what processes share is counted in each. */
  readonly resident: number;
}

const PAGE = 4096;

/** A process and all that it has started. Reads all of /proc: the kernel's own lists of children are not in every kernel. */
export async function tree(root: number): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
  const all = (await Promise.all(pids.map(async pid => processOf(Number(pid))))).filter(one => one !== null);
  const found = new Map<number, Process>();
  const children = Map.groupBy(all, ({ parent }) => parent);
  const visit = (one: Process): void => {
    if (found.has(one.pid)) return;
    found.set(one.pid, one);
    for (const child of children.get(one.pid) ?? []) visit(child);
  };
  const first = all.find(({ pid }) => pid === root);
  if (first !== undefined) visit(first);
  return [...found.values()];
}

/** Null if it has ended. */
async function processOf(pid: number): Promise<Process | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  // The name may hold anything, brackets and spaces too.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields === undefined) return null;
  return { pid, parent: Number(fields[1]), resident: Number(fields[21]) * PAGE };
}

/** Memory of processes, what they share counted once; of those that cannot be looked into, as if they shared nothing. */
export async function proportional(processes: readonly Process[]): Promise<number> {
  const sizes = processes.map(async ({ pid, resident }) => {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
    const [, kib] = /^Pss:\s+(\d+) kB/m.exec(text) ?? [];
    return kib === undefined ? resident : Number(kib) * 1024;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Bytes of files that have no name any more and are still open: they take room, and no walk finds them. Memory files are such too. */
export async function heldBytes(processes: readonly Process[]): Promise<number> {
  const held = new Map<string, number>();
  for (const { pid } of processes) {
    const folder = `/proc/${pid}/fd`;
    for (const fd of await readdir(folder).catch(() => [])) {
      const found = await stat(`${folder}/${fd}`).catch(() => null);
      if (found?.isFile() === true && found.nlink === 0) held.set(`${found.dev}:${found.ino}`, found.blocks * 512);
    }
  }
  return [...held.values()].reduce((sum, size) => sum + size, 0);
}

/**
 * Files in the places that a process has in memory. Until it is in its own, it sees the host's: those are known by their size.
 * @param most of one such place, bytes
 */
export async function scratchFiles({ pid }: Process, most: number): Promise<number> {
  const counts = ['tmp', 'dev/shm'].map(async path => {
    const found = await statfs(`/proc/${pid}/root/${path}`).catch(() => null);
    return found === null || found.blocks * found.bsize > most + PAGE ? 0 : found.files - found.ffree;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
