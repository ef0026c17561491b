/** docs/write-your-own-contract.md, followed from top to bottom: its files are written, its commands run, their output compared. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { perdure } from './cli/captured-io.test-support.ts';

const page = readFileSync(new URL('../../../../docs/write-your-own-contract.md', import.meta.url), 'utf8');
const STEP =
  /File `(?<path>[^`]+)`:\n\n```\w+\n(?<body>[\s\S]*?)```|```console\n\$ perdure (?<command>.*)\n(?<output>[\s\S]*?)```/g;
const steps = [...page.matchAll(STEP)].map(match => match.groups ?? {});
const commands = steps.filter(({ command }) => command !== undefined);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perdure-guide-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the guide', () => {
  test('has all its files and commands here', () => {
    expect(page.match(/^```/gm)).toHaveLength(steps.length * 2);
    expect(commands.length).toBeGreaterThan(8);
  });

  test.each(
    steps.map(({ path, body, command, output }, i) => ({
      name: `${i + 1}: ${path ?? command ?? ''}`,
      path,
      body,
      command,
      output,
    })),
  )('$name', async ({ path, body, command, output }) => {
    if (path !== undefined) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), body ?? '');
      return;
    }
    const { out, err } = await perdure((command ?? '').split(' '), { cwd: folder });
    expect((err + out).replaceAll(folder, '.')).toBe(output);
  });
});
