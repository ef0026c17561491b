/** Finds out whether this host can run commands in bubblewrap, and how: by running one. */
import { chown, mkdir, rm } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../files/folder.ts';
import { DEFAULT_WORKSPACE_LIMITS } from '../limits.ts';
import { runLaunch } from '../run-launch.ts';
import { NO_DEFENCE_TAKEN } from './defences.ts';
import { launchOf, type Place, TOOLS_ENV } from './launch.ts';
import { ownerOf, type UserRange } from './owner.ts';

export type Probe =
  | { readonly ok: true; readonly place: (owner: Owner) => Place }
  /** In words for the operator. */
  | { readonly ok: false; readonly why: string };

export interface ProbeOptions {
  /** A folder of the server's on the disk of the workspaces. */
  readonly folder: string;
  /** Null where the server is not root. */
  readonly users: UserRange | null;
  readonly readonly: readonly string[];
}

const PROBE_MS = 10_000;
const SAID = 300;

export async function probeBubblewrap({ folder, users, readonly }: ProbeOptions): Promise<Probe> {
  if (process.platform !== 'linux') return { ok: false, why: 'bubblewrap runs on Linux only' };
  const missing = ['bwrap', 'prlimit', ...(users === null ? [] : ['setpriv'])].filter(name => !isInstalled(name));
  if (missing.length > 0)
    return { ok: false, why: `${missing.join(', ')} is not installed (Debian: apt-get install bubblewrap util-linux)` };
  const root = join(folder, '.probe');
  const owner = users === null ? null : ownerOf('', '.probe', users);
  try {
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true, mode: 0o700 });
    if (owner !== null) await chown(root, owner.uid, owner.gid);
    let why = '';
    // Staged first: then nothing on the way to the folder must be open to others.
    for (const staged of owner === null ? [false] : [true, false]) {
      const said = await tryOnce(root, { owner, staged, readonly });
      if (said === null) return { ok: true, place: one => ({ owner: one, staged, readonly }) };
      why ||= said;
    }
    return { ok: false, why };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  } finally {
    await rm(root, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Where the tools are looked for when a command is started. */
export function isInstalled(name: string, path: string = TOOLS_ENV.PATH): boolean {
  return path.split(':').some(folder => existsSync(join(folder, name)));
}

/** @returns null if it ran, and wrote where it may */
async function tryOnce(root: string, place: Place): Promise<string | null> {
  const asked = {
    root,
    cwd: '/workspace',
    command: 'echo ran > /workspace/probe && cat /workspace/probe',
    env: {},
    mounts: [],
    before: [],
    limits: DEFAULT_WORKSPACE_LIMITS,
  };
  try {
    const { output } = await runLaunch(launchOf(asked, place, NO_DEFENCE_TAKEN), {
      root,
      before: { bytes: 0, files: 0 },
      limits: { ...DEFAULT_WORKSPACE_LIMITS, freeBytes: 0 },
      timeoutMs: PROBE_MS,
      signal: new AbortController().signal,
      show: () => undefined,
      taken: NO_DEFENCE_TAKEN,
    });
    return output.trim() === 'ran' ? null : output.trim().slice(0, SAID) || 'it said nothing';
  } catch (error) {
    return String(error).slice(0, SAID);
  }
}

/** Users that this server can give to workspaces: those that are mapped where it runs. */
export function mappedUsers(): string {
  return readFileSync('/proc/self/uid_map', 'utf8');
}
