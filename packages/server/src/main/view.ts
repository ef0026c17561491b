/** What `/perdure/v1` shows: explanations recomputed from records, what-if, targets, status. */
import type { PlacementResource, PlacementRow, StatusResource, TargetResource } from '@perdure/protocol';
import { perdureError } from '@perdure/protocol';
import type { PlacementDesk } from '../engine/placement-desk.ts';
import type { PlacementRecord } from '../engine/placements.ts';
import type { PlacementsView } from '../http/perdure/view.ts';
import { dayOrNull } from '../kernel/day.ts';
import { pricesAt } from '../money/prices.ts';
import type { Row } from '../placement/decision.ts';
import { exclusionText } from '../placement/explain.ts';
import { placeNamed } from '../placement/outside.ts';
import { fromRecord, recompute, type PlacementRecord as CompactRecord } from '../placement/record.ts';
import type { Config } from './config/config.ts';
import { askerOf } from './placement-asker.ts';
import { isFlaggedApart, matchesPlainly } from './placement-filter.ts';
import type { LoadedEra } from './govern/active-contracts.ts';
import { clausesOf, conflictOf, distinct, explanationOf, wireClause } from './refusal-view.ts';
import { type LoadedSnapshot, parseDocument, snapshotOfDocument } from './snapshots.ts';

export interface ViewOptions {
  readonly config: Config;
  /** What is in force now. */
  readonly active: () => LoadedEra;
  readonly desk: PlacementDesk;
  /** A snapshot document by its version; null if no home keeps it. */
  readonly document: (version: string) => Promise<string | null>;
  readonly version: string;
  readonly startedAt: number;
  readonly now: () => number;
  readonly draining: () => boolean;
  readonly workspaces: () => Promise<StatusResource['workspaces']>;
}

/** Old snapshots kept in memory. */
const KEPT_SNAPSHOTS = 8;

export function makeView(options: ViewOptions): PlacementsView {
  const { config, desk } = options;
  const old = new Map<string, Promise<LoadedSnapshot>>();

  async function snapshotOf(version: string): Promise<LoadedSnapshot> {
    const { loaded } = options.active();
    if (version === loaded.snapshot.version) return loaded;
    let found = old.get(version);
    if (found === undefined) {
      found = load(version);
      old.set(version, found);
      found.catch(() => old.delete(version));
      for (const key of old.keys()) if (old.size > KEPT_SNAPSHOTS) old.delete(key);
    }
    return found;
  }

  async function load(version: string): Promise<LoadedSnapshot> {
    const text = await options.document(version);
    if (text === null) throw perdureError('placement_not_found', 'What this placement saw is not kept here any more.');
    return snapshotOfDocument(parseDocument(text), true);
  }

  return {
    async explain(record) {
      const compact = record.record as unknown as CompactRecord;
      if (compact.s === undefined) return bare(record);
      return resource(record, compact, await snapshotOf(compact.s), config);
    },
    async matches(record, filters) {
      const compact = record.record as unknown as CompactRecord;
      const plain = matchesPlainly(record, compact, filters);
      if (plain && filters.outcome === 'flagged' && compact.s !== undefined) {
        if (!isFlaggedApart(compact, (await snapshotOf(compact.s)).snapshot)) return false;
      }
      if (!plain || filters.cloud === undefined) return plain;
      if (record.chosen === null || compact.s === undefined) return false;
      return placeNamed((await snapshotOf(compact.s)).snapshot, record.chosen)?.cloud === filters.cloud;
    },
    whatIf: async (records, suppose) => (await import('./whatif/in-server.ts')).whatIf(records, suppose, snapshotOf),
    async document(version, tenant) {
      const text = await options.document(version);
      return text === null || tenant === null ? text : documentFor(text, tenant);
    },
    targets: () => targets(config, desk, options.now()),
    status: async () => ({ ...status(options), workspaces: await options.workspaces() }),
  };
}

/** A refusal that came before any contract was asked (its product was not configured). */
function bare(record: PlacementRecord): PlacementResource {
  return {
    ...frame(record),
    outcome: 'refused',
    target: null,
    class: null,
    reading: null,
    as_of: null,
    in_force: [],
    clauses: [],
    rows: [],
    flagged: [],
    enforced: true,
    would_be: null,
    waivers: [],
    conflict: null,
    explanation: 'The product or channel of the key was not configured.',
  };
}

function toolOf({ T: tool }: CompactRecord): PlacementResource['tool'] {
  return tool === undefined ? null : { name: tool[0], origin: tool[1] };
}

function destinationOf({ D: to }: CompactRecord): PlacementResource['destination'] {
  return to === undefined ? null : { host: to[0], use: to[1] };
}

function frame(record: PlacementRecord) {
  return {
    id: record.id,
    object: 'perdure.placement' as const,
    created_at: Math.floor(record.at / 1000),
    tenant: record.tenant,
    session: record.session,
    response: record.response,
    action: record.action,
    purpose: record.purpose as PlacementResource['purpose'],
    tool: toolOf(record.record as unknown as CompactRecord),
    destination: destinationOf(record.record as unknown as CompactRecord),
    ...askerOf(record.record as unknown as CompactRecord),
    home: record.action === 'place_state' ? record.chosen : record.home,
    usage: record.call.usage,
    call: { status: record.call.status },
  };
}

