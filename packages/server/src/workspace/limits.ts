/** Every bound of a workspace and of a command in it. Operators set them under `workspaces.limits` (docs/workspaces.md has the table). */
export interface WorkspaceBound {
  /** In perdure.yaml. */
  readonly name: string;
  readonly unit: string;
  readonly default: number;
  /** Both inclusive. */
  readonly min: number;
  readonly max: number;
  readonly what: string;
}

export interface WorkspaceLimits {
  readonly bytes: number;
  readonly files: number;
  readonly fileBytes: number;
  readonly freeBytes: number;
  readonly memoryBytes: number;
  readonly addressBytes: number;
  readonly totalMemoryBytes: number;
  readonly scratchBytes: number;
  readonly scratchFiles: number;
  readonly processes: number;
  readonly openFiles: number;
  readonly cpuSeconds: number;
  readonly timeoutMs: number;
  readonly outputBytes: number;
  readonly printedBytes: number;
  readonly commands: number;
  readonly servers: number;
  readonly workspaceServers: number;
  readonly snapshots: number;
  readonly watchMs: number;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

export const WORKSPACE_BOUNDS: { readonly [name in keyof WorkspaceLimits]: WorkspaceBound } = Object.freeze({
  bytes: bound('bytes', 'bytes', [GIB, MIB, 1024 * GIB], 'What the files of one workspace may hold.'),
  files: bound('files', 'files', [20_000, 16, 1_000_000], 'Files, folders and links of one workspace.'),
  fileBytes: bound('file_bytes', 'bytes', [256 * MIB, 4096, 64 * GIB], 'One file that a command writes.'),
  freeBytes: bound(
    'free_bytes',
    'bytes',
    [256 * MIB, 0, 1024 * GIB],
    'What commands leave free on the disk of the workspaces: below it they are ended.',
  ),
  memoryBytes: bound(
    'memory_bytes',
    'bytes',
    [512 * MIB, 32 * MIB, 256 * GIB],
    'Private memory of one process (RLIMIT_DATA).',
  ),
  addressBytes: bound(
    'address_bytes',
    'bytes',
    [64 * GIB, 64 * MIB, 1024 * GIB],
    'Address space of one process (RLIMIT_AS). Runtimes reserve much more than they use.',
  ),
  totalMemoryBytes: bound(
    'total_memory_bytes',
    'bytes',
    [GIB, 32 * MIB, 1024 * GIB],
    'Resident memory of all processes of one command, as it is looked at while the command runs.',
  ),
  scratchBytes: bound(
    'scratch_bytes',
    'bytes',
    [64 * MIB, 4096, 64 * GIB],
    '/tmp of one command, in memory; it goes with the command.',
  ),
  scratchFiles: bound('scratch_files', 'files', [10_000, 16, 1_000_000], 'Files in /tmp and /dev/shm of one command.'),
  processes: bound('processes', 'processes', [128, 4, 4096], 'Processes and threads of one command.'),
  openFiles: bound('open_files', 'files', [256, 16, 65_536], 'Files that one process has open.'),
  cpuSeconds: bound('cpu_seconds', 's', [300, 1, 86_400], 'Processor time of one process.'),
  timeoutMs: bound(
    'timeout_ms',
    'ms',
    [600_000, 100, 86_400_000],
    'The longest that a command may run, whatever it asks for.',
  ),
  outputBytes: bound(
    'output_bytes',
    'bytes',
    [64 * 1024, 1024, 16 * MIB],
    'What is kept of the output of a command: the middle is left out.',
  ),
  printedBytes: bound(
    'printed_bytes',
    'bytes',
    [64 * MIB, 1024, 16 * GIB],
    'What a command may print: over it the command is ended.',
  ),
  commands: bound(
    'commands',
    'commands',
    [8, 1, 1024],
    'Commands that run at once on this server; others wait their turn.',
  ),
  servers: bound(
    'servers',
    'processes',
    [32, 0, 4096],
    'Processes of MCP servers that run at once in all workspaces; further ones are not started.',
  ),
  workspaceServers: bound('workspace_servers', 'processes', [8, 0, 128], 'Those of one workspace.'),
  snapshots: bound('snapshots', 'snapshots', [10, 0, 1000], 'Snapshots of one workspace.'),
  watchMs: bound('watch_ms', 'ms', [250, 20, 60_000], 'Between two looks at what a running command holds.'),
});

export const DEFAULT_WORKSPACE_LIMITS: WorkspaceLimits = Object.freeze(limitsOf({}));

/** @param given by the names that perdure.yaml has for them */
export function limitsOf(given: { readonly [name: string]: unknown }): WorkspaceLimits {
  const entries = Object.entries(WORKSPACE_BOUNDS).map(([key, { name, default: fallback }]) => {
    const value = given[name];
    return [key, typeof value === 'number' ? value : fallback];
  });
  return Object.fromEntries(entries) as WorkspaceLimits;
}

function bound(
  name: string,
  unit: string,
  [fallback, min, max]: readonly [number, number, number],
  what: string,
): WorkspaceBound {
  return { name, unit, default: fallback, min, max, what };
}
