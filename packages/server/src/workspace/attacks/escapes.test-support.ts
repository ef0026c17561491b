/** Attacks that reach for what is not theirs: files, processes, rights, secrets of the host. */
import { spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Attack, CALLS, perl, said, type Scene } from './attack.test-support.ts';

const reads = (scene: Scene): boolean => scene.result.output.includes(scene.secret);

/** A process of the host, to be found, signalled or outlived. */
async function canary(marker: string): Promise<{ readonly bait: string; readonly takeDown: () => void }> {
  const child = spawn('perl', ['-e', 'sleep 120', marker], { stdio: 'ignore' });
  await once(child, 'spawn');
  return { bait: String(child.pid), takeDown: () => void child.kill('SIGKILL') };
}

/** One that ends another may have ended this one meanwhile. */
function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function alive(pid: string): boolean {
  // What was killed is a zombie until it is waited for.
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Processes of the host with a word in their command line. */
export function withMarker(marker: string): readonly number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(marker);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function until(test: () => boolean, seconds: number): Promise<boolean> {
  for (let i = 0; i < seconds * 20 && !test(); i++) await new Promise(resolve => setTimeout(resolve, 50));
  return test();
}

const sameNamespace = (kind: string, heldBy: Attack['heldBy'], what: string): Attack => ({
  name: what,
  heldBy,
  command: () => `readlink /proc/self/ns/${kind}`,
  through: ({ result }) => result.output.trim() === readlinkSync(`/proc/self/ns/${kind}`),
});

const hostDevice = (): string =>
  readdirSync('/dev', { withFileTypes: true }).find(
    one => one.isCharacterDevice() && !/^(null|zero|full|random|urandom|tty|console|ptmx)$/.test(one.name),
  )?.name ?? 'kmsg';

const SURVIVOR = 'perdure-survivor';

export const ESCAPES: readonly Attack[] = [
  {
    name: 'reads a file of the host by its path',
    heldBy: ['own-root'],
    command: ({ outside }) => `cat ${outside}/canary /host${outside}/canary ../../../..${outside}/canary`,
    through: reads,
  },
  {
    name: 'reads a file of the host over a symbolic link',
    heldBy: ['own-root'],
    command: ({ outside }) => `ln -s ${outside} a; ln -s /host${outside} b; cat a/canary b/canary`,
    through: reads,
  },
  {
    name: 'changes a file of the host',
    heldBy: ['own-root', 'own-user'],
    command: ({ outside }) => `echo changed > /host${outside}/canary; echo changed > ${outside}/canary`,
    through: ({ outside }) => readFileSync(join(outside, 'canary'), 'utf8') === 'changed\n',
  },
  {
    name: 'reads a workspace of another tenant',
    heldBy: ['own-root', 'own-user'],
    command: ({ root }) => {
      const victim = root.replace('/default/', '/victim/');
      return `cat ${victim}/secret /host${victim}/secret`;
    },
    through: reads,
  },
  {
    name: 'writes to /usr',
    heldBy: ['readonly-system', 'own-user'],
    setUp: async () => {
      const bait = `/usr/share/.perdure-attack-${process.pid}`;
      return { bait, takeDown: () => rmSync(bait, { force: true }) };
    },
    command: ({ bait }) => `touch ${bait}`,
    through: ({ bait }) => existsSync(bait),
  },
  {
    name: 'finds processes of the host in /proc',
    heldBy: ['own-proc'],
    setUp: () => canary('perdure-canary'),
    command: () => 'grep -al perdure-canar[y] /proc/[0-9]*/cmdline',
    through: ({ bait, result }) => result.output.includes(`/proc/${bait}/`),
  },
  {
    name: 'ends a process of the host by a signal',
    heldBy: ['process-namespace', 'own-proc', 'own-user'],
    setUp: () => canary('perdure-canary'),
    command: ({ bait }) => `kill -9 ${bait}; sleep 0.1`,
    through: ({ bait }) => !alive(bait),
  },
  sameNamespace('pid', ['process-namespace', 'own-proc'], 'is among the processes of the host'),
  sameNamespace('cgroup', ['cgroup-namespace'], 'sees the control groups of the host'),
  {
    name: 'signals its parent, the server',
    heldBy: ['process-namespace', 'own-proc', 'own-user'],
    // The signal that does nothing: no test survives the others.
    command: () => `kill -0 ${process.pid} && echo reached`,
    through: said('reached'),
  },
  {
    name: 'runs on when what started it is killed',
    heldBy: ['die-with-parent'],
    command: () => `${perl('$| = 1; print "ready\\n"; sleep 60')} ${SURVIVOR}`,
    meanwhile: ({ pid }) => void process.kill(pid, 'SIGKILL'),
    through: async ({ hold }) => {
      const survived = !(await until(() => withMarker(SURVIVOR).length === 0, hold));
      for (const pid of withMarker(SURVIVOR)) end(pid);
      return survived;
    },
  },
  {
    name: 'is in the session of the server, and so at its terminal',
    heldBy: ['own-session'],
    command: () => 'echo ready; sleep 0.3',
    meanwhile: scene => {
      sessions.set(scene.root, sessionOf(scene.pid) === sessionOf(process.pid));
    },
    through: ({ root }) => sessions.get(root) === true,
  },
  {
    name: 'makes a user namespace and is root in it',
    heldBy: ['seccomp', 'no-nested-namespaces'],
    command: () => 'unshare --user --map-root-user id -u',
    through: ({ result }) => result.exitCode === 0,
  },
  {
    name: 'has capabilities',
    heldBy: ['no-capabilities'],
    command: () => 'grep CapEff /proc/self/status',
    through: ({ result }) => !/CapEff:\s+0+\n/.test(result.output),
  },
  {
    name: 'opens sockets that no namespace holds, or keys of the kernel',
    heldBy: ['seccomp'],
    command: () =>
      perl(
        `for my $f (40, 38) { print "opened $f\\n" if socket(S, $f, $f == 38 ? 5 : 1, 0) }
         my ($t, $d) = ("user", "perdure"); print "opened key\\n" if syscall(${CALLS.addKey}, $t, $d, $d, 7, -3) > 0;`,
      ),
    through: said('opened'),
  },
  {
    name: 'reads secrets of the server in the environment',
    heldBy: ['clean-environment'],
    setUp: async ({ secret }) => {
      process.env['PERDURE_ATTACK_SECRET'] = secret;
      return { bait: '', takeDown: () => void delete process.env['PERDURE_ATTACK_SECRET'] };
    },
    command: () => 'env; cat /proc/[0-9]*/environ',
    through: reads,
  },
  {
    name: 'becomes root by a setuid program',
    heldBy: ['bubblewrap', 'no-new-privileges'],
    setUp: async ({ root }) => {
      copyFileSync('/usr/bin/id', join(root, 'id'));
      chmodSync(join(root, 'id'), 0o4755);
      return { bait: '', takeDown: () => rmSync(join(root, 'id'), { force: true }) };
    },
    command: () => './id -u',
    through: ({ result }) => result.output.trim() === '0',
  },
  {
    name: 'opens a device file that lies in the workspace',
    heldBy: ['bubblewrap'],
    setUp: async ({ root }) => {
      execFileSync('mknod', ['-m', '666', join(root, 'zero'), 'c', '1', '5']);
      return { bait: '', takeDown: () => rmSync(join(root, 'zero'), { force: true }) };
    },
    command: () => 'head -c 4 zero | wc -c',
    through: ({ result }) => result.output.trim() === '4',
  },
  {
    name: 'finds devices of the host',
    heldBy: ['own-dev'],
    setUp: async () => ({ bait: hostDevice(), takeDown: () => undefined }),
    command: ({ bait }) => `mknod made c 1 5 && echo seen; [ -e /dev/${bait} ] && echo seen`,
    through: said('seen'),
  },
  {
    name: 'sees shared memory of the host',
    heldBy: ['ipc-namespace'],
    setUp: async () => {
      const made = execFileSync('ipcmk', ['-M', '4096', '-p', '0666'], { encoding: 'utf8' });
      const [bait = ''] = /\d+/.exec(made) ?? [];
      return { bait, takeDown: () => void execFileSync('ipcrm', ['-m', bait]) };
    },
    command: () => 'ipcs -m',
    through: ({ bait, result }) => new RegExp(`\\b${bait}\\b`).test(result.output),
  },
  {
    name: 'learns the name of the host',
    heldBy: ['uts-namespace'],
    command: () => 'uname -n',
    through: ({ result }) => result.output.trim() === hostname(),
  },
];

const sessions = new Map<string, boolean>();

function sessionOf(pid: number): string {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[3] ?? '';
}
