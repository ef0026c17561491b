/**
 * How a command is started: unshare -> sh (mounts) -> setpriv -> bwrap -> sh -> prlimit -> the shell. All but the last replace each other: one process is
 * started and ended. As an ordinary user the first three are left out.
 */
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import type { Owner } from '../files/folder.ts';
import type { WorkspaceLimits } from '../limits.ts';
import { WORKSPACE_PATH } from '../paths.ts';
import { bubblewrapArguments, type Defences, INSIDE_ID, insideEnv, limitArguments, type View } from './defences.ts';
import { seccompProgram } from './seccomp.ts';

export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string | undefined };
  /** On the host. Not the server's: a shell tells it on. */
  readonly cwd: string;
  /** What it reads from file descriptor 3 on. */
  readonly inputs: readonly Buffer[];
  readonly detached: boolean;
}

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable: boolean;
}

export interface Place {
  /** Whose processes they are; null: the server's own user, who is not root. */
  readonly owner: Owner;
  /** Whether what is mounted is brought first to where that user can reach it. Takes a root that may mount. */
  readonly staged: boolean;
  /** Beside /usr, seen read-only at the same path. */
  readonly readonly: readonly string[];
}

export interface Asked {
  /** On the host. */
  readonly root: string;
  /** Inside. */
  readonly cwd: string;
  readonly command: string;
  readonly env: { readonly [name: string]: string };
  readonly mounts: readonly Mount[];
  /** Put before the command: the relay of the network. */
  readonly before: readonly string[];
  /** Its two outputs are not put into one: what it says of errors would be in the middle of what it answers. */
  readonly apart?: true;
  readonly limits: WorkspaceLimits;
}

const SYSTEM = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
const STAGE = '/mnt';
const ARGS_FD = 3;
/** The one user there is, and the one host. */
const ETC_FILES: readonly (readonly [path: string, text: string])[] = [
  ['/etc/passwd', `workspace:x:${INSIDE_ID}:${INSIDE_ID}:workspace:${WORKSPACE_PATH}:/bin/sh\n`],
  ['/etc/group', `workspace:x:${INSIDE_ID}:\n`],
  ['/etc/hosts', '127.0.0.1 localhost workspace\n::1 localhost workspace\n'],
];
/** What the tools that build the sandbox need; nothing else of the server's environment is handed on. */
export const TOOLS_ENV: { readonly PATH: string } = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

/** In a mount namespace of its own: each source under a number, below a folder that any user may enter. */
const STAGING = `set -e
mount -t tmpfs -o mode=0755,size=1m,nosuid,nodev none ${STAGE}
n=0
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir ${STAGE}/$n; else : > ${STAGE}/$n; fi
  mount --bind "$1" ${STAGE}/$n
  n=$((n+1)); shift
done
shift
exec "$@"`;

export function launchOf(asked: Asked, place: Place, taken: Defences): Launch {
  const mounts: readonly Mount[] = [{ from: asked.root, to: WORKSPACE_PATH, writable: true }, ...asked.mounts];
  const inner = innerCommand(asked, taken);
  const outer = { env: environment(taken), detached: !taken.has('own-session') };
  const user = place.owner !== null ? privileges(place.owner, taken) : [];
  if (taken.has('bubblewrap')) {
    const [file = 'sh', ...args] = [...user, ...inner];
    return { ...outer, file, args, cwd: asked.root, inputs: [] };
  }
  const seccomp = seccompProgram(process.arch);
  const etc = ETC_FILES.map(([to, text], i) => ({ fd: ARGS_FD + 1 + i, to, bytes: Buffer.from(text) }));
  const view: View = {
    system: systemLinks(),
    readonly: place.readonly,
    mounts: mounts.map((mount, i) => (place.staged ? { ...mount, from: `${STAGE}/${i}` } : mount)),
    env: insideEnv(asked.env),
    cwd: asked.cwd,
    limits: asked.limits,
    files: etc,
    // Read only if the filter is not taken away: it comes last.
    seccompFd: seccomp === null ? null : ARGS_FD + 1 + etc.length,
  };
  // By a descriptor: arguments are seen by everybody on the host, and inside, in /proc.
  const bwrap = ['bwrap', '--args', String(ARGS_FD), ...inner];
  const stage = place.staged
    ? [
        'unshare',
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        STAGING,
        'sh',
        ...mounts.map(({ from }) => from),
        '--',
      ]
    : [];
  const [file = 'bwrap', ...args] = [...stage, ...user, ...bwrap];
  const listed = Buffer.from(
    bubblewrapArguments(view, taken)
      .map(arg => `${arg}\0`)
      .join(''),
  );
  return {
    ...outer,
    file,
    args,
    cwd: '/',
    inputs: [listed, ...etc.map(({ bytes }) => bytes), ...(seccomp === null || taken.has('seccomp') ? [] : [seccomp])],
  };
}

function privileges(owner: NonNullable<Owner>, taken: Defences): readonly string[] {
  const { uid, gid } = owner;
  const noMore = taken.has('no-new-privileges') ? [] : ['--no-new-privs'];
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', ...noMore, '--'];
}

/**
 * Node closes what it opens itself when it starts another program; what the server was started with (a socket of a supervisor, a file of a
 * shell) it hands on. A plain shell cannot name descriptors above 9.
 */
const CLOSING = 'for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -gt 2 ] && eval "exec $fd>&-"; done 2>/dev/null; ';
const CLOSING_FEW = 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ';

/** Both outputs into one, so that they stay in their order, if they are not kept apart; then the limits; then the command, in bash where there is one. */
function innerCommand({ command, before, limits, apart }: Asked, taken: Defences): readonly string[] {
  const bash = existsSync('/usr/bin/bash');
  const shell = bash ? '/usr/bin/bash' : '/bin/sh';
  const bounds = limitArguments(limits, taken);
  const limited = bounds.length === 0 ? [] : ['prlimit', ...bounds, '--'];
  const closing = taken.has('closed-files') ? '' : bash ? CLOSING : CLOSING_FEW;
  return [
    shell,
    '-c',
    `${closing}exec "$@"${apart === true ? '' : ' 2>&1'}`,
    'sh',
    ...before,
    ...limited,
    shell,
    '-c',
    command,
  ];
}

function environment(taken: Defences): Launch['env'] {
  return taken.has('clean-environment') ? process.env : TOOLS_ENV;
}

/** /bin and the like: links into /usr on most systems, folders on some. */
function systemLinks(): View['system'] {
  return SYSTEM.flatMap((name): View['system'] => {
    const path = `/${name}`;
    if (!existsSync(path)) return [];
    return [[name, lstatSync(path).isSymbolicLink() ? readlinkSync(path) : null]];
  });
}
