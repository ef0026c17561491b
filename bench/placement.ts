/**
 * One placement decision with its full explanation (a row and every reason per target), for 50 clauses and 20 targets.
 * Measured: classify, judge, score, pick, and the table as data. Not measured: rendering it as text, or recording it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type * as findings from '../packages/server/src/contract/finding.ts';
import type * as loading from '../packages/server/src/contract/load.ts';
import type * as deciding from '../packages/server/src/placement/decide.ts';
import type * as facts from '../packages/server/src/placement/facts.ts';
import type * as snapshots from '../packages/server/src/placement/snapshot.ts';

// The server's own modules are another project of the compiler: they are found at run time.
const source = new URL('../packages/server/src/', import.meta.url);
const inServer = async (path: string): Promise<unknown> => import(new URL(path, source).href);
const { findingLine } = (await inServer('contract/finding.ts')) as typeof findings;
const { loadContract } = (await inServer('contract/load.ts')) as typeof loading;
const { decide } = (await inServer('placement/decide.ts')) as typeof deciding;
const { DEFAULT_WEIGHTS, makeSnapshot } = (await inServer('placement/snapshot.ts')) as typeof snapshots;

type Snapshot = snapshots.Snapshot;
type CallFacts = facts.CallFacts;
type Health = facts.Health;
type TargetPlace = facts.TargetPlace;

export interface PlacementBench {
  /** Turns of sessions that are alike, as most traffic is: what the clauses said is kept. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** Every call unlike all before it: all clauses are evaluated. */
  readonly firstP50Us: number;
  readonly clauses: number;
  readonly targets: number;
}

const CLAUSES = 50;
const TARGETS = 20;
const WARM_UP = 3000;
const SAMPLES = 10_000;
const CLOUDS = ['azure', 'aws', 'gcp', 'oracle'];

/** The shipped February clauses, and as many like them as are missing from 50. */
function files(): Record<string, string> {
  const folder = fileURLToPath(new URL('../contracts/openai-2026-02/', import.meta.url));
  const found: Record<string, string> = {};
  for (const path of [
    'contract.yaml',
    'clauses.cedar',
    ...readdirSync(`${folder}readings`).map(name => `readings/${name}`),
  ]) {
    found[path] = readFileSync(folder + path, 'utf8');
  }
  const shipped = (found['clauses.cedar']?.match(/@id\(/g) ?? []).length;
  const more = Array.from({ length: CLAUSES - shipped }, (_, i) => i);
  const clauses = more.map(
    i => `@id("more.${i}") @cite("bench")
forbid (principal, action in [Action::"infer", Action::"place_state"], resource)
when { context.call.vendor == Vendor::"openai" && ${i % 2 === 0 ? 'context.class == "stateful"' : `context.call.purpose == "${i % 4 === 1 ? 'turn' : 'eval'}"`} }
unless { resource in Cloud::"${CLOUDS[i % CLOUDS.length] ?? ''}" || resource.jurisdiction == "us" || resource.clearances.containsAll(principal.labels) };`,
  );
  const notes = more.map(i => `  more.${i}: {source: encoding, confidence: C, summary: bench}`);
  found['clauses.cedar'] += `\n${clauses.join('\n')}`;
  found['contract.yaml'] = (found['contract.yaml'] ?? '').replace('\nclauses:\n', `\nclauses:\n${notes.join('\n')}\n`);
  return found;
}

function target(i: number): TargetPlace {
  const cloud = CLOUDS[i % CLOUDS.length] ?? '';
  return {
    kind: 'target',
    id: `target-${i}`,
    cloud,
    region: `${cloud}-${Math.floor(i / CLOUDS.length)}`,
    jurisdiction: i % 3 === 0 ? 'us' : 'eu',
    sovereignty: 'commercial',
    clearances: i % 2 === 0 ? ['restricted'] : [],
    vendor: 'openai',
    model: 'gpt',
    prices: { inputPerMtok: 1_250_000 + i, cachedInputPerMtok: 125_000, outputPerMtok: 10_000_000 },
    accelerator: null,
    capacity: { maxConcurrent: 100 },
    capabilities: null,
    contextTokens: 400_000,
  };
}

function setting(): { snapshot: Snapshot; calls: CallFacts[]; health: Health } {
  const { contract, findings } = loadContract(files());
  if (contract === null) throw new Error(findings.map(findingLine).join('\n'));
  const places = Array.from({ length: TARGETS }, (_, i) => target(i));
  const snapshot = makeSnapshot({
    version: 'bench',
    places,
    contracts: [contract],
    readings: {},
    enforce: true,
    onAmbiguity: 'flag',
    weights: DEFAULT_WEIGHTS,
  });
  const at = Date.UTC(2026, 2, 20);
  const product = { id: 'frontier', vendor: 'openai', kind: 'runtime' } as const;
  const channels = [
    { id: 'bedrock', seller: 'amazon', kind: 'third-party' },
    { id: 'direct', seller: 'openai', kind: 'direct' },
  ] as const;
  const calls = channels.flatMap(channel =>
    [[], ['restricted']].map(sessionLabels => ({
      session: {
        tenant: 'acme',
        product,
        channel,
        segment: 'commercial',
        stateHeld: true,
        startedAt: at,
        reading: {},
      } as const,
      sessionId: 's1',
      vendor: 'openai',
      model: 'gpt',
      purpose: 'turn' as const,
      sessionLabels,
      requestLabels: [],
      at,
      inputTokens: 3000,
      outputBound: 2000,
    })),
  );
  const health = Object.fromEntries(
    places.map((place, i) => [place.id, { state: 'up', inFlight: i, expectedLatencyMs: 400 + i } as const]),
  );
  return { snapshot, calls, health };
}

/** Microseconds of each decision, sorted. */
function timesOf(snapshot: Snapshot, health: Health, callAt: (i: number) => CallFacts): number[] {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + SAMPLES; i++) {
    const facts = callAt(i);
    const start = performance.now();
    const decision = decide(snapshot, 'infer', facts, health);
    const took = performance.now() - start;
    if (decision.rows.length !== TARGETS) throw new Error('a row is missing');
    if (i >= WARM_UP) times.push(took * 1000);
  }
  return times.toSorted((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number {
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10;
}

export function benchPlacement(): PlacementBench {
  const { snapshot, calls, health } = setting();
  const [any] = calls;
  if (any === undefined) throw new Error('no calls');
  const again = timesOf(snapshot, health, i => ({ ...(calls[i % calls.length] ?? any), inputTokens: 1000 + i }));
  const first = timesOf(snapshot, health, i => {
    const call = calls[i % calls.length] ?? any;
    return { ...call, session: { ...call.session, tenant: `tenant-${i}` } };
  });
  return {
    p50Us: quantile(again, 0.5),
    p99Us: quantile(again, 0.99),
    firstP50Us: quantile(first, 0.5),
    clauses: CLAUSES,
    targets: TARGETS,
  };
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(benchPlacement())}\n`);
