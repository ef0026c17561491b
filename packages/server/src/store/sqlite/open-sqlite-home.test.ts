import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { isStoreError } from '../../engine/ports.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { ProjectionChange } from '../../log/rows.ts';
import { commit, snapshot } from '../conformance-case.ts';
import { nextAppend, responseNamed, sampleSession, took } from '../sample.ts';
import { PAGE_BYTES } from './connection.ts';
import { scratch } from './scratch.ts';
import { MAX_WAITING } from './worker-link.ts';

/** Opening a home starts two threads: on a busy machine that takes a while. */
vi.setConfig({ testTimeout: 30_000 });

const KIB_100 = 'x'.repeat(100_000);

test('a full store says so, keeps what it had, and goes on when there is room', async () => {
  await using place = await scratch();
  let store = await place.open({ maxPages: 256 });
  const session = sampleSession('a');
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 64; i++) await commit(store, session, [KIB_100]);
  };
  await expect(fill()).rejects.toMatchObject({ storeError: 'store_full' });
  const kept = await snapshot(store, session);
  expect(kept).toMatchObject({ row: { seq: session.seq } });
  expect(session.seq).toBeGreaterThan(3);

  // Others can still write what fits; in one group with one that does not.
  const small = sampleSession('small');
  const results = await Promise.allSettled([
    store.append(nextAppend(small, ['fits'])),
    store.append(nextAppend(session, [KIB_100.repeat(20)])),
    store.append(nextAppend(sampleSession('other'), ['fits too'])),
  ]);
  expect(results.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await snapshot(store, session)).toEqual(kept);
  expect(await store.check()).toEqual([]);
  await store.close();

  store = await place.open({ maxPages: 256, exclusive: true });
  expect(await snapshot(store, session)).toEqual(kept);
  await expect(store.append(nextAppend(session, [KIB_100]))).rejects.toMatchObject({ storeError: 'store_full' });
  await store.close();

  store = await place.open({ maxPages: 4000 });
  expect(await snapshot(store, session)).toEqual(kept);
  await commit(store, session, [KIB_100]);
  took(small, nextAppend(small, ['fits']));
  await commit(store, small, ['more']);
});

test('L13: an erased payload is in no file of the home once they are folded, the steps that told it neither', async () => {
  await using place = await scratch();
  const store = await place.open();
  const session = sampleSession('a');
  await commit(store, session, ['public', `needle-payload ${KIB_100}`, 'needle-short']);
  await store.release({ ...session, call: 1, steps: '["needle-steps"]' });
  const all = async (): Promise<string> => {
    const files = [place.file, `${place.file}-wal`].map(file => readFile(file, 'latin1').catch(() => ''));
    return (await Promise.all(files)).join('');
  };
  await store.size();
  for (const needle of ['needle-payload', 'needle-short', 'needle-steps', 'public'])
    expect(await all()).toContain(needle);
  const erase = { ...nextAppend(session, [null], [{ type: 'payloads_erased', after: 1, before: 4 }]), prune: true };
  expect(await store.append(erase)).toEqual({ ok: true });
  await store.size();
  expect(await all()).toContain('public');
  expect(await all()).not.toContain('needle');
});

test('L13: after an erasure the files are scrubbed without being asked', async () => {
  await using place = await scratch();
  const store = await place.open();
  const session = sampleSession('a');
  await commit(store, session, ['needle']);
  await commit(store, session, [null], [{ type: 'payloads_erased', after: 0, before: 3 }]);
  const files = [place.file, `${place.file}-wal`];
  await expect
    .poll(async () => (await Promise.all(files.map(file => readFile(file, 'latin1')))).join('').includes('needle'), {
      timeout: 10_000,
    })
    .toBe(false);
});

test('size is of the folded file, and grows with what is kept', async () => {
  await using place = await scratch();
  const store = await place.open();
  const session = sampleSession('a');
  const empty = await store.size();
  for (let i = 0; i < 10; i++) await commit(store, session, [KIB_100]);
  const full = await store.size();
  expect(full - empty).toBeGreaterThan(1_000_000);
  expect((await readFile(place.file)).length).toBe(full);
});

test('a file that another process writes is waited for, then reported; afterwards all goes on', async () => {
  await using place = await scratch();
  const store = await place.open();
  const session = sampleSession('a');
  await commit(store, session, ['one']);
  const other = new DatabaseSync(place.file);
  other.exec('BEGIN IMMEDIATE');
  const append = nextAppend(session, ['two']);
  await expect(store.append(append)).rejects.toMatchObject({ storeError: 'store_locked' });
  expect(await store.session(session.tenant, session.session)).toMatchObject({ seq: 1 });
  other.exec('ROLLBACK');
  other.close();
  expect(await store.append(append)).toEqual({ ok: true });
});

