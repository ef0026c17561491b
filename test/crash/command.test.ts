import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { HELP, readCommand, UsageError } from './command.ts';
import { DEFAULTS } from './harness.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** Ends before anything is started: by help, or by an error of the command. */
function crashTest(...argv: string[]) {
  return spawnSync(process.execPath, [MAIN, ...argv], { encoding: 'utf8', timeout: 30_000 });
}

describe('the crash test on the command line', () => {
  test('tells what it can do', () => {
    expect(crashTest('--help')).toMatchObject({ status: 0, stdout: HELP, stderr: '' });
  });

  test('ends with 2 on an option that it does not know, and says which it knows', () => {
    const { status, stdout, stderr } = crashTest('--kill', '5');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain("Unknown option '--kill'");
    expect(stderr).toContain(HELP);
  });
});

test('what is not said is the default', () => {
  expect(readCommand([], 7)).toEqual({
    options: { ...DEFAULTS, seconds: null, seed: 7, diskFull: true },
    json: false,
  });
});

test('what is said holds', () => {
  const argv = ['--kills', '50', '--seconds', '60', '--seed', '4711', '--no-shim', '--no-disk-full', '--json'];
  expect(readCommand(argv, 7)).toMatchObject({
    options: { kills: 50, seconds: 60, seed: 4711, shimShare: 0, diskFull: false },
    json: true,
  });
});

test.each([
  ['--kills', '1', true],
  ['--kills', '0', false],
  ['--kills', '1.5', false],
  ['--seed', '-1', false],
  ['--seconds', 'x', false],
  ['50', '', false],
])('%s %s: %s', (name, value, good) => {
  const read = () => readCommand(value === '' ? [name] : [`${name}=${value}`], 7);
  if (good) expect(read()).not.toBeNull();
  else expect(read).toThrow(UsageError);
});

test('every option is in the help', () => {
  for (const option of ['kills', 'seconds', 'seed', 'no-shim', 'no-disk-full', 'json', 'help'])
    expect(HELP).toContain(`\n  --${option} `);
});
