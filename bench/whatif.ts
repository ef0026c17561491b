/**
 * A million recorded placements replayed under another reading. Measured: reading each record from its text and adding it to the totals,
 * on one core. Not measured: reading the texts from a disk. The records are well-formed ones of a deployment with eight targets on
 * four clouds, four channels, two products, twenty tenants, three readings, labels, and tokens and health that differ from call to call.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type * as loading from '../packages/server/src/contract/load.ts';
import type * as deciding from '../packages/server/src/placement/decide.ts';
import type * as facts from '../packages/server/src/placement/facts.ts';
import type * as records from '../packages/server/src/placement/record.ts';
import type * as replays from '../packages/server/src/placement/replay.ts';
import type * as scores from '../packages/server/src/placement/score.ts';
import type * as snapshots from '../packages/server/src/placement/snapshot.ts';
import type * as tallies from '../packages/server/src/placement/tally.ts';

// The server's own modules are another project of the compiler: they are found at run time.
const source = new URL('../packages/server/src/', import.meta.url);
const inServer = async (path: string): Promise<unknown> => import(new URL(path, source).href);
const { loadContract } = (await inServer('contract/load.ts')) as typeof loading;
const { decide } = (await inServer('placement/decide.ts')) as typeof deciding;
const { toRecord } = (await inServer('placement/record.ts')) as typeof records;
const { makeReplay } = (await inServer('placement/replay.ts')) as typeof replays;
const { usageCost } = (await inServer('placement/score.ts')) as typeof scores;
const { DEFAULT_WEIGHTS, makeSnapshot } = (await inServer('placement/snapshot.ts')) as typeof snapshots;
const { emptyTally } = (await inServer('placement/tally.ts')) as typeof tallies;

export interface WhatIfBench {
  readonly records: number;
  readonly perSecond: number;
  /** Heap in use after a collection, near the beginning and at the end, MB. */
  readonly heapMb: readonly [number, number];
  readonly cells: number;
  readonly changed: number;
}

const CLOUDS = ['azure', 'aws', 'gcp', 'oracle'];
const BATCH = 10_000;
const START = Date.UTC(2026, 2, 1);
const DAY = 86_400_000;

function files(name: string): Record<string, string> {
  const folder = fileURLToPath(new URL(`../contracts/${name}/`, import.meta.url));
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(path => /\.(yaml|cedar)$/.test(path));
  return Object.fromEntries(paths.map(path => [path, readFileSync(folder + path, 'utf8')]));
}

function contract(name: string): NonNullable<ReturnType<typeof loadContract>['contract']> {
  const { contract: loaded } = loadContract(files(name));
  if (loaded === null) throw new Error(`${name} cannot be loaded`);
  return loaded;
}

function places(): facts.Place[] {
  const targets = Array.from({ length: 8 }, (_, i): facts.TargetPlace => {
    const cloud = CLOUDS[i % CLOUDS.length] ?? '';
    return {
      kind: 'target',
      id: `target-${i}`,
      cloud,
      region: `${cloud}-${i >> 2}`,
      jurisdiction: i % 3 === 0 ? 'eu' : 'us',
      sovereignty: 'commercial',
      clearances: i % 2 === 0 ? ['restricted'] : [],
      vendor: i < 6 ? 'openai' : 'anthropic',
      model: i < 6 ? 'gpt' : 'claude',
      prices: { inputPerMtok: 1_250_000 + 1000 * i, cachedInputPerMtok: 125_000, outputPerMtok: 10_000_000 },
      accelerator: null,
      capacity: { maxConcurrent: 50 },
      capabilities: null,
      contextTokens: 400_000,
    };
  });
  const homes = CLOUDS.map((cloud): facts.HomePlace => {
    const place = { region: `${cloud}-0`, jurisdiction: 'us', sovereignty: 'commercial', clearances: [] };
    return { kind: 'home', id: `home-${cloud}`, cloud, ...place };
  });
  return [...targets, ...homes];
}

