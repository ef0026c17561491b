import type { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import { isStoreError } from '../../engine/ports.ts';
import { NOON } from '../sample.ts';
import { LastingLink, type LifeSigns, MAX_DEATHS } from './lasting-link.ts';
import type { WriterOps } from './messages.ts';
import { type Scratch, scratch } from './scratch.ts';

vi.setConfig({ testTimeout: 60_000 });

interface Watched {
  readonly link: LastingLink<WriterOps>;
  readonly signs: readonly string[];
  /** Ends the thread that works now, as no caller could. */
  readonly kill: () => Promise<void>;
}

async function watched(place: Scratch): Promise<Watched> {
  const signs: string[] = [];
  const threads: Worker[] = [];
  const told: LifeSigns = {
    died: (thread, _, forGood) => void signs.push(`${thread} died${forGood ? ' for good' : ''}`),
    revived: thread => void signs.push(`${thread} is back`),
  };
  process.on('worker', thread => void threads.push(thread));
  const setup = { path: place.file, home: 'home', now: NOON, synchronous: 'FULL', maxPages: null } as const;
  const link = await LastingLink.open<WriterOps>('writer', setup, told);
  return { link, signs, kill: async () => void (await threads.at(-1)?.terminate()) };
}

test('what it was told before and after its death is kept; what came in between is refused', async () => {
  await using place = await scratch();
  const { link, signs, kill } = await watched(place);
  await link.call('putDocument', { digest: 'before', body: 'kept' });
  await kill();
  await expect(link.call('putDocument', { digest: 'between', body: 'lost' })).rejects.toSatisfy(isStoreError);
  await vi.waitFor(() => expect(signs).toEqual(['writer died', 'writer is back']), 10_000);
  await link.call('putDocument', { digest: 'after', body: 'kept' });
  await link.terminate();
  const store = await place.open();
  expect(await store.document('before')).toBe('kept');
  expect(await store.document('between')).toBeNull();
  expect(await store.document('after')).toBe('kept');
});

test('one that dies again and again is given up', async () => {
  await using place = await scratch();
  const { link, signs, kill } = await watched(place);
  for (let death = 1; death < MAX_DEATHS; death++) {
    await kill();
    await vi.waitFor(() => expect(signs).toHaveLength(2 * death), 20_000);
  }
  await kill();
  expect(signs.slice(-2)).toEqual(['writer is back', 'writer died for good']);
  await expect(link.call('size', null)).rejects.toSatisfy(isStoreError);
  await link.terminate();
  expect(signs).toHaveLength(2 * MAX_DEATHS - 1);
});

test('one that was closed stays closed', async () => {
  await using place = await scratch();
  const { link, signs, kill } = await watched(place);
  await kill();
  await link.terminate();
  await new Promise(resolve => setTimeout(resolve, 300));
  expect(signs).toEqual(['writer died']);
});
