import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { spaceCheck } from './doctor.ts';

const MIB = 1024 * 1024;

test.each([
  [64 * MIB - 1, 'failed'],
  [64 * MIB, 'warning'],
  [1024 * MIB - 1, 'warning'],
  [1024 * MIB, 'ok'],
])('%i bytes free: %s', (free, result) => {
  expect(spaceCheck(tmpdir(), () => free).result).toBe(result);
});

test('a folder that is not there yet is looked for upwards', () => {
  const asked: string[] = [];
  spaceCheck(join(tmpdir(), 'not', 'there'), folder => {
    asked.push(folder);
    return 0;
  });
  expect(asked).toEqual([tmpdir()]);
  expect(spaceCheck(tmpdir()).detail).toMatch(/^\d+ MiB free at /);
});
