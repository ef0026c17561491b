/**
 * `npm test`: everything that can be wrong, part after part; each says one line, and a failed one its output.
 * The last line is "N passed, N failed": tests and checks together. Exit code 1 if any failed.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBrowser, hasBrowserTests } from './browser.mjs';
import { ensureBubblewrap } from './bubblewrap.mjs';
import { ensureGo } from './go.mjs';
import { root, run } from './run-step.mjs';
import { closingLine, failedTests, ofCheck, ofHarness, ofVitest } from './totals.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'perdure-test-'));
const SHOWN = 20_000;
const say = line => process.stdout.write(`${line}\n`);

const check = (name, command, ...args) => ({
  name,
  async run() {
    const result = await run(command, args);
    return { ...result, totals: ofCheck(result.code) };
  },
});

function vitest(name, projects, timeoutMs) {
  return {
    name,
    async run() {
      const report = join(scratch, `${name.replaceAll(' ', '-')}.json`);
      const chosen = projects.flatMap(project => ['--project', project]);
      const args = ['run', ...chosen, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
      const result = await run('vitest', args, { timeoutMs });
      const text = existsSync(report) ? readFileSync(report, 'utf8') : null;
      return { ...result, totals: ofVitest(text, result.code), failures: failedTests(text) };
    },
  };
}

/** Short: the long run is `npm run test:crash`. */
const crash = {
  name: 'crash run, 60 kills',
  async run() {
    const result = await run('node', ['test/crash/main.ts', '--kills', '60']);
    return { ...result, totals: ofHarness(result.output, result.code) };
  },
};

const parts = [
  check('types', 'tsc', '-b'),
  check('lint', 'oxlint', '--type-aware'),
  check('format', 'biome', 'check', '.'),
  check('unused code', 'knip'),
  check('scripts', 'node', '--test', 'scripts/*.test.mjs'),
  check('packages', 'node', 'scripts/check-packages.mjs'),
  vitest('unit and property tests', ['unit', 'property'], 20 * 60_000),
  vitest('conformance, client and crash tests', ['conformance', 'clients', 'crash'], 30 * 60_000),
  ...(hasBrowserTests() ? [vitest('browser tests', ['browser'], 10 * 60_000)] : []),
  ...(existsSync(join(root, 'test/crash/main.ts')) ? [crash] : []),
  // By itself: a hundred streams want the machine.
  vitest('load tests', ['load'], 10 * 60_000),
];

const totals = [];
const failures = [];
try {
  if (hasBrowserTests()) {
    const missing = await ensureBrowser();
    if (missing !== null) say(`note  ${missing}`);
  }
  const noGo = await ensureGo();
  if (noGo !== null) say(`note  ${noGo}`);
  const noBubblewrap = await ensureBubblewrap();
  if (noBubblewrap !== null) say(`note  ${noBubblewrap}`);
  for (const part of parts) {
    const { output, ms, totals: counted, failures: named = [] } = await part.run();
    totals.push(counted);
    failures.push(...named);
    const notes = counted.notes.length > 0 ? `; ${counted.notes.join('; ')}` : '';
    const state = counted.failed > 0 ? 'FAIL' : 'ok';
    if (counted.failed > 0) say(output.slice(-SHOWN));
    say(
      `${state.padEnd(4)}  ${part.name}: ${counted.passed} passed, ${counted.failed} failed, ${(ms / 1000).toFixed(1)} s${notes}`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
// Once more, and last: of a long log, often only the end is kept.
for (const failure of failures.slice(0, 50)) say(`failed  ${failure}`);
say(closingLine(totals));
process.exitCode = totals.some(({ failed }) => failed > 0) ? 1 : 0;
