import { expect, it } from 'vitest';
import { seccompProgram } from './seccomp.ts';

const [ALLOW, EPERM, ENOSYS, EAFNOSUPPORT] = [0x7fff0000, 0x00050001, 0x00050026, 0x00050061];

/** What the kernel's machine would say: the few instructions that the program uses. */
function judge(program: Buffer, { arch, call, first = 0 }: { arch: number; call: number; first?: number }): number {
  const data: { readonly [offset: number]: number } = { 0: call, 4: arch, 16: first };
  let held = 0;
  for (let at = 0; ; at++) {
    const code = program.readUInt16LE(at * 8);
    const value = program.readUInt32LE(at * 8 + 4);
    const jump = (yes: boolean): number => program.readUInt8(at * 8 + (yes ? 2 : 3));
    if (code === 0x20) held = data[value] ?? 0;
    else if (code === 0x15) at += jump(held === value);
    else if (code === 0x35) at += jump(held >= value);
    else if (code === 0x06) return value;
    else throw new Error(`no instruction ${code}`);
  }
}

it.each([
  ['x64', 0xc000003e, { socket: 41, unshare: 272, bpf: 321, io_uring_setup: 425, read: 0 }],
  ['arm64', 0xc00000b7, { socket: 198, unshare: 97, bpf: 280, io_uring_setup: 425, read: 63 }],
] as const)('refuses what no tool needs, on %s', (name, arch, numbers) => {
  const program = seccompProgram(name) ?? Buffer.alloc(0);
  for (const call of [numbers.unshare, numbers.bpf, numbers.io_uring_setup])
    expect(judge(program, { arch, call })).toBe(EPERM);
  expect(judge(program, { arch, call: numbers.read })).toBe(ALLOW);
  for (const first of [1, 2, 10, 16]) expect(judge(program, { arch, call: numbers.socket, first })).toBe(ALLOW);
  for (const first of [0, 3, 17, 31, 38, 40])
    expect(judge(program, { arch, call: numbers.socket, first })).toBe(EAFNOSUPPORT);
  // Another architecture, or the x32 form: the same numbers would mean other calls.
  expect(judge(program, { arch: 0x40000003, call: numbers.read })).toBe(ENOSYS);
  expect(judge(program, { arch, call: 0x40000000 + numbers.read })).toBe(ENOSYS);
});

it('is written for no other architecture', () => {
  expect(seccompProgram('riscv64')).toBeNull();
});
