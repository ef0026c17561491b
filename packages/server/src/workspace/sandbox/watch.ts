/**
 * Looks at what a running command holds, again and again, and says when it is too much. What happens between two looks is bounded by
 * nothing but the speed of the machine: the limits of single files and processes, which the kernel keeps, are the harder ones.
 */
import { statfs } from 'node:fs/promises';
import { measure, type Usage } from '../files/tree.ts';
import type { WorkspaceLimits } from '../limits.ts';
import { heldBytes, proportional, scratchFiles, tree } from './processes.ts';

export interface Watched {
  /** The workspace, on the host. */
  readonly root: string;
  /** What was started; null while there is none. */
  readonly pid: () => number | null;
  /** What it may hold: the quota, or what it held before if that was more. */
  readonly most: Usage;
  readonly limits: WorkspaceLimits;
}

export interface Watch {
  stop(): void;
}

/** A look takes as long as there is to look at: as much time again lies between two, several times over. */
const SHARE = 4;

/** @param tell is called once, with why */
export function watch(watched: Watched, tell: (why: string) => void): Watch {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const began = performance.now();
    // What goes while it is looked at (a process, a folder) is seen by the next look.
    const why = await findExcess(watched).catch(() => null);
    if (stopped) return;
    if (why !== null) {
      tell(why);
      return;
    }
    const pause = Math.max(watched.limits.watchMs, SHARE * (performance.now() - began));
    timer = setTimeout(() => void look(), pause);
  };
  timer = setTimeout(() => void look(), Math.min(watched.limits.watchMs, FIRST_MS));
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const FIRST_MS = 50;

/** Why a command must end; null if it need not. */
export async function findExcess({ root, pid, most, limits }: Watched): Promise<string | null> {
  const started = pid();
  const held = started === null ? 0 : await processExcess(started, limits);
  if (typeof held === 'string') return held;
  const found = await measure(root, most);
  if (!found.ok) return `the workspace holds ${found.why}`;
  if (found.usage.bytes + held > most.bytes)
    return `the workspace holds more than ${most.bytes} bytes, open files without a name among them`;
  const { bavail, bsize } = await statfs(root);
  return bavail * bsize < limits.freeBytes ? 'the disk of this server is nearly full' : null;
}

/** @returns bytes that are held in files without a name, or what is too much */
async function processExcess(started: number, limits: WorkspaceLimits): Promise<number | string> {
  const processes = await tree(started);
  const resident = processes.reduce((sum, one) => sum + one.resident, 0);
  if (resident > limits.totalMemoryBytes && (await proportional(processes)) > limits.totalMemoryBytes)
    return `its processes hold more than ${limits.totalMemoryBytes} bytes of memory`;
  // The first process of the sandbox: it ends last.
  const init = processes.find(({ parent }) => parent === started);
  if (init !== undefined && (await scratchFiles(init, limits.scratchBytes)) > limits.scratchFiles)
    return `/tmp and /dev/shm hold more than ${limits.scratchFiles} files`;
  return heldBytes(processes);
}
