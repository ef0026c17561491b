/** Commands of agents run in bubblewrap. Where it is missing and may be installed, it is; where it is not, the attack suite is left out and says so. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, run } from './run-step.mjs';

const found = name => (env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, name)));

/** @returns {Promise<string | null>} a note if there is still no bubblewrap */
export async function ensureBubblewrap() {
  if (process.platform !== 'linux') return 'no bubblewrap is here: the attacks on the sandbox are left out';
  if (found('bwrap')) return null;
  const isRoot = typeof process.getuid === 'function' && process.getuid() === 0;
  if (!isRoot || !found('apt-get'))
    return 'no bubblewrap is here, and it cannot be installed: the attacks on the sandbox are left out';
  process.stdout.write('...  installing bubblewrap for the attacks on the sandbox\n');
  for (const args of [
    ['-qq', 'update'],
    ['-qq', 'install', '-y', '--no-install-recommends', 'bubblewrap'],
  ]) {
    const { code, output } = await run('apt-get', args, { timeoutMs: 10 * 60_000 });
    if (code !== 0) return `apt-get ${args.join(' ')} failed:\n${output.slice(-2000)}`;
  }
  return found('bwrap') ? null : 'bubblewrap was installed, and is not found';
}
