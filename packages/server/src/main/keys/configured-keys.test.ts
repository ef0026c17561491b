/** The keys of the configuration, in the audit: once a change, whatever dies in between, and never a secret. */
import { expect, test } from 'vitest';
import type { AuditRow } from '../../engine/control-records.ts';
import type { HomeId } from '../../kernel/ids.ts';
import { auditLeafKind } from '../../ledger/leaf.ts';
import { emptyMemoryData } from '../../store/memory/memory-data.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { openMemoryHome } from '../../store/memory/open-memory-home.ts';
import type { KeyConfig } from '../config/config.ts';
import { recordConfiguredKeys } from './configured-keys.ts';
import { hashSecret } from './secret.ts';

const SECRET = 'a-secret-of-the-file-0123456789';

function key(name: string, over: Partial<KeyConfig> = {}): KeyConfig {
  const sold = { channel: 'direct', segment: 'commercial', product: 'api' } as const;
  return { name, hash: hashSecret(SECRET), tenant: 'acme', ...sold, scopes: ['auditor'], ...over };
}

interface Opened {
  readonly store: HomeStore;
  readonly start: (...keys: readonly KeyConfig[]) => Promise<readonly AuditRow[]>;
}

function open(data = emptyMemoryData()): Opened {
  const store = openMemoryHome({ home: 'local' as HomeId, clock: { now: () => 0, monotonic: () => 0 }, data });
  let told = 0;
  return {
    store,
    /** The entries that this start added. */
    start: async (...keys) => {
      await recordConfiguredKeys(store, keys, 7);
      const rows = await store.audit(told, 1000);
      told = rows.at(-1)?.position ?? told;
      return rows;
    },
  };
}

const said = (rows: readonly AuditRow[]): readonly unknown[] => rows.map(({ action, subject }) => [action, subject]);

test('a key appears, is changed, goes and comes back: an entry each, and none of a start that changes nothing', async () => {
  const { start } = open();
  const first = await start(key('a'), key('b'));
  expect(said(first)).toEqual([
    ['key.configured', 'config:a'],
    ['key.configured', 'config:b'],
  ]);
  expect(first[0]).toMatchObject({ at: 7, actor: 'config', tenant: 'acme' });
  expect(auditLeafKind(first[0]?.action ?? '')).toBe('api_key');
  expect(await start(key('b'), key('a'))).toEqual([]);

  const [scoped, ...more] = await start(key('a', { scopes: ['auditor', 'admin'] }), key('b'));
  expect(more).toEqual([]);
  expect([scoped?.action, JSON.parse(scoped?.body ?? '')]).toMatchObject([
    'key.changed',
    { id: 'config:a', scopes: ['auditor', 'admin'], secret_changed: false },
  ]);
  const moved = await start(key('a', { scopes: ['auditor', 'admin'], tenant: 'rival' }), key('b'));
  expect([said(moved), moved[0]?.tenant]).toEqual([[['key.changed', 'config:a']], 'rival']);
  const [rotated] = await start(
    key('a', { scopes: ['auditor', 'admin'], tenant: 'rival', hash: hashSecret('b') }),
    key('b'),
  );
  expect(JSON.parse(rotated?.body ?? '')).toMatchObject({ secret_changed: true });

  expect(said(await start(key('b')))).toEqual([['key.unconfigured', 'config:a']]);
  expect(await start(key('b'))).toEqual([]);
  expect(said(await start(key('b'), key('a')))).toEqual([['key.configured', 'config:a']]);
});

test('L9: no secret, no hash of one, and nothing derived from it is in an entry', async () => {
  const { start, store } = open();
  const rows = [
    ...(await start(key('a'))),
    ...(await start(key('a', { hash: hashSecret('other') }))),
    ...(await start()),
  ];
  expect(rows).toHaveLength(3);
  const [kept] = await store.records('config_key');
  for (const word of [SECRET, hashSecret(SECRET), hashSecret('other')]) {
    expect(JSON.stringify(rows)).not.toContain(word);
    expect(kept?.body).not.toContain(word);
  }
});

test('a start that dies in the middle tells the rest the next time, and nothing twice', async () => {
  const data = emptyMemoryData();
  const { store } = open(data);
  const keys = Array.from({ length: 600 }, (_, i) => key(`k${i}`));
  let left = 300;
  const dying: Pick<typeof store, 'records' | 'putRecord'> = {
    records: kind => store.records(kind),
    putRecord: async (record, entry) => {
      if (left-- <= 0) throw new Error('gone');
      return store.putRecord(record, entry);
    },
  };
  await expect(recordConfiguredKeys(dying, keys, 7)).rejects.toThrow('gone');
  const there = (await store.audit(0, 1000)).length;
  expect(there).toBeGreaterThan(0);
  expect(there).toBeLessThan(600);
  await recordConfiguredKeys(store, keys, 8);
  const subjects = (await store.audit(0, 1000)).map(({ subject }) => subject);
  expect(subjects).toHaveLength(600);
  expect(new Set(subjects).size).toBe(600);
});

test('two that tell at once: one is told no, and the change is told once', async () => {
  const { store } = open();
  const both = await Promise.allSettled([
    recordConfiguredKeys(store, [key('a')], 7),
    recordConfiguredKeys(store, [key('a')], 7),
  ]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(await store.audit(0, 10)).toHaveLength(1);
});
