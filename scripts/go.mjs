/** The ledger is verified by Go's own library. Where Go is missing and may be installed, it is; where it is not, those tests fail and say so. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, run } from './run-step.mjs';

const LIBRARY = '/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog';

function hasGo() {
  return existsSync(LIBRARY) && (env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, 'go')));
}

/** @returns {Promise<string | null>} a note if there is still no Go */
export async function ensureGo() {
  if (hasGo()) return null;
  const isRoot = typeof process.getuid === 'function' && process.getuid() === 0;
  const mayInstall = isRoot && (env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, 'apt-get')));
  if (!mayInstall) return 'no Go is here (golang-go, golang-golang-x-mod-dev), and it cannot be installed';
  process.stdout.write('...  installing Go for the ledger tests\n');
  for (const args of [
    ['-qq', 'update'],
    ['-qq', 'install', '-y', '--no-install-recommends', 'golang-go', 'golang-golang-x-mod-dev'],
  ]) {
    const { code, output } = await run('apt-get', args, { timeoutMs: 10 * 60_000 });
    if (code !== 0) return `apt-get ${args.join(' ')} failed:\n${output.slice(-2000)}`;
  }
  return hasGo() ? null : 'Go was installed, and is not found';
}
