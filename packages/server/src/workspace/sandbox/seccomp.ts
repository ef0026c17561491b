/**
 * A seccomp filter in the form that the kernel takes (an array of `struct sock_filter`). It refuses system calls that reach past the
 * namespaces or far into the kernel, and kinds of sockets that no network namespace holds: a virtual machine talks to its host by one.
 */

interface Numbers {
  /** AUDIT_ARCH_*. */
  readonly arch: number;
  readonly socket: number;
  readonly refused: { readonly [name: string]: number };
}

/** The same on every architecture, from `io_uring_setup` on. */
const RECENT = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
};

const NUMBERS: { readonly [arch: string]: Numbers } = {
  x64: {
    arch: 0xc000003e,
    socket: 41,
    refused: {
      ...RECENT,
      pivot_root: 155,
      acct: 163,
      mount: 165,
      umount2: 166,
      swapon: 167,
      reboot: 169,
      init_module: 175,
      delete_module: 176,
      quotactl: 179,
      kexec_load: 246,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      unshare: 272,
      perf_event_open: 298,
      open_by_handle_at: 304,
      setns: 308,
      finit_module: 313,
      kexec_file_load: 320,
      bpf: 321,
      userfaultfd: 323,
    },
  },
  arm64: {
    arch: 0xc00000b7,
    socket: 198,
    refused: {
      ...RECENT,
      umount2: 39,
      mount: 40,
      pivot_root: 41,
      quotactl: 60,
      acct: 89,
      unshare: 97,
      kexec_load: 104,
      init_module: 105,
      delete_module: 106,
      reboot: 142,
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      swapon: 224,
      perf_event_open: 241,
      open_by_handle_at: 265,
      setns: 268,
      finit_module: 273,
      bpf: 280,
      userfaultfd: 282,
      kexec_file_load: 294,
    },
  },
};

/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: a network namespace holds each of them. */
const FAMILIES = [1, 2, 10, 16];

const [LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN] = [0x20, 0x15, 0x35, 0x06];
const ALLOW = 0x7fff0000;
const refusedWith = (errno: number): number => 0x00050000 | errno;
const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97];
/** Of `struct seccomp_data`. */
const [NR, ARCH, FIRST_ARGUMENT] = [0, 4, 16];
/** Calls of the x32 form on x64. */
const X32 = 0x40000000;

type Line = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** @returns null for an architecture that it is not written for */
export function seccompProgram(arch: string): Buffer | null {
  const numbers = NUMBERS[arch];
  if (numbers === undefined) return null;
  const calls = Object.values(numbers.refused);
  const lines: readonly Line[] = [
    [LOAD, 0, 0, ARCH],
    [JUMP_EQUAL, 1, 0, numbers.arch],
    [RETURN, 0, 0, refusedWith(ENOSYS)],
    [LOAD, 0, 0, NR],
    [JUMP_AT_LEAST, 0, 1, X32],
    [RETURN, 0, 0, refusedWith(ENOSYS)],
    ...calls.flatMap((call): readonly Line[] => [
      [JUMP_EQUAL, 0, 1, call],
      [RETURN, 0, 0, refusedWith(EPERM)],
    ]),
    [JUMP_EQUAL, 1, 0, numbers.socket],
    [RETURN, 0, 0, ALLOW],
    [LOAD, 0, 0, FIRST_ARGUMENT],
    ...FAMILIES.flatMap((family): readonly Line[] => [
      [JUMP_EQUAL, 0, 1, family],
      [RETURN, 0, 0, ALLOW],
    ]),
    [RETURN, 0, 0, refusedWith(EAFNOSUPPORT)],
  ];
  const program = Buffer.alloc(lines.length * 8);
  for (const [i, [code, ifTrue, ifFalse, value]] of lines.entries()) {
    program.writeUInt16LE(code, i * 8);
    program.writeUInt8(ifTrue, i * 8 + 2);
    program.writeUInt8(ifFalse, i * 8 + 3);
    program.writeUInt32LE(value, i * 8 + 4);
  }
  return program;
}
