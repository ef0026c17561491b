/** Folders of proxies that a process left when it was killed: swept by the next one that has the same workspaces. */
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Those that this process has open. */
const MINE = new Set<string>();

const PREFIX = 'perdure-net-';

/** Whose they are: of the workspaces below a folder. */
export function socketTag(folder: string): string {
  return createHash('sha256').update(folder).digest('hex').slice(0, 8);
}

/** What the name of a new one begins with: whose it is, and the process that has it. */
export function socketPrefix(tag: string): string {
  return join(tmpdir(), `${PREFIX}${tag}-${process.pid}-`);
}

export function opened(folder: string): void {
  MINE.add(basename(folder));
}

export function closed(folder: string): void {
  MINE.delete(basename(folder));
}

/** Removes those of a tag that no living process has. @returns how many */
export async function sweepSockets(tag: string, alive: (pid: number) => boolean = runs): Promise<number> {
  const own = new RegExp(`^${PREFIX}${tag}-(\\d+)-[A-Za-z0-9]{6}$`);
  let swept = 0;
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const [, pid] = own.exec(name) ?? [];
    if (pid === undefined || MINE.has(name)) continue;
    // One of this very number that is not ours is of a process that had it before.
    if (Number(pid) !== process.pid && alive(Number(pid))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).then(
      () => (swept += 1),
      () => undefined,
    );
  }
  return swept;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, as somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
