/** K1, K2 with real processes: a sealer is killed at any moment, again and again; the log comes out as if it never had been. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toHex } from '../../ledger/base64.ts';
import { EVENT_CODES } from '../../log/codec.ts';
import { loadCheckpoint } from '../../engine/ledger/log-file.ts';
import { LogReader } from '../../engine/ledger/log-reader.ts';
import { verifyLog } from '../../engine/ledger/verify-log.ts';
import type { HomeId } from '../../kernel/ids.ts';
import { decodeLeaf, leafEntry } from '../../ledger/leaf.ts';
import { openPathBlobs } from '../../store/blobs/path-blobs.ts';
import { openSqliteHome } from '../../store/sqlite/open-sqlite-home.ts';
import { sealingSha256 as sha256 } from './digest.ts';
import { openLeafFinder } from './evidence.ts';
import { filesOf } from './folders.ts';
import { logFolder } from './place.ts';
import { verifyEd25519 } from './signing-key.ts';

const EVENTS = 40_000;
const ENTRIES = 9000;
const KILLS = 8;
const PLACE = fileURLToPath(new URL('./place.ts', import.meta.url));
const digestOf = (number: number): Uint8Array => sha256(Buffer.from(`event ${number}`));

let data = '';
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'perdure-sealing-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

async function fill(): Promise<void> {
  const clock = { now: () => 1, monotonic: () => 1 };
  await (await openSqliteHome({ dir: data, home: 'h' as HomeId, clock })).close();
  const db = new DatabaseSync(join(data, 'h.db'));
  const add = db.prepare(
    "INSERT INTO events (n, seq, epoch, at, actor, code, version, digest, head) VALUES (?, 1, 1, 0, 1, ?, 1, ?, '{}')",
  );
  db.exec('BEGIN');
  for (let n = 1; n <= EVENTS; n++) add.run(n, EVENT_CODES['call.placed'], digestOf(n));
  const audit = db.prepare(
    "INSERT INTO audit (at, actor, action, subject, body, digest) VALUES (1, 'local', 'waiver.granted', 's', '{}', ?)",
  );
  for (let n = 1; n <= ENTRIES; n++) audit.run(Buffer.from(digestOf(-n)).toString('hex'));
  db.exec('COMMIT');
  db.close();
}

/** Seals in a process of its own. @param killAfter ms from when it begins; null: to the end. @returns whether it was killed */
function seal(killAfter: number | null): Promise<boolean> {
  const program = `
    const { openLogs } = await import(${JSON.stringify(PLACE)});
    process.stdout.write('begin');
    const [{ sealer }] = await openLogs(${JSON.stringify({ data, homes: ['h'], key: join(data, 'key'), origin: 'o' })});
    while ((await sealer.seal()).more);`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.once('data', () => {
      if (killAfter !== null) setTimeout(() => child.kill('SIGKILL'), killAfter);
    });
    child.once('exit', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(signal === 'SIGKILL');
      else reject(new Error(`the sealer ended with ${code}`));
    });
  });
}

test('a sealer killed at any moment loses no leaf and makes none twice', async () => {
  await fill();
  let killed = 0;
  for (let kill = 0; kill < KILLS; kill++) killed += Number(await seal(30 + kill * 70));
  expect(killed).toBeGreaterThan(0);
  expect(await seal(null)).toBe(false);

  const folder = logFolder(data, 'h');
  const blobs = openPathBlobs(folder);
  const checkpoint = (await loadCheckpoint(blobs))?.checkpoint;
  expect(checkpoint?.size).toBe(EVENTS + ENTRIES);
  const { faults, kinds } = await verifyLog({ blobs, files: filesOf(folder), sha256, verify: verifyEd25519 });
  expect([faults, kinds]).toEqual([[], { placement: EVENTS, waiver: ENTRIES }]);

  // In their order, each once, wherever the kills have laid them.
  const reader = new LogReader(blobs, sha256, EVENTS + ENTRIES);
  const next = { placement: 1, waiver: 1 };
  for (let bundle = 0; bundle * 256 < EVENTS + ENTRIES; bundle++) {
    for (const entry of await reader.entries(bundle)) {
      const leaf = decodeLeaf(entry);
      if (leaf === null || 'note' in leaf) throw new Error('a leaf of another kind');
      const number = leaf.kind === 'waiver' ? -next.waiver++ : next.placement++;
      expect([number, toHex(leaf.digest)]).toEqual([number, toHex(digestOf(number))]);
    }
  }
  const finder = await openLeafFinder(data, 'h');
  for (const position of [1, 20_000, EVENTS]) {
    const wanted = { source: 'events', position, kind: 'placement', digest: digestOf(position) } as const;
    const index = (await finder.indexOf(wanted)) ?? -1;
    expect(toHex(await reader.entry(index))).toBe(toHex(leafEntry(wanted)));
  }
  finder.close();
});