function resource(
  record: PlacementRecord,
  compact: CompactRecord,
  loaded: LoadedSnapshot,
  config: Config,
): PlacementResource {
  const { snapshot } = loaded;
  const decision = recompute(compact, snapshot);
  const chosen = decision.rows.find(row => row.verdict === 'chosen');
  const place = chosen === undefined ? undefined : snapshot.byId.get(chosen.place);
  const reasons = decision.chosen === null ? decision.rows : decision.rows.filter(row => row.verdict === 'chosen');
  const [first] = Object.values(decision.classes).filter(one => one !== null);
  const target =
    place?.kind === 'target'
      ? { id: place.id, cloud: place.cloud, region: place.region, vendor: place.vendor, model: place.model }
      : null;
  return {
    ...frame(record),
    outcome: decision.outcome,
    target,
    class: first ?? null,
    reading: decision.inForce.find(one => one.reading !== null)?.reading ?? null,
    as_of: config.asOf !== null && decision.at === config.asOf.ms ? config.asOf.text : null,
    in_force: decision.inForce.map(one => one.contract),
    clauses: distinct(reasons.flatMap(clausesOf)),
    rows: decision.rows.filter(row => row.verdict !== 'wrong-model').map(wireRow),
    flagged: distinct(decision.flagged.flatMap(({ exclusion }) => wireClause(exclusion))),
    enforced: decision.monitored === null,
    would_be: decision.monitored,
    waivers: [...new Set(decision.flagged.flatMap(({ waiver }) => (waiver === undefined ? [] : [waiver])))],
    conflict: conflictOf(decision, { ...fromRecord(compact), snapshot }, loaded, config),
    explanation: explanationOf(decision),
  };
}

const VERDICTS: { readonly [V in Row['verdict']]: PlacementRow['verdict'] } = {
  chosen: 'chosen',
  eligible: 'allowed',
  excluded: 'denied',
  down: 'unhealthy',
  full: 'full',
  'wrong-model': 'unfit',
  unable: 'unfit',
};

function wireRow(row: Row): PlacementRow {
  const why = row.exclusions.map(exclusionText).join('; ');
  return {
    id: row.place,
    cloud: row.cloud,
    region: row.region,
    verdict: row.exclusions.some(one => one.kind === 'error') ? 'error' : VERDICTS[row.verdict],
    reason: why === '' ? (row.lacks ?? row.verdict) : why,
    clauses: distinct(clausesOf(row)),
    cost_micro_usd: row.cost,
    latency_ms: row.latencyMs,
    score: row.score,
  };
}

function targets(config: Config, desk: PlacementDesk, now: number): readonly TargetResource[] {
  const health = desk.health();
  return config.targets.map(target => {
    const seen = health[target.id];
    const prices = pricesAt(target.priceBook, now);
    const state = seen?.state === 'down' ? 'down' : (seen?.failures ?? 0) > 0 ? 'degraded' : 'healthy';
    const usd = (micro: number): number => micro / 1_000_000;
    return {
      id: target.id,
      object: 'perdure.target',
      vendor: target.vendor,
      model: target.model,
      cloud: target.cloud,
      region: target.region,
      jurisdiction: target.jurisdiction,
      sovereignty: target.sovereignty,
      accelerator: target.accelerator,
      dialect: target.dialect,
      clearances: target.clearances,
      prices: prices && {
        input: usd(prices.input),
        cached_input: usd(prices.cached),
        cache_write: usd(prices.written),
        output: usd(prices.output),
        reasoning: usd(prices.reasoning),
      },
      capacity: target.capacity,
      in_flight: seen?.inFlight ?? 0,
      health: state,
      emulated: target.emulated,
    };
  });
}

function status({
  config,
  active,
  desk,
  version,
  startedAt,
  now,
  draining,
}: ViewOptions): Omit<StatusResource, 'placements' | 'workspaces'> {
  const at = config.asOf?.ms ?? now();
  const { loaded, activation } = active();
  const inForce = new Set(loaded.snapshot.inForce(at).map(contract => contract.id));
  return {
    object: 'perdure.status',
    version,
    started_at: Math.floor(startedAt / 1000),
    now: Math.floor(now() / 1000),
    targets: targets(config, desk, now()),
    homes: config.homes.map(home => ({
      id: home.id,
      object: 'perdure.home',
      cloud: home.cloud,
      region: home.region,
      jurisdiction: home.jurisdiction,
      sovereignty: home.sovereignty,
      clearances: home.clearances,
      store: home.store,
      health: 'healthy',
    })),
    contracts: loaded.contracts.map(contract => ({
      id: contract.id,
      object: 'perdure.contract',
      title: contract.title,
      from: dayOrNull(contract.effective.from),
      to: dayOrNull(contract.effective.to),
      in_force: inForce.has(contract.id),
      reading: loaded.snapshot.readings[contract.id] ?? null,
      readings: contract.readings.map(reading => reading.id),
    })),
    reading: activation.reading,
    as_of: config.asOf?.text ?? null,
    enforce: loaded.snapshot.enforce,
    activation: activation.id,
    unenforced: desk.unenforced(),
    draining: draining(),
  };
}

/** L10: without the waivers that name another tenant. */
function documentFor(text: string, tenant: string): string {
  const { waivers, ...document } = parseDocument(text);
  if (waivers === undefined) return text;
  const own = waivers.filter(waiver => waiver.tenant === null || waiver.tenant === tenant);
  return JSON.stringify({ ...document, waivers: own });
}
