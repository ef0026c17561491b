import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { isStoreError } from '../../engine/ports.ts';
import { NOON } from '../sample.ts';
import type { ReaderOps, WriterOps } from './messages.ts';
import { scratch } from './scratch.ts';
import { WorkerLink } from './worker-link.ts';

vi.setConfig({ testTimeout: 30_000 });

const SETUP = { home: 'home', now: NOON, synchronous: 'FULL', maxPages: null } as const;

test('no request is left with a sleeping worker, however the sleep and the post fall together', async () => {
  await using place = await scratch();
  const setup = { ...SETUP, path: place.file };
  const writer = await WorkerLink.open<WriterOps>('writer', setup);
  const reader = await WorkerLink.open<ReaderOps>('reader', setup);
  for (let i = 0; i < 500; i++) {
    const asked = reader.call('document', 'none');
    if (i % 10 === 0) await delay(i % 3);
    await asked;
    if (i % 50 === 0) await writer.call('outboxTrim', i);
  }
  await Promise.all([writer.terminate(), reader.terminate()]);
});

test('an idle worker begins before the turn of the event loop is over in which it is asked', async () => {
  await using place = await scratch();
  const writer = await WorkerLink.open<WriterOps>('writer', { ...SETUP, path: place.file });
  const db = new DatabaseSync(place.file, { readOnly: true });
  const find = db.prepare('SELECT count(*) AS n FROM documents WHERE digest = ?');
  const asked = writer.call('putDocument', { digest: 'd', body: 'kept' });
  const until = performance.now() + 10_000;
  while (find.get('d')?.['n'] === 0 && performance.now() < until);
  expect(find.get('d')?.['n']).toBe(1);
  await asked;
  db.close();
  await writer.terminate();
});

test('a worker that sleeps is ended at once, and what waits for it fails', async () => {
  await using place = await scratch();
  const writer = await WorkerLink.open<WriterOps>('writer', { ...SETUP, path: place.file });
  await delay(50);
  const began = performance.now();
  const waits = writer.call('size', null);
  const ended = writer.terminate();
  await expect(waits).rejects.toSatisfy(isStoreError);
  await ended;
  expect(performance.now() - began).toBeLessThan(2000);
  await expect(writer.call('size', null)).rejects.toSatisfy(isStoreError);
});

test('an idle home that nobody closes does not keep the process', async () => {
  await using place = await scratch();
  const script = `
    const { openSqliteHome } = await import(process.argv[1]);
    const clock = { now: () => Date.now(), monotonic: () => performance.now() };
    const store = await openSqliteHome({ dir: process.argv[2], home: 'home', clock });
    await store.putDocument('d', 'kept');
    await store.document('d');
    console.log('done');`;
  const module = new URL('./open-sqlite-home.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, module, place.dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(output).toBe('done\n');
});

test('a worker that ends by itself is told of once, and what waits for it and what comes later fails', async () => {
  await using place = await scratch();
  const deaths: string[] = [];
  const setup = { ...SETUP, path: place.file };
  const writer = await WorkerLink.open<WriterOps>('writer', setup, ({ message }) => deaths.push(message));
  // A release without steps cannot come by the port: the thread weighs it, and falls.
  const waits = writer.call('release', null as never);
  await expect(waits).rejects.toSatisfy(isStoreError);
  await expect(writer.call('size', null)).rejects.toSatisfy(isStoreError);
  await vi.waitFor(() => expect(deaths).toHaveLength(1), { timeout: 10_000 });
  expect(deaths[0]).toMatch(/steps/);
  await writer.terminate();
  expect(deaths).toHaveLength(1);
});

test('a worker that is ended in order is no death', async () => {
  await using place = await scratch();
  const deaths: Error[] = [];
  const writer = await WorkerLink.open<WriterOps>('writer', { ...SETUP, path: place.file }, error =>
    deaths.push(error),
  );
  await writer.call('size', null);
  await writer.call('close', null);
  // By itself, before anybody ends it.
  const threads = (): number => (process.report.getReport() as { workers: readonly unknown[] }).workers.length;
  await vi.waitFor(() => expect(threads()).toBe(0), { timeout: 10_000, interval: 50 });
  await expect(writer.call('size', null)).rejects.toSatisfy(isStoreError);
  await writer.terminate();
  expect(deaths).toEqual([]);
});
