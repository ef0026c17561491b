/** How a command is run in just-bash. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WORKSPACE_PATH } from '../paths.ts';
import { insideEnv } from '../sandbox/defences.ts';
import type { Asked, Launch } from '../sandbox/launch.ts';

export interface JustBashTask {
  /** On the host. */
  readonly root: string;
  /** Where it is seen. */
  readonly at: string;
  readonly cwd: string;
  readonly command: string;
  readonly env: { readonly [name: string]: string };
  readonly fileBytes: number;
  readonly timeoutMs: number;
}

const CHILD = fileURLToPath(new URL(`./child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
const MIB = 1024 * 1024;

/** Node's own permissions hold the interpreter to the workspace, should it be led astray: no other file, no program, no addon. */
export function justBashLaunch({ root, cwd, command, env, limits }: Asked): Launch {
  const task: JustBashTask = {
    root,
    at: WORKSPACE_PATH,
    cwd,
    command,
    env: insideEnv(env),
    fileBytes: limits.fileBytes,
    timeoutMs: limits.timeoutMs,
  };
  const packages = dirname(dirname(createRequire(import.meta.url).resolve('just-bash')));
  const readable = [CHILD, nodeModules(packages), root];
  const args = [
    '--permission',
    ...readable.map(path => `--allow-fs-read=${path}`),
    `--allow-fs-write=${root}`,
    `--max-old-space-size=${Math.max(64, Math.floor(limits.memoryBytes / MIB))}`,
    '--disable-warning=ExperimentalWarning',
    CHILD,
  ];
  return {
    file: process.execPath,
    args,
    env: {},
    cwd: '/',
    inputs: [Buffer.from(JSON.stringify(task))],
    detached: true,
  };
}

/** The folder of packages that one lies in: what it needs lies there too. */
function nodeModules(path: string): string {
  const at = path.lastIndexOf('/node_modules/');
  return at < 0 ? path : path.slice(0, at + '/node_modules'.length);
}
