/**
 * Many streams at once: what the server adds to each token, and how many events it passes on, beside a bare relay of the same run that makes one
 * write of each event, and one that commits each before it does.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ms, type Row } from './figures.ts';
import type { LoopLine } from './loop-watch.ts';
import { processorSeconds, start, type Started, startRelay, startServer } from './processes.ts';
import { readStreams, type StreamFigures } from './stream-client.ts';

export interface StreamsOptions {
  readonly streams: number;
  /** Of each side's paced run, s. */
  readonly seconds: number;
  /** Between two tokens of a stream, ms. */
  readonly everyMs: number;
  readonly rounds: number;
  /** For so long the server's memory is watched, min; 0: not. */
  readonly minutes: number;
}

export const STREAMS: StreamsOptions = { streams: 500, seconds: 12, everyMs: 200, rounds: 4, minutes: 0 };
/** Over which the streams of a paced run begin, ms: what a beginning costs is what `latency` measures. */
const RAMP_MS = 4000;
/** Deltas of each stream where they come as fast as they are taken. */
const FLOOD = 100;
/** From an event's arrival to its commit, in a stored turn: DESIGN.md part 4. */
const COMMIT_WINDOW_MS = 5;
/** Beside that. */
const STORED_MS = 2;

interface Side {
  readonly name: string;
  readonly url: string;
  readonly store: boolean;
  readonly process: Started;
  readonly loop: string;
}

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly stallMs: number;
  readonly perSecond: number;
  /** Processor time of all threads for one event, us. */
  readonly cpuUs: number;
}