test('what waits is bounded: one more is refused at once, and the rest is answered', async () => {
  await using place = await scratch();
  const store = await place.open();
  const asked = Array.from({ length: MAX_WAITING + 1 }, (_, i) => store.putDocument(`d${i % 10}`, 'x'));
  const results = await Promise.allSettled(asked);
  expect(results.filter(result => result.status === 'rejected')).toHaveLength(1);
  expect(results.at(-1)).toMatchObject({ reason: { storeError: 'store_unavailable' } });
  await store.putDocument('later', 'x');
});

test('check finds a gap, a cut row and a dangling projection', async () => {
  await using place = await scratch();
  const store = await place.open();
  for (const name of ['a', 'b', 'c']) {
    await commit(
      store,
      sampleSession(name),
      ['1', '2', '3'],
      [{ type: 'run_added', position: 1, count: 2, seq: 1, base: null }],
    );
  }
  expect(await store.check()).toEqual([]);
  const db = new DatabaseSync(place.file);
  db.exec('UPDATE payloads SET salt = NULL WHERE e = 1');
  db.exec("DELETE FROM events WHERE seq = 2 AND n = (SELECT n FROM sessions WHERE id = 'sess_a')");
  db.exec("UPDATE sessions SET seq = 2 WHERE id = 'sess_b'");
  db.exec("UPDATE runs SET seq = 9 WHERE n = (SELECT n FROM sessions WHERE id = 'sess_c')");
  db.close();
  expect((await store.check()).toSorted()).toEqual([
    expect.stringContaining('a payload is there without its digest, or without its salt'),
    expect.stringContaining('a payload is of no event'),
    expect.stringContaining('a run of items points at no event'),
    expect.stringMatching(/^sess_a: its log has gaps/),
    expect.stringMatching(/^sess_b: its log has gaps/),
    expect.stringMatching(/^sess_b: its row has not the digest/),
  ]);
});

test('a request that cannot be sent fails alone', async () => {
  await using place = await scratch();
  const store = await place.open();
  const broken = { ...nextAppend(sampleSession('a'), ['x']), changes: [(() => {}) as never] };
  await expect(store.append(broken)).rejects.toThrow('could not be sent');
  await commit(store, sampleSession('b'), ['x']);
});

test('L10: the name of a tenant whose first append lost is not taken for the next tenant', async () => {
  await using place = await scratch();
  const store = await place.open();
  const opened: ProjectionChange = { type: 'response_opened', id: responseNamed('r'), fromSeq: 1, at: 9 };
  await commit(store, sampleSession('a'), ['one'], [opened]);
  const late = sampleSession('late', 'late' as TenantId);
  expect(await store.append(nextAppend(late, ['one'], [opened]))).toEqual({ ok: false, reason: 'response_exists' });
  const next = sampleSession('next', 'next' as TenantId);
  await commit(store, next, ['one']);
  await commit(store, late, ['one']);
  expect(await store.session(late.tenant, late.session)).toMatchObject({ tenant: 'late', seq: 1 });
  expect(await store.session(next.tenant, late.session)).toBeNull();
});

test('closing answers what was asked before', async () => {
  await using place = await scratch();
  const store = await place.open();
  const session = sampleSession('a');
  const asked = store.append(nextAppend(session, ['one']));
  await store.close();
  expect(await asked).toEqual({ ok: true });
  await expect(store.release({ ...session, call: 1, steps: '[]' })).rejects.toSatisfy(isStoreError);
});

test('a file of larger pages keeps them, and its size is told by them', async () => {
  await using place = await scratch();
  await (await place.open()).close();
  const old = new DatabaseSync(place.file);
  old.exec(`PRAGMA journal_mode = DELETE; PRAGMA page_size = ${2 * PAGE_BYTES}; VACUUM`);
  old.close();
  const store = await place.open({ exclusive: true });
  await commit(store, sampleSession('a'), ['1', '2']);
  const told = await store.size();
  await store.close();
  const db = new DatabaseSync(place.file);
  expect(db.prepare('PRAGMA page_size').get()).toEqual({ page_size: 2 * PAGE_BYTES });
  db.close();
  expect(told).toBe(statSync(place.file).size);
});
