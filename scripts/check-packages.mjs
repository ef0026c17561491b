/** The packages as they are published: publint finds nothing, and the compiled command line runs. Wants `tsc -b` done. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { PACKAGES, stage } from './publishable.mjs';
import { root, run } from './run-step.mjs';

/** Below node_modules, where Node runs no TypeScript (as at a user's), and finds the dependencies above. */
const into = join(root, 'node_modules', '.cache', `perdure-packages-${process.pid}`);
const problems = [];
try {
  mkdirSync(into, { recursive: true });
  for (const name of PACKAGES) {
    const folder = await stage(name, into);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    for (const entry of Object.values(manifest.exports).flatMap(value =>
      typeof value === 'string' ? [value] : Object.values(value),
    )) {
      if (!existsSync(join(folder, entry))) problems.push(`${name}: exports ${entry}, which is not there`);
    }
    const { messages } = await publint({ pkgDir: folder, pack: false, strict: true });
    for (const message of messages) problems.push(`${name}: ${formatMessage(message, manifest, { color: false })}`);
  }
  for (const { args, wanted } of commandLines()) {
    const { code, output } = await run('node', [join(into, 'server', 'bin', 'perdure.mjs'), ...args], {
      timeoutMs: 120_000,
    });
    if (code !== 0 || !output.includes(wanted))
      problems.push(`perdure ${args.join(' ')}: exit code ${code}, wanted "${wanted}":\n${output.slice(-2000)}`);
  }
} finally {
  rmSync(into, { recursive: true, force: true });
}

/**
 * What shows that compiled code finds its files: shipped contracts, the store's threads.
 * @returns {{ args: string[], wanted: string }[]}
 */
function commandLines() {
  const data = join(into, 'data');
  return [
    { args: ['--version'], wanted: '0.' },
    { args: ['contracts', 'check', 'none'], wanted: 'ok' },
    { args: ['keys', 'create', '--name', 'check', '--scope', 'admin', '--data', data], wanted: 'pdr_' },
    { args: ['doctor', '--data', data], wanted: 'every chain holds' },
  ];
}

for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
