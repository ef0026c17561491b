import { linkSync, mkdirSync, readdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { closeAll, tempFolder } from '../workspace.test-support.ts';
import { openFolder } from './folder.ts';
import { measure, MOST_DEPTH } from './tree.ts';

afterAll(closeAll);

it.runIf(process.platform === 'linux')(
  'WS1: goes on in the folder that was opened, whatever takes its name',
  async () => {
    const [root, outside] = [tempFolder(), tempFolder()];
    mkdirSync(join(root, 'd'));
    writeFileSync(join(root, 'draft'), 'x');
    const folder = await openFolder(root, ['d']);
    renameSync(join(root, 'd'), join(root, 'moved'));
    symlinkSync(outside, join(root, 'd'));
    await rename(join(root, 'draft'), folder?.at('f') ?? '');
    await folder?.close();
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(join(root, 'moved'))).toEqual(['f']);
  },
);

it('measures what there is: sparse files whole, links as links, one file of two names once', async () => {
  const root = tempFolder();
  const most = { bytes: 10 ** 9, files: 1000 };
  writeFileSync(join(root, 'a'), Buffer.alloc(10_000));
  symlinkSync('/usr', join(root, 'link'));
  linkSync(join(root, 'a'), join(root, 'b'));
  writeFileSync(join(root, 'sparse'), '');
  truncateSync(join(root, 'sparse'), 50_000_000);
  const found = await measure(root, most);
  if (!found.ok) throw new Error(found.why);
  expect(found.usage.files).toBe(4);
  expect(found.usage.bytes).toBeGreaterThanOrEqual(50_010_000);
  expect(found.usage.bytes).toBeLessThan(50_030_000);
  expect(await measure(root, { ...most, files: 3 })).toEqual({ ok: false, why: 'more than 3 files' });
  expect(await measure(root, { ...most, files: 4 })).toMatchObject({ ok: true });
});

it('measures no deeper than it may', async () => {
  const root = tempFolder();
  const most = { bytes: 10 ** 9, files: 1000 };
  mkdirSync(join(root, Array(MOST_DEPTH).fill('d').join('/')), { recursive: true });
  expect(await measure(root, most)).toMatchObject({ ok: true });
  mkdirSync(
    join(
      root,
      Array(MOST_DEPTH + 1)
        .fill('d')
        .join('/'),
    ),
    { recursive: true },
  );
  expect(await measure(root, most)).toMatchObject({ ok: false });
});