export async function benchStreams(options: StreamsOptions, say: (text: string) => void): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-bench-streams-'));
  const watched = (name: string) => ({ BENCH_LOOP_FILE: join(folder, name) });
  const upstream = await start(['bench/stream-upstream.ts']);
  const relay = await startRelay(upstream.url, 'events', watched('relay'));
  const keeping = await startRelay(upstream.url, 'kept', watched('keeping'));
  const server = await startServer({ url: upstream.url }, '', { env: watched('server') });
  try {
    const sides: readonly Side[] = [
      { name: 'relay', url: relay.url, store: false, process: relay, loop: join(folder, 'relay') },
      { name: 'stateless', url: `${server.url}/v1`, store: false, process: server, loop: join(folder, 'server') },
      { name: 'stored', url: `${server.url}/v1`, store: true, process: server, loop: join(folder, 'server') },
      { name: 'keeping relay', url: keeping.url, store: false, process: keeping, loop: join(folder, 'keeping') },
    ];
    for (const side of sides) await flood(side, options);
    const rounds: (readonly Measured[])[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const measured: Measured[] = [];
      for (const side of sides) {
        const one = await measure(side, options);
        say(`  ${side.name}: ${shown(one)}`);
        measured.push(one);
      }
      rounds.push(measured);
    }
    const rows = rowsOf(
      options,
      sides.map((_, i) => quietest(rounds.flatMap(round => round[i] ?? []))),
    );
    return options.minutes === 0 ? rows : [...rows, await endurance(sides, options, say)];
  } finally {
    await server.remove();
    await relay.stop();
    await keeping.stop();
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Figure by figure the best of all rounds: what else a shared machine does only adds. */
function quietest(rounds: readonly Measured[]): Measured {
  const least = (of: keyof Measured): number => Math.min(...rounds.map(one => one[of]));
  return {
    p50: least('p50'),
    p99: least('p99'),
    p999: least('p999'),
    stallMs: least('stallMs'),
    perSecond: Math.max(...rounds.map(one => one.perSecond)),
    cpuUs: least('cpuUs'),
  };
}

function loadOf(side: Side, { streams }: StreamsOptions) {
  return { url: side.url, store: side.store, streams };
}

async function measure(side: Side, options: StreamsOptions): Promise<Measured> {
  const deltas = Math.round((options.seconds * 1000) / options.everyMs);
  const from = Date.now();
  const paced = await readStreams({ ...loadOf(side, options), deltas, everyMs: options.everyMs, rampMs: RAMP_MS });
  const stallMs = Math.max(
    ...linesOf(side)
      // A line tells of the second before it; the first stream ends when its seconds are over.
      .filter(({ at }) => at > from + RAMP_MS + 1000 && at < from + options.seconds * 1000)
      .map(line => line.stallMs),
  );
  const spent = processorSeconds(side.process.pid);
  const flooded = await flood(side, options);
  const cpuUs = ((processorSeconds(side.process.pid) - spent) * 1e6) / flooded.deltas;
  return { ...percentiles(paced), stallMs, perSecond: flooded.deltas / flooded.seconds, cpuUs };
}

function flood(side: Side, options: StreamsOptions): Promise<StreamFigures> {
  return readStreams({ ...loadOf(side, options), deltas: FLOOD, everyMs: 0, rampMs: 0 });
}

function percentiles({ latencies }: StreamFigures): Pick<Measured, 'p50' | 'p99' | 'p999'> {
  const sorted = latencies.toSorted();
  const at = (share: number): number =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN) / 1000;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

function linesOf({ loop }: Side): readonly LoopLine[] {
  if (!existsSync(loop)) return [];
  return readFileSync(loop, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as LoopLine);
}

function shown({ p50, p99, p999, stallMs, perSecond, cpuUs }: Measured): string {
  return `token ${ms(p50)} p50, ${ms(p99)} p99, ${ms(p999)} p99.9; stall ${ms(stallMs)}; ${Math.round(perSecond)} events/s, ${cpuUs.toFixed(0)} us of processor each`;
}

function rowsOf(
  { streams, everyMs }: StreamsOptions,
  [relay, stateless, stored, keeping]: readonly Measured[],
): readonly Row[] {
  if (relay === undefined || stateless === undefined || stored === undefined || keeping === undefined) return [];
  const paced = `${streams} streams, a token every ${everyMs} ms`;
  const added = (what: string, of: 'p50' | 'p99' | 'p999', side: Measured, goal: number, floor = relay): Row => {
    const value = side[of] - floor[of];
    const at = { p50: 'p50', p99: 'p99', p999: 'p99.9' }[of];
    const over = floor === keeping ? 'over a relay that commits each, ' : '';
    return {
      what: `${paced}, ${what}: added to a token, ${over}${at}`,
      goal: `<= ${goal} ms`,
      measured: `${ms(value)} (relay ${ms(floor[of])}, perdure ${ms(side[of])})`,
      ratio: value / goal,
    };
  };
  const share = (what: string, side: Measured): Row => ({
    what: `${streams} streams as fast as they go, ${what}: events/s over a relay's`,
    goal: '>= 60%',
    measured: `${((side.perSecond / relay.perSecond) * 100).toFixed(0)}% (${Math.round(side.perSecond)} of ${Math.round(relay.perSecond)}/s)`,
    ratio: 0.6 / (side.perSecond / relay.perSecond),
  });
  const stall = (what: string, side: Measured): Row => ({
    what: `${paced}, ${what}: longest stall of the event loop`,
    goal: '<= 10 ms',
    measured: `${ms(side.stallMs)} (relay ${ms(relay.stallMs)})`,
    ratio: side.stallMs / 10,
  });
  const processor = (what: string, side: Measured): Row => ({
    what: `the same, ${what}: processor time of an event over a relay's`,
    goal: '<= 1 / 60%',
    measured: `${(side.cpuUs / relay.cpuUs).toFixed(2)} x (${side.cpuUs.toFixed(0)} and ${relay.cpuUs.toFixed(0)} us)`,
    ratio: (side.cpuUs / relay.cpuUs) * 0.6,
  });
  return [
    added('stateless', 'p50', stateless, 1),
    added('stateless', 'p99', stateless, 1),
    added('stored', 'p50', stored, COMMIT_WINDOW_MS + STORED_MS),
    added('stored', 'p99', stored, COMMIT_WINDOW_MS + STORED_MS),
    added('stored', 'p999', stored, 15),
    added('stored', 'p50', stored, STORED_MS, keeping),
    added('stored', 'p99', stored, STORED_MS, keeping),
    stall('stateless', stateless),
    stall('stored', stored),
    share('stateless', stateless),
    share('stored', stored),
    processor('stateless', stateless),
    processor('stored', stored),
  ];
}

/** The same load for long: what the server holds must not grow. */
async function endurance(sides: readonly Side[], options: StreamsOptions, say: (text: string) => void): Promise<Row> {
  const began = Date.now();
  const until = began + options.minutes * 60_000;
  const server = sides.filter(({ name }) => !name.endsWith('relay'));
  const half = { ...options, streams: Math.ceil(options.streams / 2) };
  const deltas = Math.round((options.seconds * 1000) / options.everyMs);
  while (Date.now() < until) {
    await Promise.all(
      server.map(side => readStreams({ ...loadOf(side, half), deltas, everyMs: options.everyMs, rampMs: 1000 })),
    );
    const newest = (server[0] === undefined ? [] : linesOf(server[0])).at(-1);
    say(`  ${((Date.now() - began) / 60_000).toFixed(1)} min: ${newest?.rssMb.toFixed(0)} MB resident`);
  }
  const lines = server[0] === undefined ? [] : linesOf(server[0]).filter(({ at }) => at > began);
  const mean = (from: number, to: number): number => {
    const part = lines.slice(Math.floor(lines.length * from), Math.ceil(lines.length * to));
    return part.reduce((sum, { rssMb }) => sum + rssMb, 0) / part.length;
  };
  // What the start and V8's growing young generation take is in the first quarter.
  const [before, after] = [mean(0.25, 0.5), mean(0.75, 1)];
  return {
    what: `${options.minutes} min of ${options.streams} streams: resident memory, last quarter over second`,
    goal: '<= 1.1',
    measured: `${before.toFixed(0)} -> ${after.toFixed(0)} MB (heap ${lines.at(-1)?.heapMb.toFixed(0)} MB)`,
    ratio: after / before / 1.1,
  };
}
