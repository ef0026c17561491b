import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { isStoreError } from '../../engine/ports.ts';
import { acquireDataLock } from './data-lock.ts';
import { scratch } from './scratch.ts';

/** Opening a home starts two threads: on a busy machine that takes a while. */
vi.setConfig({ testTimeout: 30_000 });

function refusal(dir: string): string {
  try {
    acquireDataLock(dir).release();
    return 'taken';
  } catch (error) {
    return isStoreError(error) ? `${error.storeError}: ${error.message}` : String(error);
  }
}

test('the second to take a folder is told that it is taken, until the first lets go', async () => {
  await using place = await scratch();
  const lock = acquireDataLock(place.dir);
  expect(refusal(place.dir)).toMatch(/^store_locked: another Perdure process/);
  lock.release();
  lock.release();
  expect(refusal(place.dir)).toBe('taken');
});

test('the lock of a killed process is gone with it', async () => {
  await using place = await scratch();
  const script = `
    const { acquireDataLock } = await import(${JSON.stringify(new URL('./data-lock.ts', import.meta.url).href)});
    // Held on to: a lock that nobody can reach any more is let go.
    globalThis.lock = acquireDataLock(${JSON.stringify(place.dir)});
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(refusal(place.dir)).toMatch(/^store_locked/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(refusal(place.dir)).toBe('taken');
});

test('a folder that cannot be made is no lock', async () => {
  await using place = await scratch();
  await writeFile(join(place.dir, 'file'), '');
  expect(refusal(join(place.dir, 'file', 'below'))).toMatch(/^store_unavailable/);
});

test('who has the folder to himself finds its leases void; who has not, finds them', async () => {
  await using place = await scratch();
  const first = await place.open();
  await first.renew('proc_1', 60_000);
  await first.close();
  const shared = await place.open();
  expect(await shared.ownerRemaining('proc_1')).toBe(60_000);
  await shared.close();
  expect(await (await place.open({ exclusive: true })).ownerRemaining('proc_1')).toBe(0);
});
