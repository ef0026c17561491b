/** Attacks that take more than they may: processes, memory, disk, time, output. Each is small: it stops by itself above its bound. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Attack, CALLS, MIB, perl, said, type Scene } from './attack.test-support.ts';

const notEnded = ({ result }: Scene): boolean => result.ended !== 'quota';
const sizeOf = (path: string): number => {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
};
/** Holds what it has until it is looked at. */
const keep = ({ hold }: Pick<Scene, 'hold'>): string => `sleep ${hold}`;

export const BOMBS: readonly Attack[] = [
  {
    name: 'fork bomb',
    heldBy: ['processes'],
    limits: { processes: 24 },
    command: () =>
      perl(
        '$| = 1; for (1..150) { my $p = fork; last if !defined $p; if (!$p) { sleep 20; exit } $n++ } print "made $n\\n"',
      ),
    through: ({ result }) => Number(/made (\d+)/.exec(result.output)?.[1] ?? 0) >= 100,
  },
  {
    name: 'memory bomb',
    heldBy: ['memory'],
    limits: { memoryBytes: 48 * MIB },
    command: () => perl('$x = "a" x (160 << 20); print "got it\\n" if length $x'),
    through: said('got it'),
  },
  {
    name: 'shared memory, which is nobody’s private memory',
    heldBy: ['address-space'],
    limits: { addressBytes: 512 * MIB },
    command: () => perl(`print "got it\\n" if syscall(${CALLS.mmap}, 0, 2 << 30, 3, 0x21, -1, 0) != -1`),
    through: said('got it'),
  },
  {
    name: 'memory of many processes',
    heldBy: ['watch'],
    limits: { totalMemoryBytes: 80 * MIB },
    command: ({ hold }) =>
      `for i in 1 2 3 4 5 6; do ${perl(`$x = "a" x (12 << 20); $y = $x . "b"; select(undef, undef, undef, ${hold + 1})`)} & done; wait`,
    through: notEnded,
  },
  {
    name: 'one huge file',
    heldBy: ['file-size'],
    limits: { fileBytes: MIB },
    command: () => 'head -c 6000000 /dev/zero > big',
    through: ({ root }) => sizeOf(join(root, 'big')) > MIB,
  },
  {
    name: 'many bytes in many files',
    heldBy: ['watch'],
    limits: { bytes: 4 * MIB },
    command: scene => `for i in 1 2 3 4 5 6 7 8; do head -c 1000000 /dev/zero > $i; done; ${keep(scene)}`,
    through: notEnded,
  },
  {
    name: 'many small files',
    heldBy: ['watch'],
    limits: { files: 100 },
    command: scene => `for i in $(seq 400); do : > $i; done; ${keep(scene)}`,
    through: notEnded,
  },
  {
    name: 'many bytes in a file without a name',
    heldBy: ['watch'],
    limits: { bytes: 4 * MIB },
    command: ({ hold }) =>
      perl(
        `open F, ">", "x"; unlink "x"; print F "a" x 8000000; close STDOUT; $f = \\*F; select($f); $| = 1; select(undef, undef, undef, ${hold})`,
      ),
    through: notEnded,
  },
  {
    name: 'folders in folders, deeper than anybody looks',
    heldBy: ['watch'],
    command: scene => `d=d; for i in $(seq 300); do mkdir $d; cd $d; done; ${keep(scene)}`,
    through: notEnded,
  },
  {
    name: 'a folder that is closed to who measures it',
    heldBy: ['watch'],
    limits: { bytes: 4 * MIB },
    command: scene => `mkdir d; head -c 8000000 /dev/zero > d/x; chmod 0 d; ${keep(scene)}`,
    through: notEnded,
  },
  {
    name: 'a full disk',
    heldBy: ['watch'],
    limits: { freeBytes: 2 ** 52 },
    command: keep,
    through: notEnded,
  },
  {
    name: 'memory by way of /tmp',
    heldBy: ['sized-scratch'],
    limits: { scratchBytes: MIB },
    command: () => 'head -c 6000000 /dev/zero > /tmp/big; stat -c "size %s" /tmp/big',
    through: ({ result }) => Number(/size (\d+)/.exec(result.output)?.[1]) > 2 * MIB,
  },
  {
    name: 'memory by way of /dev/shm',
    heldBy: ['sized-scratch'],
    limits: { scratchBytes: MIB },
    command: () => 'head -c 6000000 /dev/zero > /dev/shm/big; stat -c "size %s" /dev/shm/big',
    through: ({ result }) => Number(/size (\d+)/.exec(result.output)?.[1]) > 2 * MIB,
  },
  {
    name: 'kernel memory by way of empty files in /tmp',
    heldBy: ['watch'],
    limits: { scratchFiles: 100 },
    command: scene => `for i in $(seq 300); do : > /tmp/$i; done; ${keep(scene)}`,
    through: notEnded,
  },
  {
    name: 'memory by way of the folder /',
    heldBy: ['readonly-root'],
    command: () => 'head -c 1000 /dev/zero > /big && echo written',
    through: said('written'),
  },
  {
    name: 'memory by way of /dev',
    heldBy: ['readonly-dev'],
    command: () => 'head -c 1000 /dev/zero > /dev/big && echo written',
    through: said('written'),
  },
  {
    name: 'many open files',
    heldBy: ['open-files'],
    limits: { openFiles: 32 },
    command: () =>
      perl('for (1..200) { open(my $f, "<", "/dev/null") or last; push @f, $f } print "opened ", scalar @f, "\\n"'),
    through: said('opened 200'),
  },
  {
    name: 'a core dump',
    heldBy: ['no-core'],
    command: () => 'ulimit -H -c',
    through: ({ result }) => result.output.trim() !== '0',
  },
  {
    name: 'an endless loop',
    heldBy: ['processor-time'],
    limits: { cpuSeconds: 1 },
    command: () => perl('1 while (times)[0] < 3; print "went on\n"'),
    through: said('went on'),
  },
  {
    name: 'an endless sleep',
    heldBy: ['timeout'],
    timeoutMs: 300,
    abortMs: 1500,
    command: () => 'trap "" TERM INT HUP; sleep 60',
    through: ({ result }) => result.ended !== 'timeout',
  },
  {
    name: 'endless output',
    heldBy: ['output-limit'],
    limits: { printedBytes: 2 * MIB, outputBytes: 4096 },
    openTimeoutMs: 1500,
    command: () => 'yes',
    through: ({ result }) => result.ended !== 'output_limit',
  },
];
