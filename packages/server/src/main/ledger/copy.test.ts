/** A log fetched from a server that goes on sealing, stops in the middle, or tells another story than before. */
import { expect, test } from 'vitest';
import { CHECKPOINT_FILE, KEYS_FILE, loadCheckpoint } from '../../engine/ledger/log-file.ts';
import {
  keptBlobs,
  type Kept,
  sealAll,
  sealerOver,
  testSigner,
  verifyEd25519,
} from '../../engine/ledger/log.test-support.ts';
import { verifyLog } from '../../engine/ledger/verify-log.ts';
import { sha256 } from '../digest.ts';
import { type Copied, copyLog, type FetchFile } from './copy.ts';

async function sealed(events: number, seed = 1): Promise<{ log: Kept; to: (events: number) => Promise<void> }> {
  const [log, home] = [keptBlobs(), { events }];
  const signer = testSigner(seed);
  await sealAll(sealerOver(log, home, { signer }));
  const to = async (more: number): Promise<void> => {
    home.events = more;
    await sealAll(sealerOver(log, home, { signer }));
  };
  return { log, to };
}

/** A server of these files; `asked` is what it was asked for. */
function server(log: Kept): { fetchFile: FetchFile; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    fetchFile: async path => {
      asked.push(path);
      return log.get(path);
    },
  };
}

const silent = (): void => undefined;

async function verified({ blobs }: Pick<Copied, 'blobs'>, into: Kept): Promise<readonly string[]> {
  const files = (async function* () {
    yield* into.files.keys();
  })();
  return (await verifyLog({ blobs, files, sha256, verify: verifyEd25519 })).faults;
}

test('a copy holds, file for file; done again it fetches two, and goes on where the log went on', async () => {
  const { log, to } = await sealed(1000);
  const into = keptBlobs();
  const first = await copyLog(server(log).fetchFile, into, silent);
  expect(await verified(first, into)).toEqual([]);
  expect(await into.get(CHECKPOINT_FILE)).toBeNull();
  await first.finish();
  // The server keeps shorter forms of what is not full yet: the copy has those of its own checkpoint.
  expect(first.fetched).toBe(into.files.size - 2);
  for (const [path, bytes] of into.files) expect([path, log.files.get(path)]).toEqual([path, bytes]);

  const again = server(log);
  expect((await copyLog(again.fetchFile, into, silent)).fetched).toBe(0);
  expect(again.asked).toEqual([CHECKPOINT_FILE, KEYS_FILE]);

  await to(2000);
  const later = await copyLog(server(log).fetchFile, into, silent);
  expect(await verified(later, into)).toEqual([]);
  await later.finish();
  expect((await loadCheckpoint(into))?.checkpoint.size).toBe(later.size);
  const anew = keptBlobs();
  await (await copyLog(server(log).fetchFile, anew, silent)).finish();
  expect([...into.files.keys()].toSorted()).toEqual([...anew.files.keys()].toSorted());
});

test('one that was cut short goes on, and has no checkpoint before', async () => {
  const { log } = await sealed(3000);
  const into = keptBlobs();
  let left = 7;
  const dying: FetchFile = async path => {
    if (left-- === 0) throw new Error('gone');
    return log.get(path);
  };
  await expect(copyLog(dying, into, silent)).rejects.toThrow('gone');
  expect(await loadCheckpoint(into)).toBeNull();
  const there = into.files.size;
  expect(there).toBeGreaterThan(1);
  const again = server(log);
  const copied = await copyLog(again.fetchFile, into, silent);
  // The keys are fetched anew each time.
  expect(copied.fetched).toBe(into.files.size - there);
  expect(await verified(copied, into)).toEqual([]);
});

test('a tile that is full meanwhile is cut to what the checkpoint had', async () => {
  const { log, to } = await sealed(300);
  const old = (await log.get(CHECKPOINT_FILE)) ?? new Uint8Array(0);
  await to(3000);
  expect(log.files.has('tile/0/000.p/200')).toBe(false);
  const late: FetchFile = async path => (path === CHECKPOINT_FILE ? old : log.get(path));
  const into = keptBlobs();
  const copied = await copyLog(late, into, silent);
  expect(copied.size).toBe(200);
  expect(await verified(copied, into)).toEqual([]);
});

test('what does not begin with what was copied before is refused: another log, a shorter one, one rewritten', async () => {
  const { log } = await sealed(1000);
  const into = keptBlobs();
  await (await copyLog(server(log).fetchFile, into, silent)).finish();
  const copy = async (other: Kept): Promise<unknown> => copyLog(server(other).fetchFile, into, silent);
  await expect(copy((await sealed(500)).log)).rejects.toThrow(/the folder has \d+ leaves/);
  const other = keptBlobs();
  await sealAll(sealerOver(other, { events: 2000 }, { signer: testSigner(1, 'perdure/other') }));
  await expect(copy(other)).rejects.toThrow('of perdure/other');
  const rewritten = keptBlobs();
  // The same number of events and more, other leaves before them.
  await sealAll(sealerOver(rewritten, { events: 900, audit: 300 }));
  await sealAll(sealerOver(rewritten, { events: 2000, audit: 300 }));
  await expect(copy(rewritten)).rejects.toThrow(/does not begin with the \d+ leaves that were copied before/);
});

test('no log, no checkpoint, a tile that is missing', async () => {
  const { log } = await sealed(1000);
  const into = keptBlobs();
  await expect(copyLog(async () => null, into, silent)).rejects.toThrow('there is no log there, or none yet');
  await expect(copyLog(async () => new Uint8Array(9), into, silent)).rejects.toThrow('checkpoint is none');
  await log.delete('tile/entries/000');
  await expect(copyLog(server(log).fetchFile, into, silent)).rejects.toThrow('no tile/entries/000');
});

test('a byte that is changed on the way is found', async () => {
  const { log } = await sealed(1000);
  for (const path of ['tile/entries/001', 'tile/0/001']) {
    const into = keptBlobs();
    const lying: FetchFile = async asked => {
      const bytes = await log.get(asked);
      return asked === path && bytes !== null ? bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte)) : bytes;
    };
    expect(await verified(await copyLog(lying, into, silent), into)).not.toEqual([]);
  }
});
