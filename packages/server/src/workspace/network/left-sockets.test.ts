import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { closed, opened, socketPrefix, socketTag, sweepSockets } from './left-sockets.ts';

test('what a killed process left is swept; what lives, or is of others, is not', async () => {
  const tag = socketTag(`/workspaces/${process.pid}/${performance.now()}`);
  const other = socketTag('/elsewhere');
  const { pid: dead } = spawnSync('true');
  const of = (whose: string, pid: number): string =>
    mkdtempSync(socketPrefix(whose).replace(`-${process.pid}-`, `-${pid}-`));
  const [left, foreign, living, mine, reused] = [
    of(tag, dead),
    of(other, dead),
    of(tag, process.ppid),
    of(tag, process.pid),
    of(tag, process.pid),
  ];
  opened(mine);
  expect(await sweepSockets(tag)).toBe(2);
  expect([left, foreign, living, mine, reused].map(existsSync)).toEqual([false, true, true, true, false]);
  closed(mine);
  expect(await sweepSockets(tag)).toBe(1);
  for (const folder of [foreign, living]) rmSync(folder, { recursive: true });
});
