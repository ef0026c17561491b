/** The traffic that the what-if benchmarks replay: eight targets on four clouds, twenty tenants, labels, and tokens and health that differ from call to call. */
import type { Traffic } from '../packages/server/src/main/evidence/recorded-folder.test-support.ts';
import type { Books, TokenPrices } from '../packages/server/src/money/prices.ts';
import type { Health, HomePlace, Place, TargetPlace } from '../packages/server/src/placement/facts.ts';

const CLOUDS = ['azure', 'aws', 'gcp', 'oracle'];

export function benchPlaces(): readonly Place[] {
  const targets = Array.from({ length: 8 }, (_, i): TargetPlace => {
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
  const homes = CLOUDS.map((cloud): HomePlace => {
    const place = { region: `${cloud}-0`, jurisdiction: 'us', sovereignty: 'commercial', clearances: [] };
    return { kind: 'home', id: `home-${cloud}`, cloud, ...place };
  });
  return [...targets, ...homes];
}

/** A small generator of numbers (mulberry32): every run replays the same traffic. */
export function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

export function benchHealth(places: readonly Place[], below: (most: number) => number): Health {
  const targets = places.filter(({ kind }) => kind === 'target');
  return Object.fromEntries(
    targets.map(({ id }) => [
      id,
      {
        state: below(40) === 0 ? ('down' as const) : ('up' as const),
        inFlight: below(30),
        expectedLatencyMs: 100 + below(900),
      },
    ]),
  );
}

/** For a folder laid through the store. */
export function benchTraffic(): Traffic {
  const places = benchPlaces();
  const below = numbers(11);
  return {
    places,
    tenant: session => `tenant-${session % 20}`,
    segment: session => (session % 10 === 9 ? 'us-natsec' : 'commercial'),
    facts: session => ({
      purpose: below(8) === 0 ? 'compaction' : 'turn',
      sessionLabels: session % 6 === 0 ? ['restricted'] : [],
      inputTokens: below(100_000),
    }),
    health: () => benchHealth(places, below),
  };
}

/** A price book with two versions for half of the targets, and rates for one product and for all. */
export function benchBooks(): Books {
  const prices = (input: number): TokenPrices => ({
    input,
    cached: input / 10,
    written: input,
    output: 8 * input,
    reasoning: 8 * input,
  });
  const book = [
    { from: null, prices: prices(1_300_000) },
    { from: Date.UTC(2026, 2, 25), prices: prices(1_100_000) },
  ];
  const rate = { channel: null, model: null, from: null };
  return {
    currency: 'USD',
    costs: Object.fromEntries([0, 2, 4, 6].map(i => [`target-${i}`, book])),
    rates: [
      { ...rate, product: null, prices: prices(2_000_000) },
      { ...rate, product: 'frontier', prices: prices(3_000_000) },
    ],
  };
}
