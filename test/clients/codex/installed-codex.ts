/** The Codex CLI, installed once a clone at the version of this folder's lock file. */
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '../../../node_modules/.cache/perdure-codex');

/** The path of its launcher, a script for node. */
export async function installedCodex(): Promise<string> {
  const launcher = join(CACHE, 'node_modules/@openai/codex/bin/codex.js');
  mkdirSync(CACHE, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(import.meta.dirname, file), join(CACHE, file));
  if (!existsSync(launcher)) await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: CACHE, timeout: 300_000 });
  return launcher;
}
