import { beforeAll, expect, test } from 'vitest';
import { auditLeafKind, encodeLeaf, leafKindOf } from '../../ledger/leaf.ts';
import { sha256 } from '../../main/digest.ts';
import { findBundleEnds, placeOfLeaf, type Wanted } from './leaf-place.ts';
import { loadCheckpoint } from './log-file.ts';
import { LogReader } from './log-reader.ts';
import { auditAt, eventAt, keptBlobs, type Kept, sealAll, sealerOver, sourcesOf } from './log.test-support.ts';
import type { BundleEnd, BundleEnds } from './ports.ts';

interface TestEnds extends BundleEnds {
  all: BundleEnd[];
}

function memoryEnds(): TestEnds {
  const ends: TestEnds = {
    all: [],
    count: () => ends.all.length,
    end: bundle => ends.all[bundle] ?? { events: 0, audit: 0 },
    append(first, more) {
      if (first <= ends.all.length) ends.all = [...ends.all.slice(0, first), ...more];
    },
    clear() {
      ends.all = [];
    },
  };
  return ends;
}

const HOME = { events: 3000, audit: 700 };
const LAST: BundleEnd = { events: eventAt(HOME.events - 1).position, audit: auditAt(HOME.audit - 1).position };
let blobs: Kept;
let size = 0;
const sealed = memoryEnds();
/** Every leaf, as it is looked for. */
const wanted: Wanted[] = [];

beforeAll(async () => {
  blobs = keptBlobs();
  const home = { events: 0, audit: 0 };
  const sealer = sealerOver(blobs, home, { ends: sealed });
  for (const [events, audit] of [
    [1000, 100],
    [1000, 650],
    [HOME.events, HOME.audit],
  ] as const) {
    Object.assign(home, { events, audit });
    await sealAll(sealer);
  }
  size = (await loadCheckpoint(blobs))?.checkpoint.size ?? 0;
  for (let number = 0; number < HOME.events; number++) {
    const { position, code, digest } = eventAt(number);
    const kind = leafKindOf(code);
    if (kind !== null) wanted.push({ source: 'events', position, kind, digest });
  }
  for (let number = 0; number < HOME.audit; number++) {
    const { position, action, digest } = auditAt(number);
    wanted.push({ source: 'audit', position, kind: auditLeafKind(action), digest });
  }
});

function counting(): { reader: LogReader; reads: () => number } {
  let reads = 0;
  const get = async (key: string): Promise<Uint8Array | null> => {
    reads += 1;
    return blobs.get(key);
  };
  return { reader: new LogReader({ get }, sha256, size), reads: () => reads };
}

async function allFound(ends: Pick<BundleEnds, 'count' | 'end'>, some: readonly Wanted[] = wanted): Promise<void> {
  const { reader } = counting();
  const places = new Set<number>();
  for (const one of some) {
    const place = await placeOfLeaf({ reader, ends, sealed: LAST }, one);
    expect(place).not.toBeNull();
    places.add(place ?? -1);
    expect(new TextDecoder().decode(await reader.entry(place ?? 0))).toBe(encodeLeaf(one));
  }
  expect(places.size).toBe(some.length);
}

test('every leaf of both sources is found, by reading one bundle', async () => {
  expect([wanted.length, sealed.all.length]).toEqual([size, Math.floor(size / 256)]);
  await allFound(sealed);
  for (const one of wanted.filter((_, at) => at % 100 === 0)) {
    const { reader, reads } = counting();
    await placeOfLeaf({ reader, ends: sealed, sealed: LAST }, one);
    expect(reads()).toBe(1);
  }
});

test('what is not sealed is not found', async () => {
  const next = { source: 'events', ...eventAt(HOME.events + 1), kind: 'placement' } as const;
  const { reader, reads } = counting();
  expect(await placeOfLeaf({ reader, ends: sealed, sealed: LAST }, next)).toBeNull();
  expect(reads()).toBe(0);
  // Were it sealed, and the log without it, all of it would have been looked through.
  const lost = { ...LAST, events: next.position };
  expect(await placeOfLeaf({ reader, ends: sealed, sealed: lost }, next)).toBeNull();
  expect(reads()).toBeGreaterThan(sealed.all.length);
});

test('ends that lag, lack, or are nonsense change nothing but the time', async () => {
  const some = wanted.filter((_, at) => at % 97 === 0);
  const nonsense = memoryEnds();
  nonsense.all = sealed.all.map((_, at) => ({ events: at, audit: 0 }));
  const beyond = memoryEnds();
  beyond.all = [...sealed.all, ...sealed.all].map(() => ({ events: 0, audit: 0 }));
  const behind = memoryEnds();
  behind.all = sealed.all.slice(0, 3);
  for (const ends of [memoryEnds(), nonsense, beyond, behind]) await allFound(ends, some);
});

test('ends are found again from log and sources as they were, from any beginning', async () => {
  for (const known of [0, 1, 5, sealed.all.length, sealed.all.length + 1]) {
    const ends = memoryEnds();
    ends.all = [...sealed.all, { events: 1e9, audit: 1e9 }].slice(0, known);
    await findBundleEnds({ files: blobs, sha256, size, ends, sources: sourcesOf(HOME) });
    expect([known, ends.all]).toEqual([known, sealed.all]);
  }
});

test('ends whose last is not that of its bundle are found again', async () => {
  for (const broken of [{ events: 0, audit: 0 }, LAST]) {
    const ends = memoryEnds();
    ends.all = [...sealed.all.slice(0, 4), broken];
    await findBundleEnds({ files: blobs, sha256, size, ends, sources: sourcesOf(HOME) });
    expect(ends.all).toEqual(sealed.all);
  }
});

test('a store that contradicts the log, or a bundle that is missing, ends the search for ends, and no more', async () => {
  const ends = memoryEnds();
  await findBundleEnds({ files: blobs, sha256, size, ends, sources: sourcesOf({ events: 600 }) });
  expect(ends.all.length).toBeLessThan(sealed.all.length);
  const get = async (key: string): Promise<Uint8Array | null> => (key.includes('entries/004') ? null : blobs.get(key));
  await findBundleEnds({ files: { get }, sha256, size, ends: memoryEnds(), sources: sourcesOf(HOME) });
});

test('a sealer begins with the ends that it finds, and keeps them up', async () => {
  const ends = memoryEnds();
  const sealer = sealerOver(blobs, { events: 4000, audit: 700 }, { ends });
  await sealAll(sealer);
  const now = (await loadCheckpoint(blobs))?.checkpoint.size ?? 0;
  expect(ends.all.slice(0, sealed.all.length)).toEqual(sealed.all);
  expect(ends.all).toHaveLength(Math.floor(now / 256));
});
