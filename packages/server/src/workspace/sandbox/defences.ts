/**
 * What keeps a command in, by name. Each entry is an argument (or a few) of the launch, and what stands there if the defence is taken away:
 * the attack suite takes them away one by one and sees its attacks succeed. Nothing else ever does.
 */
import type { WorkspaceLimits } from '../limits.ts';
import { WORKSPACE_PATH } from '../paths.ts';

export type Defence =
  | 'bubblewrap'
  | 'own-user'
  | 'no-new-privileges'
  | 'process-namespace'
  | 'network-namespace'
  | 'ipc-namespace'
  | 'uts-namespace'
  | 'cgroup-namespace'
  | 'no-nested-namespaces'
  | 'seccomp'
  | 'no-capabilities'
  | 'die-with-parent'
  | 'own-session'
  | 'clean-environment'
  | 'closed-files'
  | 'own-root'
  | 'readonly-system'
  | 'own-proc'
  | 'own-dev'
  | 'readonly-dev'
  | 'readonly-root'
  | 'sized-scratch'
  | 'processes'
  | 'memory'
  | 'address-space'
  | 'file-size'
  | 'open-files'
  | 'processor-time'
  | 'no-core'
  | 'watch'
  | 'timeout'
  | 'output-limit';

export const DEFENCES: { readonly [name in Defence]: string } = Object.freeze({
  bubblewrap: 'Everything that bubblewrap does.',
  'own-user':
    'Each workspace has a user of its own on the host, who owns nothing else. Needs a server that runs as root.',
  'no-new-privileges': 'No file gives its rights to who runs it.',
  'process-namespace': 'Processes outside are not seen, and not signalled.',
  'network-namespace': 'No interface but its own loopback: no network, no abstract sockets of the host.',
  'ipc-namespace': 'Shared memory and message queues of the host are not seen.',
  'uts-namespace': 'A host name of its own.',
  'cgroup-namespace': 'Its place in the host’s control groups is not seen.',
  'no-nested-namespaces': 'No user namespace can be made, and so no capability be had in one.',
  seccomp: 'System calls that no tool needs are refused, and kinds of sockets that no network namespace holds.',
  'no-capabilities': 'Root inside has no capability either.',
  'die-with-parent': 'Everything ends with the process that was started, so with the server.',
  'own-session': 'The terminal that the server was started from cannot be reached.',
  'clean-environment': 'Nothing of the server’s environment comes in.',
  'closed-files': 'No open file that the server was started with is handed on. Needs bash.',
  'own-root': 'Of the host’s files only /usr and a few of /etc are seen.',
  'readonly-system': '/usr cannot be changed.',
  'own-proc': '/proc shows its own processes only.',
  'own-dev': 'Only null, zero, full, random, urandom and tty are there of devices.',
  'readonly-dev': '/dev, which is memory, cannot be filled.',
  'readonly-root': '/, which is memory, cannot be filled.',
  'sized-scratch': '/tmp and /dev/shm, which are memory, have a size.',
  processes: 'Processes and threads at once (RLIMIT_NPROC).',
  memory: 'Private memory of a process (RLIMIT_DATA).',
  'address-space': 'Address space of a process (RLIMIT_AS).',
  'file-size': 'One file (RLIMIT_FSIZE).',
  'open-files': 'Open files of a process (RLIMIT_NOFILE).',
  'processor-time': 'Processor time of a process (RLIMIT_CPU).',
  'no-core': 'No core dump.',
  watch: 'What all of it holds together is looked at while it runs: files, deleted files, memory, free disk.',
  timeout: 'Time on the clock.',
  'output-limit': 'What it may print.',
});

export type Defences = ReadonlySet<Defence>;
export const NO_DEFENCE_TAKEN: Defences = new Set();

interface Part {
  readonly defence?: Defence;
  readonly args: readonly string[];
  readonly without?: readonly string[];
}

export interface View {
  /** What lies on the host beside /usr: names of links below / and what they point to, or null for a folder. */
  readonly system: readonly (readonly [name: string, target: string | null])[];
  /** Files and folders of the host that are seen at the same path, read-only. */
  readonly readonly: readonly string[];
  /** What is put in: from where on the host, to where. */
  readonly mounts: readonly { readonly from: string; readonly to: string; readonly writable: boolean }[];
  /** What is read from file descriptors, and where it is seen as a file. */
  readonly files: readonly { readonly fd: number; readonly to: string }[];
  readonly env: { readonly [name: string]: string };
  readonly cwd: string;
  readonly limits: WorkspaceLimits;
  /** Of a compiled seccomp program; null if this architecture has none. */
  readonly seccompFd: number | null;
}

