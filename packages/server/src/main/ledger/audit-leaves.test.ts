/** The leaves of audit entries are those that `perdure ledger prove` would find, and null for what is not sealed. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AuditRow } from '../../engine/control-records.ts';
import type { HomeId } from '../../kernel/ids.ts';
import type { HomeStore } from '../../store/home-store.ts';
import { openSqliteHome } from '../../store/sqlite/open-sqlite-home.ts';
import { auditEntry } from '../govern/audit.ts';
import { auditLeaves } from './audit-leaves.ts';
import { evidenceOf } from './evidence.ts';
import { logFolder, openLogs } from './place.ts';

let dir: string;
let store: HomeStore;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'perdure-leaves-'));
  store = await openSqliteHome({ dir, home: 'local' as HomeId, clock: { now: () => 1, monotonic: () => 1 } });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

async function note(count: number, word: string): Promise<void> {
  for (let at = 0; at < count; at++) {
    const id = `${word}_${at}`;
    const entry = auditEntry({ at: 1, actor: 'local', action: `${word}.placed`, subject: id, tenant: null, body: {} });
    await store.putRecord({ kind: 'hold', id, tenant: null, version: 1, body: '{}' }, entry);
  }
}

async function seal(): Promise<void> {
  const key = join(dir, 'ledger.key');
  for (const { sealer, close } of await openLogs({ data: dir, homes: ['local'], key, origin: 'perdure' })) {
    while ((await sealer.seal()).more);
    close();
  }
}

const rows = (): Promise<readonly AuditRow[]> => store.audit(0, 1000);
const leaves = async () => auditLeaves(dir, 'local', await rows());

test('nothing is sealed, some is, all is; and each leaf says the digest of its entry', async () => {
  await note(3, 'hold');
  expect(await leaves()).toEqual([null, null, null]);
  await seal();
  expect(await leaves()).toEqual([0, 1, 2]);
  await note(300, 'key');
  expect(await leaves()).toEqual([0, 1, 2, ...Array.from({ length: 300 }, () => null)]);
  await seal();
  expect(await leaves()).toEqual(Array.from({ length: 303 }, (_, at) => at));
  const [row] = (await rows()).slice(-1);
  const { leaf } = await evidenceOf({ home: 'local', folder: logFolder(dir, 'local') }, 302);
  expect(Buffer.from(leaf).toString()).toBe(`{"v":1,"kind":"api_key","digest":"${row?.digest ?? ''}"}`);
  expect(await auditLeaves(dir, 'local', [])).toEqual([]);
});

test('of a damaged log the leaves before the damage are told, and nothing is thrown', async () => {
  await note(300, 'hold');
  await seal();
  const bundles = join(logFolder(dir, 'local'), 'tile', 'entries');
  const [partial] = readdirSync(bundles).filter(name => name.startsWith('001'));
  const [file] = readdirSync(join(bundles, partial ?? ''));
  writeFileSync(join(bundles, partial ?? '', file ?? ''), 'x');
  expect(await leaves()).toEqual(Array.from({ length: 300 }, (_, at) => (at < 256 ? at : null)));
});

test('an entry that the log does not hold has no leaf, nor what is behind it', async () => {
  await note(3, 'hold');
  await seal();
  const [first, second, third] = await rows();
  if (first === undefined || second === undefined || third === undefined) throw new Error('no rows');
  const forged = { ...second, digest: 'f'.repeat(64) };
  expect(await auditLeaves(dir, 'local', [first, forged, third])).toEqual([0, null, null]);
});
