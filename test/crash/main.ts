/**
 * The crash test: kills the server a thousand times under load, restarts it, and holds it to what it had said.
 *
 *   node test/crash/main.ts [--kills 1000] [--seconds N] [--seed S] [--json] [--no-shim] [--no-disk-full]
 *
 * Exits 0 only if no law was broken and the kills were as hard as they are meant to be (`missedGoals`).
 */
import { parseArgs } from 'node:util';
import { DEFAULTS, runHarness } from './harness.ts';
import { asJson, asTable, missedGoals } from './report.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: String(DEFAULTS.kills) },
    seconds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'no-shim': { type: 'boolean', default: false },
    'no-disk-full': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} wants a whole number above 0, not ${text}`);
  return value;
}

const report = await runHarness({
  ...DEFAULTS,
  kills: whole('kills', values.kills),
  seconds: values.seconds === undefined ? null : whole('seconds', values.seconds),
  seed: whole('seed', values.seed),
  diskFull: !values['no-disk-full'],
  shimShare: values['no-shim'] ? 0 : DEFAULTS.shimShare,
  progress: line => void process.stderr.write(`${line}\n`),
});
process.stdout.write(values.json ? `${JSON.stringify(asJson(report), null, 2)}\n` : asTable(report));
process.exitCode = report.violations.total > 0 || missedGoals(report).length > 0 ? 1 : 0;
