import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { closeAll, tempFolder } from '../workspace.test-support.ts';
import { isInstalled, probeBubblewrap } from './probe.ts';

afterAll(closeAll);

it('looks for the tools where they will be looked for', () => {
  expect(isInstalled('sh')).toBe(true);
  expect(isInstalled('bwrap', '/nowhere:/nowhere/else')).toBe(false);
});

it('says why a command cannot be run', async () => {
  // A folder that is none: the command cannot be put there.
  const file = join(tempFolder(), 'file');
  writeFileSync(file, '');
  const found = await probeBubblewrap({ folder: file, users: null, readonly: [] });
  expect(found.ok).toBe(false);
  if (!found.ok) expect(found.why).not.toBe('');
});