/** A small generator of numbers (mulberry32): every run replays the same traffic. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const PRODUCTS: readonly facts.Product[] = [
  { id: 'api', vendor: 'openai', kind: 'api' },
  { id: 'frontier', vendor: 'openai', kind: 'runtime' },
];
const CHANNELS: readonly facts.Channel[] = [
  { id: 'direct', seller: 'openai', kind: 'direct' },
  { id: 'bedrock', seller: 'amazon', kind: 'third-party' },
  { id: 'foundry', seller: 'microsoft', kind: 'third-party' },
  { id: 'vertex', seller: 'google', kind: 'third-party' },
];
const READINGS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'openai-2026-02': 'microsoft' },
  { 'openai-2026-02': 'amazon-openai' },
];

function traffic(snapshot: snapshots.Snapshot): (index: number) => { text: string; at: number } {
  const below = numbers(7);
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  return index => {
    const at = START + Math.floor(index * 3) + below(40 * DAY);
    const stateHeld = below(4) > 0;
    const call: facts.CallFacts = {
      session: {
        tenant: `tenant-${below(20)}`,
        product: one(PRODUCTS),
        channel: one(CHANNELS),
        segment: below(10) === 0 ? 'us-natsec' : 'commercial',
        stateHeld,
        startedAt: at - below(100_000),
        reading: one(READINGS),
        use: { turns: below(30), itemsRead: below(200), memoryReads: 0, toolsRun: below(5), filesTouched: 0 },
      },
      sessionId: '',
      vendor: 'openai',
      model: 'gpt',
      purpose: below(8) === 0 ? 'compaction' : 'turn',
      sessionLabels: below(6) === 0 ? ['restricted'] : [],
      requestLabels: [],
      at,
      inputTokens: below(100_000),
      outputBound: 1024 << below(5),
    };
    const health: facts.Health = Object.fromEntries(
      snapshot.targets.map(({ id }) => [
        id,
        {
          state: below(40) === 0 ? ('down' as const) : ('up' as const),
          inFlight: below(30),
          expectedLatencyMs: 100 + below(900),
        },
      ]),
    );
    const action = below(20) === 0 ? 'place_state' : 'infer';
    const record = toRecord(decide(snapshot, action, call, health), snapshot, call, health);
    return { text: JSON.stringify(record), at };
  };
}

/** Processor time of this process: on a machine that does other things too, the clock on the wall says little of a core. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapMb(): number {
  collect();
  return process.memoryUsage().heapUsed / 1_000_000;
}

export function benchWhatIf(count = 1_000_000): WhatIfBench {
  const parts = {
    version: 'bench',
    places: places(),
    contracts: [contract('openai-2026-02'), contract('data-handling')],
    enforce: true,
    onAmbiguity: 'flag' as const,
    weights: DEFAULT_WEIGHTS,
  };
  const recorded = makeSnapshot({ ...parts, readings: { 'openai-2026-02': 'as-written' } });
  const supposed = makeSnapshot({ ...parts, readings: { 'openai-2026-02': 'microsoft' } });
  const tally = emptyTally();
  const replay = makeReplay(tally);
  const supposition: replays.Supposition = {
    recorded,
    supposed,
    readings: 'snapshot',
    cost(target, usage) {
      const place = recorded.byId.get(target);
      return place?.kind === 'target' ? usageCost(place.prices, usage) : 0n;
    },
  };
  const next = traffic(recorded);
  let busy = 0;
  let early = 0;
  for (let done = 0; done < count; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => next(done + i));
    const from = cpuMs();
    for (const [i, { text, at }] of batch.entries()) {
      const record = JSON.parse(text) as records.PlacementRecord;
      const usage = record.c === undefined ? null : { input: record.i, cached: record.i >> 1, output: record.o >> 2 };
      replay.add({ id: `plc_${done + i}`, at, record, usage, use: null }, supposition);
    }
    busy += cpuMs() - from;
    if (done === 10 * BATCH) early = heapMb();
  }
  const cells = [...tally.cells.values()];
  return {
    records: count,
    perSecond: (count / busy) * 1000,
    heapMb: [early, heapMb()],
    cells: cells.length,
    changed: cells.reduce((sum, cell) => sum + (cell.was.place === cell.would.place ? 0 : cell.placements), 0),
  };
}
