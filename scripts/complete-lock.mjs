/**
 * `node scripts/complete-lock.mjs`: adds to package-lock.json the platform packages that its optional dependencies name and that npm left out.
 *
 * npm leaves out what it could not fetch when the lock was written (a registry that does not carry every platform), and then `npm ci` refuses the lock
 * as incomplete, on every machine. What is added here is enough for npm to pass over the package where it does not fit, and to fetch it where it does; only its
 * integrity is not known.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run-step.mjs';

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'wasi',
  'win32',
];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/**
 * What a platform package says of itself, read off its name: such names are made of system, processor and C library.
 * @param {string} name
 * @returns {{ os?: string[], cpu?: string[], libc?: string[] } | null} null if the name tells of no platform
 */
export function platformOf(name) {
  const words = name.split('/').at(-1)?.split(/[-.]/) ?? [];
  const os = SYSTEMS.filter(system => words.includes(system));
  const cpu = PROCESSORS.filter(processor => words.includes(processor));
  if (words.includes('armv7') || words.includes('eabi')) cpu.push('arm');
  if (os.length === 0 && cpu.length === 0) return null;
  const musl = words.some(word => word.startsWith('musl'));
  const gnu = words.some(word => word.startsWith('gnu'));
  return {
    ...(os.length > 0 && { os }),
    ...(cpu.length > 0 && { cpu: [...new Set(cpu)] }),
    ...((musl || gnu) && { libc: [musl ? 'musl' : 'glibc'] }),
  };
}

/**
 * @param {{ packages: Record<string, any> }} lock changed in place
 * @returns {string[]} the names that were added
 */
export function complete(lock) {
  const added = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const nested = `${path === '' ? '' : `${path}/`}node_modules/${name}`;
      if (lock.packages[nested] !== undefined || lock.packages[`node_modules/${name}`] !== undefined) continue;
      const platform = platformOf(name);
      if (platform === null) continue;
      lock.packages[`node_modules/${name}`] = {
        version,
        ...platform,
        ...(entry.dev === true && { dev: true }),
        optional: true,
      };
      added.push(name);
    }
  }
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(sorted);
  return added;
}

if (process.argv[1] === join(root, 'scripts', 'complete-lock.mjs')) {
  const file = join(root, 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const added = complete(lock);
  if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`${added.length} platform packages added\n`);
}
