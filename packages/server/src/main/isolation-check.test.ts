import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { DEFAULT_EGRESS } from './config/egress.ts';
import { workspacesOf } from './config/workspaces.ts';
import { isolationCheck } from './isolation-check.ts';

const config = (isolation: 'required' | 'preferred' | 'none') => ({
  data: tmpdir(),
  egress: DEFAULT_EGRESS,
  workspaces: workspacesOf({ isolation }, tmpdir()),
});
const left = (): number => readdirSync(tmpdir()).filter(name => name.startsWith('perdure-doctor-')).length;

test('doctor says which isolation is in force, by running a command, and leaves nothing behind', async () => {
  const before = left();
  const required = await isolationCheck(config('required'));
  const preferred = await isolationCheck(config('preferred'));
  if (required.result === 'ok')
    expect([required, preferred].map(({ detail }) => detail)).toEqual(Array(2).fill('commands run in bubblewrap'));
  else expect([required.result, preferred.result]).toEqual(['failed', 'warning']);
  expect(await isolationCheck(config('none'))).toMatchObject({
    result: 'ok',
    detail: expect.stringContaining('just-bash'),
  });
  expect(left()).toBe(before);
});

test('doctor fails where the isolation that is demanded is missing', async () => {
  // Users that no map holds: as in a container that has few.
  const demanded = config('required');
  const users = { first: 4_294_967_290, count: 1000 };
  const check = await isolationCheck({ ...demanded, workspaces: { ...demanded.workspaces, users } });
  if (process.getuid?.() === 0)
    expect(check).toMatchObject({ result: 'failed', detail: expect.stringContaining('required') });
  else expect(['ok', 'failed']).toContain(check.result);
});