/** Of /etc: what programs need to find their libraries, certificates and names. */
const ETC = [
  '/etc/alternatives',
  '/etc/ld.so.cache',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/ca-certificates',
  '/etc/pki/tls/certs',
  '/etc/localtime',
  '/etc/mime.types',
];
/** The one user inside. */
export const INSIDE_ID = 1000;

/** Arguments of `bwrap`, in their order: later mounts lie over earlier ones. */
export function bubblewrapArguments(view: View, taken: Defences): readonly string[] {
  const { limits } = view;
  const scratch = ['--size', String(limits.scratchBytes)];
  const parts: readonly Part[] = [
    { args: ['--unshare-user', '--uid', String(INSIDE_ID), '--gid', String(INSIDE_ID)] },
    { defence: 'process-namespace', args: ['--unshare-pid'] },
    { defence: 'network-namespace', args: ['--unshare-net'] },
    { defence: 'ipc-namespace', args: ['--unshare-ipc'] },
    { defence: 'uts-namespace', args: ['--unshare-uts', '--hostname', 'workspace'] },
    { defence: 'cgroup-namespace', args: ['--unshare-cgroup-try'] },
    { defence: 'no-nested-namespaces', args: ['--disable-userns'] },
    { defence: 'die-with-parent', args: ['--die-with-parent'] },
    { defence: 'own-session', args: ['--new-session'] },
    { defence: 'no-capabilities', args: ['--cap-drop', 'ALL'], without: ['--cap-add', 'ALL'] },
    { defence: 'clean-environment', args: ['--clearenv'] },
    ...Object.entries(view.env).map(([name, value]) => ({ args: ['--setenv', name, value] })),
    { defence: 'own-root', args: [], without: ['--bind', '/', '/host'] },
    { defence: 'readonly-system', args: ['--ro-bind', '/usr', '/usr'], without: ['--bind', '/usr', '/usr'] },
    ...view.system.map(([name, target]) => ({
      args: target === null ? ['--ro-bind', `/${name}`, `/${name}`] : ['--symlink', target, `/${name}`],
    })),
    ...[...ETC, ...view.readonly].map(path => ({ args: ['--ro-bind-try', path, path] })),
    ...view.files.map(({ fd, to }) => ({ args: ['--perms', '0644', '--ro-bind-data', String(fd), to] })),
    { defence: 'own-proc', args: ['--proc', '/proc'], without: ['--ro-bind', '/proc', '/proc'] },
    { defence: 'own-dev', args: ['--dev', '/dev'], without: ['--dev-bind', '/dev', '/dev'] },
    { defence: 'sized-scratch', args: scratch },
    { args: ['--perms', '1777', '--tmpfs', '/dev/shm'] },
    { defence: 'readonly-dev', args: ['--remount-ro', '/dev'] },
    { defence: 'sized-scratch', args: scratch },
    { args: ['--perms', '1777', '--tmpfs', '/tmp'] },
    ...view.mounts.map(({ from, to, writable }) => ({ args: [writable ? '--bind' : '--ro-bind', from, to] })),
    { defence: 'readonly-root', args: ['--remount-ro', '/'] },
    ...(view.seccompFd === null ? [] : [{ defence: 'seccomp' as const, args: ['--seccomp', String(view.seccompFd)] }]),
    { args: ['--chdir', view.cwd] },
  ];
  return chosen(parts, taken);
}

/** Set within, before the command is: there the count of processes is its own, whoever else runs as the same user. */
export function limitArguments(limits: WorkspaceLimits, taken: Defences): readonly string[] {
  return chosen(
    [
      { defence: 'processes', args: [`--nproc=${limits.processes}`] },
      { defence: 'memory', args: [`--data=${limits.memoryBytes}`] },
      { defence: 'address-space', args: [`--as=${limits.addressBytes}`] },
      { defence: 'file-size', args: [`--fsize=${limits.fileBytes}`] },
      { defence: 'open-files', args: [`--nofile=${limits.openFiles}`] },
      { defence: 'processor-time', args: [`--cpu=${limits.cpuSeconds}`] },
      { defence: 'no-core', args: ['--core=0'] },
    ],
    taken,
  );
}

export function insideEnv(given: { readonly [name: string]: string }): { readonly [name: string]: string } {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: WORKSPACE_PATH,
    LANG: 'C.UTF-8',
    USER: 'workspace',
    SHELL: '/bin/sh',
    TERM: 'dumb',
    TMPDIR: '/tmp',
    ...given,
  };
}

function chosen(parts: readonly Part[], taken: Defences): readonly string[] {
  return parts.flatMap(({ defence, args, without = [] }) =>
    defence !== undefined && taken.has(defence) ? without : args,
  );
}
