import { describe, expect, test } from 'vitest';
import { toHex } from '../../ledger/base64.ts';
import { leafHash } from '../../ledger/hash.ts';
import { auditLeafKind, decodeLeaf, encodeLeaf, leafKindOf, readKeyChange } from '../../ledger/leaf.ts';
import { signedBy, utf8 } from '../../ledger/note.ts';
import { consistent, includes } from '../../ledger/proof.ts';
import { parseTilePath, widthAt } from '../../ledger/tile.ts';
import { sha256 } from '../../main/digest.ts';
import { CHECKPOINT_FILE, loadCheckpoint, loadKeys } from './log-file.ts';
import {
  auditAt,
  Died,
  dyingBlobs,
  eventAt,
  keptBlobs,
  type Kept,
  leavesOf,
  sealAll,
  sealerOver,
  sourcesOf,
  type TestHome,
  testSigner,
  verifyEd25519,
} from './log.test-support.ts';
import { LogReader } from './log-reader.ts';
import type { Sealer } from './sealer.ts';
import { verifyLog } from './verify-log.ts';

/** The leaves that so many events make, as texts. */
function leafTexts(events: number): readonly string[] {
  return Array.from({ length: events }, (_, number) => eventAt(number)).flatMap(({ code, digest }) => {
    const kind = leafKindOf(code);
    return kind === null ? [] : [encodeLeaf({ kind, digest })];
  });
}

/** Those that so many entries of the audit make. */
function auditTexts(entries: number): readonly string[] {
  return Array.from({ length: entries }, (_, number) => auditAt(number)).map(({ action, digest }) =>
    encodeLeaf({ kind: auditLeafKind(action), digest }),
  );
}

/** Of each source, in the order in which they are in the log. */
function bySource(texts: readonly string[]): { readonly events: readonly string[]; readonly audit: readonly string[] } {
  const ofEvent = (text: string): boolean => /"kind":"(placement|meter|approval)"/.test(text);
  return { events: texts.filter(ofEvent), audit: texts.filter(text => !ofEvent(text)) };
}

async function checkpointOf(blobs: Kept) {
  const signed = await loadCheckpoint(blobs);
  if (signed === null) throw new Error('no checkpoint');
  return signed;
}

async function entriesOf(blobs: Kept): Promise<readonly string[]> {
  const { checkpoint } = await checkpointOf(blobs);
  const reader = new LogReader(blobs, sha256, checkpoint.size);
  const texts: string[] = [];
  for (let bundle = 0; bundle * 256 < checkpoint.size; bundle++)
    for (const entry of await reader.entries(bundle)) texts.push(new TextDecoder().decode(entry));
  return texts;
}

