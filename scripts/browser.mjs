/** The browser tests drive the system's Chromium. Where it is missing and may be installed, it is. */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, root, run } from './run-step.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

function hasBrowser() {
  const folders = (env.PATH ?? '').split(delimiter);
  return (
    Boolean(process.env.CHROMIUM_PATH) || NAMES.some(name => folders.some(folder => existsSync(join(folder, name))))
  );
}

export function hasBrowserTests() {
  const folders = ['packages', 'test'].map(name => join(root, name)).filter(folder => existsSync(folder));
  return folders.some(folder =>
    readdirSync(folder, { recursive: true }).some(
      path => String(path).endsWith('.browser.test.ts') && !String(path).includes('node_modules'),
    ),
  );
}

/** @returns {Promise<string | null>} a note if there is still no browser */
export async function ensureBrowser() {
  if (hasBrowser()) return null;
  const isRoot = typeof process.getuid === 'function' && process.getuid() === 0;
  const mayInstall = isRoot && (env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, 'apt-get')));
  if (!mayInstall) return 'no Chromium is here, and it cannot be installed: set CHROMIUM_PATH';
  process.stdout.write('...  installing chromium for the browser tests\n');
  for (const args of [
    ['-qq', 'update'],
    ['-qq', 'install', '-y', '--no-install-recommends', 'chromium'],
  ]) {
    const { code, output } = await run('apt-get', args, { timeoutMs: 10 * 60_000 });
    if (code !== 0) return `apt-get ${args.join(' ')} failed:\n${output.slice(-2000)}`;
  }
  return hasBrowser() ? null : 'chromium was installed, and is not found';
}
