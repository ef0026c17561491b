/** An attack on the sandbox, and which defences hold it: with those taken away it must get through, or its test shows nothing. */
import type { ExecResult, Workspace } from '../../engine/tools/ports.ts';
import type { WorkspaceLimits } from '../limits.ts';
import type { Defence } from '../sandbox/defences.ts';

export interface Scene {
  readonly workspace: Workspace;
  /** The workspace's folder, on the host. */
  readonly root: string;
  /** A folder of the host that every user may read, with `canary` in it: it holds the secret. */
  readonly outside: string;
  readonly secret: string;
  /** How long it waits to be caught, s: long where it must be, short where nobody looks. */
  readonly hold: number;
  /** What the attack has put up on the host. */
  readonly bait: string;
  readonly result: ExecResult;
  readonly pid: number;
}

export interface Attack {
  readonly name: string;
  /** Without all of these it gets through. */
  readonly heldBy: readonly [Defence, ...Defence[]];
  readonly limits?: Partial<WorkspaceLimits>;
  /** When all else fails. By default much later than anything takes. */
  readonly timeoutMs?: number;
  /** The same without its defences. */
  readonly openTimeoutMs?: number;
  /** Ends it from outside: the safety net of what would run on, ms. */
  readonly abortMs?: number;
  /** Puts something up on the host. @returns what the command must know of it, and what takes it down */
  readonly setUp?: (scene: Omit<Scene, 'result' | 'bait' | 'pid'>) => Promise<{
    readonly bait: string;
    readonly takeDown: () => Promise<void> | void;
  }>;
  readonly command: (scene: Omit<Scene, 'result' | 'pid'>) => string;
  /** Done while it runs, once it has printed `ready`. */
  readonly meanwhile?: (scene: Omit<Scene, 'result'>) => Promise<void> | void;
  /** Whether it got through. */
  readonly through: (scene: Scene) => Promise<boolean> | boolean;
}

export const MIB: number = 1024 * 1024;

/** Perl is on every Debian; it calls the system by number. */
export const perl = (code: string): string => `perl -e '${code}'`;

/** Numbers of system calls, by architecture. */
export const CALLS: { readonly mmap: number; readonly addKey: number } =
  process.arch === 'arm64' ? { mmap: 222, addKey: 217 } : { mmap: 9, addKey: 248 };

export const said =
  (word: string) =>
  (scene: Scene): boolean =>
    scene.result.output.includes(word);
