/** A whole run: generations of kills on fresh data folders until as many were made as asked for, or the time is up. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DiskFullReport, runDiskFull } from './disk-full.ts';
import { runGeneration } from './generation.ts';
import { KILL_POINTS, type KillPoint, KillPlan } from './kill-plan.ts';
import { type Random, seeded } from './random.ts';
import { buildShim } from './shim/power-cut.ts';
import { newTally, type Tally } from './tally.ts';
import { startUpstream, type Upstream, writeConfig } from './upstream.ts';
import { type Law, Violations } from './violations.ts';

export interface HarnessOptions {
  readonly kills: number;
  /** No generation begins, and no further life in one, after so many seconds; null for no such end. */
  readonly seconds: number | null;
  readonly seed: number;
  readonly killsPerGeneration: number;
  /** Generations that run side by side, each with a server, clients and an upstream of its own: one alone mostly waits for its next server to load. */
  readonly lanes: number;
  /** Share of the lives under the shim that loses writes: 0 for none. */
  readonly shimShare: number;
  /** The named kill points that are used besides random times. */
  readonly points: readonly KillPoint[];
  /** Planted defects: modules that the servers load first, and their environment. */
  readonly preload: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly twin: boolean;
  /** Whether the disk is filled, too: once, before the kills. */
  readonly diskFull: boolean;
  /** Ends the run at the first violation of this law. */
  readonly stopAt: Law | null;
  /** A line for whoever waits. */
  readonly progress: (line: string) => void;
}

export interface HarnessReport {
  readonly tally: Tally;
  readonly violations: Violations;
  readonly seconds: number;
  readonly seed: number;
  /** Why nothing ran under the shim, if nothing did. */
  readonly shimMissing: string | null;
  /** Null if it was not asked for. */
  readonly diskFull: DiskFullReport | null;
  /** Where the data lies; null if it was removed, because all was well. */
  readonly folder: string | null;
}

export const DEFAULTS: HarnessOptions = {
  kills: 1650,
  seconds: null,
  seed: 1,
  killsPerGeneration: 50,
  lanes: 2,
  shimShare: 1 / 3,
  points: KILL_POINTS,
  preload: [],
  env: {},
  twin: false,
  diskFull: true,
  stopAt: null,
  progress: () => undefined,
};

/** ms a token of the emulated upstream: long enough that turns overlap, short enough for so many kills. */
const TOKEN_MS = 6;
const PROGRESS_MS = 5000;

interface Lane {
  readonly random: Random;
  readonly upstream: Upstream;
  readonly config: string;
}

async function openLane({ seed }: HarnessOptions, folder: string, index: number): Promise<Lane> {
  const random = seeded(seed + index);
  const upstream = await startUpstream(TOKEN_MS);
  const config = join(folder, `perdure-${index}.yaml`);
  writeConfig(config, upstream);
  return { random, upstream, config };
}

export async function runHarness(options: HarnessOptions): Promise<HarnessReport> {
  const begun = Date.now();
  const seconds = (): number => Math.round((Date.now() - begun) / 1000);
  const folder = mkdtempSync(join(tmpdir(), 'perdure-crash-'));
  const violations = new Violations(({ law, what, detail }) => options.progress(`${law} ${what}: ${detail}`));
  const tally = newTally();
  const built =
    options.shimShare > 0 ? buildShim(join(folder, 'shim')) : ({ ok: false, why: 'not asked for' } as const);
  let broken = false;
  const over = (): boolean =>
    broken ||
    (options.seconds !== null && seconds() >= options.seconds) ||
    (options.stopAt !== null && violations.laws().has(options.stopAt));
  const line = (): void =>
    options.progress(
      `${tally.kills} of ${options.kills} kills, ${tally.readBack} responses read back, ${violations.total} violations, ${seconds()} s`,
    );
  const timer = setInterval(line, PROGRESS_MS);
  const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'perdure-crash-compile-cache'), ...options.env };
  const lanes = await Promise.all(
    Array.from({ length: options.lanes }, (_, index) => openLane(options, folder, index)),
  );
  // One for all lanes: so a short run too comes to each point.
  const plan = new KillPlan(seeded(options.seed), options.points);
  const perGeneration = Math.min(options.killsPerGeneration, Math.ceil(options.kills / options.lanes));
  let left = options.kills;
  let generations = 0;

  async function run({ random, upstream, config }: Lane): Promise<void> {
    while (left > 0 && !over()) {
      const kills = Math.min(perGeneration, left);
      left -= kills;
      generations += 1;
      const generation = join(folder, `generation-${generations}`);
      mkdirSync(generation);
      await runGeneration({
        folder: generation,
        config,
        upstream,
        random,
        violations,
        tally,
        plan,
        kills,
        shim: built.ok ? built.library : null,
        shimShare: options.shimShare,
        preload: options.preload,
        env,
        twin: options.twin,
        onKill: over,
      });
      if (violations.total === 0) rmSync(generation, { recursive: true });
    }
  }

  let diskFull: DiskFullReport | null = null;
  try {
    const [first] = lanes;
    if (options.diskFull && first !== undefined) {
      diskFull = await runDiskFull({ ...first, folder: join(folder, 'disk-full'), violations, env });
      options.progress(
        diskFull.ran
          ? `a full disk: ${diskFull.refused} refusals, ${violations.total} violations, ${seconds()} s`
          : diskFull.why,
      );
    }
    // A lane that breaks is told once the others have come to an end, too.
    const ended = await Promise.allSettled(
      lanes.map(lane =>
        run(lane).catch((error: unknown) => {
          broken = true;
          throw error;
        }),
      ),
    );
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  } finally {
    clearInterval(timer);
    for (const { upstream } of lanes) await upstream.close();
  }
  const clean = violations.total === 0;
  if (clean) rmSync(folder, { recursive: true });
  const shimMissing = built.ok ? null : built.why;
  return {
    tally,
    violations,
    seconds: seconds(),
    seed: options.seed,
    shimMissing,
    diskFull,
    folder: clean ? null : folder,
  };
}
