import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadCheckpoint, loadKeys } from '../../engine/ledger/log-file.ts';
import type { HomeId } from '../../kernel/ids.ts';
import { formatVerifier, signedBy } from '../../ledger/note.ts';
import { EVENT_CODES } from '../../log/codec.ts';
import { openPathBlobs } from '../../store/blobs/path-blobs.ts';
import { openSqliteHome } from '../../store/sqlite/open-sqlite-home.ts';
import { sealingSha256 as sha256 } from './digest.ts';
import { ledgerMark } from './mark.ts';
import { type LedgerPlace, logFolder, openLogs, rotateKeys } from './place.ts';
import { makeSigningKey, NEXT, readSigningKey, verifyEd25519 } from './signing-key.ts';
import { startLedgerThread } from './thread.ts';

let place: LedgerPlace;
const clock = { now: () => 1, monotonic: () => 1 };

beforeEach(async () => {
  const data = mkdtempSync(join(tmpdir(), 'perdure-ledger-'));
  place = { data, homes: ['a', 'b'], key: join(data, 'ledger.key'), origin: 'host.example' };
  for (const home of place.homes) {
    const store = await openSqliteHome({ dir: data, home: home as HomeId, clock });
    await store.close();
  }
});
afterEach(() => rmSync(place.data, { recursive: true, force: true }));

async function sealOnce(at: LedgerPlace = place): Promise<void> {
  for (const { sealer, close } of await openLogs(at)) {
    await sealer.seal();
    close();
  }
}

async function stateOf(home: string) {
  const blobs = openPathBlobs(logFolder(place.data, home));
  const signed = await loadCheckpoint(blobs);
  if (signed === null) throw new Error('no log');
  const signer = readSigningKey(place.key)(signed.checkpoint.origin);
  return {
    size: signed.checkpoint.size,
    signed: signedBy(sha256, verifyEd25519, signed.note, signer),
    last:
      (await loadKeys(blobs, sha256)).map(key => formatVerifier(sha256, key)).at(-1) === formatVerifier(sha256, signer),
  };
}

test('a key is made once, for its owner only, and each home has a log of its own name', async () => {
  await sealOnce();
  const pem = readFileSync(place.key, 'utf8');
  if (process.platform !== 'win32') expect(statSync(place.key).mode & 0o777).toBe(0o600);
  await sealOnce();
  expect(readFileSync(place.key, 'utf8')).toBe(pem);
  for (const home of place.homes) {
    const signed = await loadCheckpoint(openPathBlobs(logFolder(place.data, home)));
    expect(signed?.checkpoint.origin).toBe(`host.example/ledger/${home}`);
  }
});

test('a log keeps its name when the configuration gives another', async () => {
  await sealOnce();
  await sealOnce({ ...place, origin: 'elsewhere.example' });
  expect((await loadCheckpoint(openPathBlobs(logFolder(place.data, 'a'))))?.checkpoint.origin).toBe(
    'host.example/ledger/a',
  );
});

test('a rotation that died between two logs is carried through by the next start', async () => {
  await sealOnce();
  makeSigningKey(place.key + NEXT);
  const next = readFileSync(place.key + NEXT, 'utf8');
  const [log] = await openLogsOf('a');
  await log?.sealer.rotate(readSigningKey(place.key + NEXT)('host.example/ledger/a'));
  log?.close();
  await sealOnce();
  expect(existsSync(place.key + NEXT)).toBe(false);
  expect(readFileSync(place.key, 'utf8')).toBe(next);
  for (const home of place.homes) expect(await stateOf(home)).toEqual({ size: 1, signed: 'valid', last: true });
});

/** One log, as it was before anything was known of a next key. */
async function openLogsOf(home: string) {
  const next = place.key + NEXT;
  const pem = readFileSync(next);
  rmSync(next);
  const logs = await openLogs({ ...place, homes: [home] });
  writeFileSync(next, pem, { mode: 0o600 });
  return logs;
}

test('a rotation takes every log over', async () => {
  await sealOnce();
  const rotated = await rotateKeys(place);
  expect(rotated.map(({ home }) => home)).toEqual(['a', 'b']);
  for (const home of place.homes) expect(await stateOf(home)).toEqual({ size: 1, signed: 'valid', last: true });
});