test('a home without events has a log of size 0, signed', async () => {
  const blobs = keptBlobs();
  await sealAll(sealerOver(blobs, { events: 0 }));
  const { checkpoint, note } = await checkpointOf(blobs);
  expect(checkpoint.size).toBe(0);
  expect(toHex(checkpoint.root)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(signedBy(sha256, verifyEd25519, note, testSigner(1))).toBe('valid');
});

test('every event that has a leaf is sealed once, in order, and provably', async () => {
  const [blobs, home] = [keptBlobs(), { events: 1000 }];
  const sealer = sealerOver(blobs, home);
  await sealAll(sealer);
  const earlier = (await checkpointOf(blobs)).checkpoint;
  home.events = 1700;
  await sealAll(sealer);
  const { checkpoint } = await checkpointOf(blobs);
  expect(checkpoint.size).toBe(leavesOf(1700));
  const texts = await entriesOf(blobs);
  expect(texts).toEqual(leafTexts(1700));
  const reader = new LogReader(blobs, sha256, checkpoint.size);
  expect(toHex(await reader.root(checkpoint.size))).toBe(toHex(checkpoint.root));
  expect(toHex(await reader.root(earlier.size))).toBe(toHex(earlier.root));
  for (const index of [0, 255, 256, 700, checkpoint.size - 1]) {
    const leaf = leafHash(sha256, utf8(texts[index] ?? ''));
    const path = await reader.inclusion(index, checkpoint.size);
    expect(includes(sha256, { index, size: checkpoint.size, leaf, path, root: checkpoint.root })).toBe(true);
  }
  const path = await reader.consistency(earlier.size, checkpoint.size);
  const grown = { old: earlier.size, size: checkpoint.size, oldRoot: earlier.root, root: checkpoint.root, path };
  expect(consistent(sha256, grown)).toBe(true);
});

test('of tiles that were not full, only those at the right edge stay', async () => {
  const [blobs, home] = [keptBlobs(), { events: 0 }];
  const sealer = sealerOver(blobs, home);
  for (home.events = 7; home.events < 900; home.events += 50) await sealAll(sealer);
  const { size } = (await checkpointOf(blobs)).checkpoint;
  const tiles = [...blobs.files.keys()].flatMap(path => parseTilePath(path) ?? []);
  expect(tiles.length).toBeGreaterThan(4);
  for (const { level, index, width } of tiles)
    if (width < 256) expect([level, index, widthAt(size, level, index) < 256]).toEqual([level, index, true]);
});

describe('K2: dying before, in and after every change of a file', () => {
  /** More of both sources each time, as they come while a server works. */
  async function work(sealer: Sealer, home: TestHome): Promise<void> {
    for (const [events, audit] of STEPS) {
      Object.assign(home, { events, audit });
      await sealAll(sealer);
    }
  }
  const STEPS = [
    [100, 0],
    [500, 3],
    [500, 160],
    [900, 200],
  ] as const;
  const END = { events: 900, audit: 200 };

  test('the next process seals each leaf of both sources once, in its order, as if nothing had happened', async () => {
    const whole = keptBlobs();
    const wholeHome = { events: 0 };
    await work(sealerOver(whole, wholeHome), wholeHome);
    const expected = { events: leafTexts(END.events), audit: auditTexts(END.audit) };
    expect(bySource(await entriesOf(whole))).toEqual(expected);
    const end = (await checkpointOf(whole)).checkpoint;

    let deaths = 0;
    for (const when of ['before', 'torn', 'after'] as const) {
      for (let at = 1; ; at++) {
        const blobs = keptBlobs();
        const died = await runAndDie(blobs, at, when);
        if (!died) break;
        deaths += 1;
        const survivor = sealerOver(blobs, END);
        await sealAll(survivor);
        const { checkpoint } = await checkpointOf(blobs);
        const { size, cursor } = end;
        expect([when, at, checkpoint]).toMatchObject([
          when,
          at,
          { size, cursor, audit: { position: end.audit?.position } },
        ]);
        expect([when, at, bySource(await entriesOf(blobs))]).toEqual([when, at, expected]);
        const files = [...blobs.files.keys()];
        const { faults } = await verifyLog({ blobs, files: each(files), sha256, verify: verifyEd25519 });
        expect([when, at, faults]).toEqual([when, at, []]);
      }
    }
    // 30 is less than the changes of one way: a run that never died would prove nothing.
    expect(deaths).toBeGreaterThan(90);
  });

  async function runAndDie(blobs: Kept, at: number, when: 'before' | 'after' | 'torn'): Promise<boolean> {
    const home = { events: 0 };
    try {
      await work(sealerOver(dyingBlobs(blobs, at, when), home), home);
      return false;
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      return true;
    }
  }

  async function* each(files: readonly string[]): AsyncGenerator<string> {
    yield* files;
  }

  test('what the checkpoint settled to be next comes before anything else, a change of keys too', async () => {
    const home = { events: 100, audit: 3 };
    let found = 0;
    for (let at = 1; at < 40; at++) {
      const blobs = keptBlobs();
      await sealAll(sealerOver(dyingBlobs(blobs, at, 'after'), home)).catch(() => undefined);
      if (((await loadCheckpoint(blobs))?.checkpoint.next ?? null) === null) continue;
      found += 1;
      const more = { events: 200, audit: 5 };
      await sealerOver(blobs, more).rotate(testSigner(2));
      const { size, next } = (await checkpointOf(blobs)).checkpoint;
      expect([size, next]).toEqual([leavesOf(100) + 3 + 1, null]);
      await sealAll(sealerOver(blobs, more, { signer: testSigner(2) }));
      const texts = (await entriesOf(blobs)).filter(text => !text.includes('"kind":"key"'));
      expect(bySource(texts)).toEqual({ events: leafTexts(200), audit: auditTexts(5) });
      const { faults } = await verifyLog({
        blobs,
        files: each([...blobs.files.keys()]),
        sha256,
        verify: verifyEd25519,
      });
      expect(faults).toEqual([]);
    }
    expect(found).toBeGreaterThan(1);
  });

  test('a sealer whose disk failed once goes on by itself', async () => {
    const blobs = keptBlobs();
    let failing = false;
    const home = { events: 400 };
    const sealer = sealerOver(
      {
        ...blobs,
        put: async (key: string, bytes: Uint8Array) => {
          if (failing && key === CHECKPOINT_FILE) throw new Error('no space');
          await blobs.put(key, bytes);
        },
      },
      home,
    );
    await sealAll(sealer);
    [home.events, failing] = [800, true];
    await expect(sealer.seal()).rejects.toThrow('no space');
    failing = false;
    await sealAll(sealer);
    expect(await entriesOf(blobs)).toEqual(leafTexts(800));
  });
});

describe('K3: what is not gone on with', () => {
  async function sealed(): Promise<Kept> {
    const blobs = keptBlobs();
    await sealAll(sealerOver(blobs, { events: 500, audit: 5 }));
    return blobs;
  }

  test('a log of another key', async () => {
    const sealer = sealerOver(await sealed(), { events: 600 }, { signer: testSigner(2) });
    await expect(sealer.seal()).rejects.toMatchObject({ code: 'ledger_key' });
  });

  test('a store that was put back to before what is sealed, or that holds something else there', async () => {
    const back = sealerOver(await sealed(), { events: 300, audit: 5 });
    await expect(back.seal()).rejects.toMatchObject({ code: 'ledger_diverged' });
    const auditBack = sealerOver(await sealed(), { events: 500, audit: 4 });
    await expect(auditBack.seal()).rejects.toThrow(/entry of the audit \(position 14\)/);
    const other = (name: 'events' | 'audit'): Promise<unknown> => {
      const sources = sourcesOf({ events: 600, audit: 5 });
      const at = async () => ({ kind: 'placement', digest: new Uint8Array(32) });
      return sealed().then(blobs =>
        sealerOver(blobs, { events: 600 }, { sources: { ...sources, [name]: { ...sources[name], at } } }).seal(),
      );
    };
    await expect(other('events')).rejects.toMatchObject({ code: 'ledger_diverged' });
    await expect(other('audit')).rejects.toMatchObject({ code: 'ledger_diverged' });
  });

  test('files that were changed or are missing', async () => {
    for (const path of ['tile/0/001.p/82', 'tile/entries/001.p/82', 'checkpoint', 'tile/1/000.p/1']) {
      const blobs = await sealed();
      const bytes = blobs.files.get(path);
      expect([path, bytes === undefined]).toEqual([path, false]);
      await blobs.put(
        path,
        (bytes ?? new Uint8Array(0)).map((byte, at) => (at === 10 ? byte ^ 1 : byte)),
      );
      await expect(sealerOver(blobs, { events: 600 }).seal()).rejects.toThrow();
      await blobs.delete(path);
      if (path !== 'checkpoint')
        await expect(sealerOver(blobs, { events: 600 }).seal()).rejects.toMatchObject({ code: 'ledger_damaged' });
    }
  });
});

test('a rotated key goes on with the log; both keys say so in it, and the old one does not go on', async () => {
  const [blobs, home] = [keptBlobs(), { events: 400 }];
  const [old, next] = [testSigner(1), testSigner(2)];
  const before = sealerOver(blobs, home);
  await sealAll(before);
  await before.rotate(next);
  const { note, checkpoint } = await checkpointOf(blobs);
  expect([old, next].map(key => signedBy(sha256, verifyEd25519, note, key))).toEqual(['valid', 'valid']);
  const entry = await new LogReader(blobs, sha256, checkpoint.size).entry(checkpoint.size - 1);
  const leaf = decodeLeaf(entry);
  const change = leaf !== null && 'note' in leaf ? readKeyChange(sha256, verifyEd25519, leaf.note) : null;
  expect(change?.to.publicKey).toEqual(next.publicKey);
  home.events = 800;
  await sealAll(sealerOver(blobs, home, { signer: next }));
  expect(await loadKeys(blobs, sha256)).toHaveLength(2);
  expect((await entriesOf(blobs)).filter(text => !text.includes('"key"'))).toEqual(leafTexts(800));
  await expect(sealerOver(blobs, home).seal()).rejects.toMatchObject({ code: 'ledger_key' });
});

test('a tile that was not full when its checkpoint was made is read from the one that is full now', async () => {
  const [blobs, home] = [keptBlobs(), { events: 100 }];
  const sealer = sealerOver(blobs, home);
  await sealAll(sealer);
  const { size, root } = (await checkpointOf(blobs)).checkpoint;
  home.events = 600;
  await sealAll(sealer);
  expect([...blobs.files.keys()].filter(path => path.endsWith(`.p/${size}`))).toEqual([]);
  const reader = new LogReader(blobs, sha256, size);
  expect(toHex(await reader.root(size))).toBe(toHex(root));
  expect(await reader.entries(0)).toHaveLength(size);
});

test('batches of any size give the same log', async () => {
  const [one, two] = [keptBlobs(), keptBlobs()];
  await sealAll(sealerOver(one, { events: 700 }));
  await sealAll(sealerOver(two, { events: 700 }, { batch: 7 }));
  expect((await loadCheckpoint(two))?.checkpoint).toEqual((await loadCheckpoint(one))?.checkpoint);
});
