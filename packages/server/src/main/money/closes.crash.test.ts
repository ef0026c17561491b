/** A close and a restatement of which the process dies between its writes: all of it is there in the end, once, or nothing is. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLOSE_KILL_POINTS } from '../../engine/kill-point.ts';
import { readConfigFile } from '../configured.ts';
import { openDataFolder } from '../data-folder.ts';
import { type ClosedFolder, closedFolder } from './closed-folder.test-support.ts';

const CHILD = fileURLToPath(new URL('./killed.test-support.ts', import.meta.url));

let folder: ClosedFolder;
beforeEach(async () => {
  folder = await closedFolder(3);
  folder.configure({});
});
afterEach(() => rmSync(folder.cwd, { recursive: true, force: true }));

async function audited(): Promise<
  readonly { readonly action: string; readonly subject: string; readonly body: string }[]
> {
  const io = { out: () => undefined, err: () => undefined, env: {}, cwd: folder.cwd };
  const opened = await openDataFolder(readConfigFile('perdure.yaml', io), 'make');
  const rows = (await opened?.control.audit(0, 100)) ?? [];
  await opened?.close();
  return rows.filter(({ action }) => action.startsWith('month.'));
}

function killed(point: string, argv: readonly string[]): void {
  const env = { ...process.env, PERDURE_KILL_POINT: point };
  expect(spawnSync(process.execPath, [CHILD, ...argv], { cwd: folder.cwd, env }).signal).toBe('SIGKILL');
}

function files(): readonly string[] {
  try {
    return readdirSync(join(folder.data, 'usage-closed')).toSorted();
  } catch {
    return [];
  }
}

test.each(CLOSE_KILL_POINTS)('killed at %s', { timeout: 120_000 }, async point => {
  const there = point === 'close.after-file';
  const close = ['usage', 'close', '2026-03'];
  killed(point, close);
  expect(files()).toEqual(there ? ['2026-03.json'] : []);
  expect(await audited()).toEqual([]);
  expect((await folder.run(...close)).code).toBe(there ? 3 : 0);
  expect(await audited()).toMatchObject([{ action: 'month.closed' }]);

  folder.configure({ price: 3 });
  const restate = ['usage', 'restate', '2026-03', '--reason', 'dearer'];
  killed(point, restate);
  expect(files()).toEqual(there ? ['2026-03.json', '2026-03.restated-1.json'] : ['2026-03.json']);
  expect(await audited()).toHaveLength(1);
  // What is there by now is not done twice.
  expect((await folder.run(...restate)).code).toBe(there ? 3 : 0);
  expect(files()).toEqual(['2026-03.json', '2026-03.restated-1.json']);
  const entries = await audited();
  expect(entries.map(({ action }) => action)).toEqual(['month.closed', 'month.restated']);
  for (const [i, name] of files().entries()) {
    const bytes = readFileSync(join(folder.data, 'usage-closed', name));
    const body = JSON.parse(entries[i]?.body ?? '') as { readonly id: string; readonly file_sha256: string };
    expect(body).toMatchObject({
      id: entries[i]?.subject,
      file_sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    expect(JSON.parse(bytes.toString())).toMatchObject({ id: body.id });
  }
  expect((await folder.run('usage', 'closes')).code).toBe(0);
  expect(await audited()).toEqual(entries);
});