test('a file that is no such key is named, and nothing of it is told', () => {
  writeFileSync(place.key, 'SECRET-WORDS');
  expect(() => readSigningKey(place.key)).toThrow(/ledger\.key cannot be read: want an Ed25519 key/);
  expect(() => readSigningKey(place.key)).not.toThrow(/SECRET/);
});

test('the thread tells a fault once, and goes on with the other logs', async () => {
  await sealOnce();
  writeFileSync(join(logFolder(place.data, 'a'), 'checkpoint'), 'nonsense');
  rmSync(logFolder(place.data, 'b'), { recursive: true });
  const faults: string[] = [];
  const thread = startLedgerThread({ place, intervalMs: 20 }, fault => faults.push(fault));
  const begun = join(logFolder(place.data, 'b'), 'checkpoint');
  for (const end = Date.now() + 20_000; Date.now() < end && (faults.length === 0 || !existsSync(begun)); )
    await new Promise(resolve => setTimeout(resolve, 20));
  await thread.close(5000);
  expect(faults).toEqual(['ledger of a: the checkpoint is not one']);
  expect(existsSync(begun)).toBe(true);
});

test('a key that is replaced under a running server is noticed: what it took over goes on, what it did not is refused', async () => {
  await sealOnce();
  const faults: string[] = [];
  const thread = startLedgerThread({ place, intervalMs: 20 }, fault => faults.push(fault));
  const until = async (done: () => boolean | Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 20_000; Date.now() < end && !(await done()); )
      await new Promise(resolve => setTimeout(resolve, 20));
  };
  try {
    await put('a', 1);
    await until(async () => (await stateOf('a')).size === 1);
    // As a rotation of a folder with the log `a` alone, while the server works: its lock is on another folder.
    await rotateKeys({ ...place, homes: ['a'] });
    await until(() => faults.length > 0);
    await put('a', 2);
    await put('b', 1);
    await until(async () => (await stateOf('a')).size === 3);
    expect(await stateOf('a')).toEqual({ size: 3, signed: 'valid', last: true });
    expect(await stateOf('b')).toMatchObject({ size: 0, signed: 'absent' });
    expect(faults).toEqual([
      expect.stringMatching(/^ledger of b: the log of host.example\/ledger\/b was not signed by the key at hand/),
    ]);
    rmSync(place.key);
    await until(() => faults.length > 1);
    expect(faults[1]).toMatch(/^ledger: the ledger's key .*ledger\.key is gone/);
  } finally {
    await thread.close(5000);
  }
  expect(existsSync(place.key)).toBe(false);
});

async function put(home: string, n: number): Promise<void> {
  const db = new DatabaseSync(join(place.data, `${home}.db`));
  db.prepare(
    "INSERT INTO events (n, seq, epoch, at, actor, code, version, digest, head) VALUES (?, 1, 1, 0, 1, ?, 1, ?, '{}')",
  ).run(n, EVENT_CODES['call.placed'], new Uint8Array(32));
  db.close();
}

test('the thread ends while there is nothing to seal, and is back for what comes then', async () => {
  const faults: string[] = [];
  const store = await openSqliteHome({ dir: place.data, home: 'a' as HomeId, clock });
  const thread = startLedgerThread({ place, intervalMs: 20, lingerMs: 50 }, fault => faults.push(fault));
  const until = async (done: () => boolean | Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + 20_000; Date.now() < end && !(await done()); )
      await new Promise(resolve => setTimeout(resolve, 10));
    expect(await done()).toBe(true);
  };
  try {
    await until(() => !thread.awake);
    for (let size = 1; size <= 3; size++) {
      await put('a', size);
      await until(async () => (await stateOf('a')).size === size);
      await until(() => !thread.awake);
    }
    // Whoever ends it has all sealed, whether it rests or not.
    await put('a', 4);
  } finally {
    await thread.close(20_000);
    await store.close();
  }
  expect(await stateOf('a')).toMatchObject({ size: 4, signed: 'valid' });
  expect([thread.awake, faults]).toEqual([false, []]);
});

test('a mark is another after a commit and after a change of the key, and the same when nothing happened', async () => {
  await sealOnce();
  const marks = [await ledgerMark(place)];
  await put('a', 1);
  marks.push(await ledgerMark(place));
  await put('b', 1);
  marks.push(await ledgerMark(place));
  await rotateKeys(place);
  marks.push(await ledgerMark(place));
  expect(new Set(marks).size).toBe(4);
  expect(await ledgerMark(place)).toBe(marks.at(-1));
});
