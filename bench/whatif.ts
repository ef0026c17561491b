/**
 * A million recorded placements replayed under another reading. Measured: what the command does with each, from the texts that the store gives
 * (the placement's event and that of its call's end) to the totals: read, decided, rated by price books and a rate card. On one core, processor
 * time. Not measured: reading the texts from a disk (`node bench/whatif-run.ts` does). The records are of a deployment with eight targets on four
 * clouds, four channels, two products, twenty tenants, three readings, labels, and tokens and health that differ from call to call.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadContract } from '../packages/server/src/contract/load.ts';
import type { SessionId } from '../packages/server/src/kernel/ids.ts';
import { encodeHead, EVENT_CODES } from '../packages/server/src/log/codec.ts';
import type { JsonObject } from '../packages/server/src/log/events.ts';
import { costByBooks, revenueByBooks } from '../packages/server/src/main/whatif/cost.ts';
import { placedText } from '../packages/server/src/main/whatif/placed.ts';
import { decide } from '../packages/server/src/placement/decide.ts';
import type { CallFacts, Channel, Product } from '../packages/server/src/placement/facts.ts';
import { toRecord } from '../packages/server/src/placement/record.ts';
import { makeReplay, type Supposition } from '../packages/server/src/placement/replay.ts';
import { DEFAULT_WEIGHTS, makeSnapshot, type Snapshot } from '../packages/server/src/placement/snapshot.ts';
import { emptyTally } from '../packages/server/src/placement/tally.ts';
import type { PlacementTexts } from '../packages/server/src/store/sqlite/messages.ts';
import { benchBooks, benchHealth, benchPlaces, numbers } from './whatif-traffic.ts';

export interface WhatIfBench {
  readonly records: number;
  readonly perSecond: number;
  /** Heap in use after a collection, near the beginning and at the end, MB. */
  readonly heapMb: readonly [number, number];
  readonly cells: number;
  readonly changed: number;
}

/** As many as the store gives at once. */
const PAGE = 500;
/** Between two collections, which also throw away what was compiled: many small ones would measure that. */
const BATCH = 50_000;
const START = Date.UTC(2026, 2, 1);
/** ms between two records: a million in forty days. */
const SPACING = 3456;

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

const PRODUCTS: readonly Product[] = [
  { id: 'api', vendor: 'openai', kind: 'api' },
  { id: 'frontier', vendor: 'openai', kind: 'runtime' },
];
const CHANNELS: readonly Channel[] = [
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

interface Row {
  readonly at: number;
  readonly code: number;
  readonly head: string;
  readonly end: string | null;
}

function traffic(snapshot: Snapshot): (index: number) => Row {
  const below = numbers(7);
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  return index => {
    const at = START + index * SPACING;
    const call: CallFacts = {
      session: {
        tenant: `tenant-${below(20)}`,
        product: one(PRODUCTS),
        channel: one(CHANNELS),
        segment: below(10) === 0 ? 'us-natsec' : 'commercial',
        stateHeld: below(4) > 0,
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
    const health = benchHealth(snapshot.places, below);
    const action = below(20) === 0 ? 'place_state' : 'infer';
    const decision = decide(snapshot, action, call, health);
    const placement = toRecord(decision, snapshot, call, health) as unknown as JsonObject;
    if (action === 'place_state') {
      const head = encodeHead({ type: 'state.placed', head: { placement }, payload: null });
      return { at, code: EVENT_CODES['state.placed'], head, end: null };
    }
    const { chosen } = decision;
    const reserved = { input: call.inputTokens, output: call.outputBound };
    const number = 1 + (below(4) === 0 ? below(3) : 0);
    const placed = { call: number, purpose: call.purpose, chosen, placement, reserved };
    const head = encodeHead({ type: 'call.placed', head: placed, payload: null });
    const usage = { input: reserved.input, cached: reserved.input >> 1, output: reserved.output >> 2, reasoning: 0 };
    const upstream = { response: `resp_${index}`, request: null };
    const ended = { call: number, outcome: 'completed' as const, reason: null, usage, upstream, count: 1, calls: [] };
    const end = encodeHead({ type: 'call.completed', head: ended, payload: null });
    return { at, code: EVENT_CODES['call.placed'], head, end: chosen === null ? null : `1 ${end}` };
  };
}

function pageOf(rows: readonly Row[], first: number): PlacementTexts {
  return {
    positions: rows.map((_, i) => first + i),
    ats: rows.map(({ at }) => at),
    sessions: rows.map(() => 'sess_bench' as SessionId),
    codes: rows.map(({ code }) => code),
    versions: rows.map(() => 1),
    // As they come from another thread: flat, and not the texts that anything else holds.
    heads: structuredClone(rows.map(({ head }) => head)),
    ends: structuredClone(rows.map(({ end }) => end)),
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

/** @param count a multiple of `BATCH` */
export function benchWhatIf(count = 1_000_000): WhatIfBench {
  const parts = {
    version: '0123456789abcdef0123456789abcdef',
    places: benchPlaces(),
    contracts: [contract('openai-2026-02'), contract('data-handling')],
    enforce: true,
    onAmbiguity: 'flag' as const,
    weights: DEFAULT_WEIGHTS,
  };
  const recorded = makeSnapshot({ ...parts, readings: { 'openai-2026-02': 'as-written' } });
  const supposed = makeSnapshot({ ...parts, readings: { 'openai-2026-02': 'microsoft' } });
  const tally = emptyTally();
  const replay = makeReplay(tally);
  const books = benchBooks();
  const money = { cost: costByBooks(books)(recorded), revenue: revenueByBooks(books) };
  const supposition: Supposition = { recorded, supposed, readings: 'snapshot', ...money };
  const next = traffic(recorded);
  let busy = 0;
  let early = 0;
  for (let done = 0; done < count; done += BATCH) {
    const pages = Array.from({ length: BATCH / PAGE }, (_, page) => {
      const first = done + page * PAGE;
      return pageOf(
        Array.from({ length: PAGE }, (__, i) => next(first + i)),
        first,
      );
    });
    // What made the records has left much to be collected, which is not the replay's.
    collect();
    const from = cpuMs();
    for (const texts of pages)
      for (const [i, position] of texts.positions.entries()) {
        const { text, start, end, usage, version } = placedText(texts, i);
        if (version !== recorded.version) throw new Error('the record is of another snapshot');
        replay.add({ id: String(position), at: texts.ats[i] ?? 0, text, start, end, usage, use: null }, supposition);
      }
    busy += cpuMs() - from;
    pages.length = 0;
    if (done === 2 * BATCH) early = heapMb();
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
