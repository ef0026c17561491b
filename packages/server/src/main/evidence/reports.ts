/**
 * What the record says of the dispute: sessions that were stateful in name only, what each host cloud could see, and how many calls had one
 * legal target only. One pass over the placements each; memory grows with sessions (statefulness, visibility) or not at all (lock-in).
 */
import type { PlacementRecord } from '../../engine/placements.ts';
import type { BooksAt } from '../../money/closing.ts';
import { type Books, priceLines, sumLines, tokensOf } from '../../money/prices.ts';
import { revenuePrices } from '../../money/usage.ts';
import type { Usage } from '../../log/events.ts';
import type { Use } from '../../placement/facts.ts';
import { type PlacementRecord as CompactRecord, recompute } from '../../placement/record.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import type { CostOf } from '../../placement/replay.ts';
import { parseDocument, snapshotOfDocument } from '../snapshots.ts';
import { costByBooks } from '../whatif/cost.ts';
import type { RecordedData, Window } from './recorded.ts';

export interface Carried {
  readonly calls: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_micro_usd: string;
  readonly revenue_micro_usd: string;
}

class Load {
  calls = 0;
  input = 0;
  output = 0;
  cost = 0n;
  revenue = 0n;

  add({ placement: { call }, cost, revenue }: Seen): void {
    this.calls += 1;
    this.input += call.usage?.input ?? 0;
    this.output += call.usage?.output ?? 0;
    this.cost += cost;
    this.revenue += revenue;
  }

  json(): Carried {
    const { calls, input, output, cost, revenue } = this;
    return {
      calls,
      input_tokens: input,
      output_tokens: output,
      cost_micro_usd: String(cost),
      revenue_micro_usd: String(revenue),
    };
  }
}

/** A share in hundredths of a percent, rounded down: exact whatever the sizes. Null of nothing. */
function basisPoints(part: bigint, whole: bigint): number | null {
  return whole === 0n ? null : Number((part * 10_000n) / whole);
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

interface Seen {
  readonly placement: PlacementRecord;
  readonly record: CompactRecord;
  readonly snapshot: Snapshot;
  /** Of the call where it was made, by the price books and rate cards; 0 while its usage is not known. */
  readonly cost: bigint;
  readonly revenue: bigint;
}

/** Every placement with what it was decided on; those of which that is not kept are left out. */
async function* each(data: RecordedData, window: Window, books: BooksAt): AsyncGenerator<Seen> {
  const snapshots = new Map<string, { readonly snapshot: Snapshot; readonly costOf: CostOf } | null>();
  const costs = costByBooks(books);
  const load = async (version: string) => {
    const text = await data.document(version);
    if (text === null) return null;
    const { snapshot } = snapshotOfDocument(parseDocument(text), true);
    return { snapshot, costOf: costs(snapshot) };
  };
  for await (const { placements } of data.pages(window, null)) {
    for (const placement of placements) {
      const record = placement.record as unknown as CompactRecord;
      if (record.s === undefined) continue;
      if (!snapshots.has(record.s)) snapshots.set(record.s, await load(record.s));
      const known = snapshots.get(record.s) ?? null;
      if (known === null) continue;
      const { usage } = placement.call;
      const made = placement.action === 'infer' && record.c !== undefined && usage !== null;
      const cost = made ? known.costOf(record.c, usage, placement.at) : 0n;
      const revenue = made ? revenueOf(placement, record, usage, books(placement.at)) : 0n;
      yield { placement, record, snapshot: known.snapshot, cost, revenue };
    }
  }
}

function revenueOf({ at, origin, purpose }: PlacementRecord, { m }: CompactRecord, usage: Usage, books: Books): bigint {
  const { product, channel } = origin;
  const prices = revenuePrices(books, { at, product, channel, purpose, model: m[1] });
  return prices === null ? 0n : sumLines(priceLines(tokensOf(usage), prices));
}

// ---- Statefulness -------------------------------------------------------------------------------------------------------

/** Sessions that are named one by one; all are counted. */
const MAX_NAMED = 100;

export interface StatefulnessGroup {
  readonly product: string;
  readonly sessions: number;
  readonly in_name_only: number;
  readonly carried: Carried;
  readonly carried_in_name_only: Carried;
}

export interface StatefulnessReport {
  readonly object: 'perdure.report.statefulness';
  /** `cost` while no rate card is configured: then all revenue is 0. */
  readonly money: 'revenue' | 'cost';
  readonly sessions: number;
  readonly in_name_only: number;
  readonly carried: Carried;
  readonly carried_in_name_only: Carried;
  /** Hundredths of a percent; null of nothing. */
  readonly share: { readonly [of in 'calls' | 'tokens' | 'cost' | 'revenue']: number | null };
  readonly products: readonly StatefulnessGroup[];
  readonly named: readonly {
    readonly session: string;
    readonly tenant: string;
    readonly product: string;
    readonly channel: string;
    readonly use: Use;
    readonly carried: Carried;
  }[];
}

/** As the reading `substance` has it: one turn at most, nothing read back, no memory, no tool, no file. */
function inNameOnly({ turns, itemsRead, memoryReads, toolsRun, filesTouched }: Use): boolean {
  return turns <= 1 && itemsRead + memoryReads + toolsRun + filesTouched === 0;
}

/** Of sessions for which state was held; what is stateless by its own word is not asked. */
export async function statefulness(data: RecordedData, window: Window, books: BooksAt): Promise<StatefulnessReport> {
  const sessions = new Map<string, { readonly placement: PlacementRecord; readonly load: Load; use: Use }>();
  for await (const seen of each(data, window, books)) {
    const { placement, record } = seen;
    // What was refused held no state, and made no call.
    if (!placement.origin.stateHeld || record.c === undefined) continue;
    // A reviewer's call is for another session's sake, and holds no state of its own.
    if (placement.purpose === 'review') continue;
    const known = sessions.get(placement.session);
    const use = known?.use ?? (await data.use(placement, window.to));
    if (use === null) continue;
    const session = entry(sessions, placement.session, () => ({ placement, load: new Load(), use }));
    if (placement.action === 'infer') session.load.add(seen);
  }
  const [all, idle] = [new Load(), new Load()];
  const products = new Map<string, { all: Load; idle: Load; sessions: number; named: number }>();
  const named: StatefulnessReport['named'][number][] = [];
  let count = 0;
  for (const [session, { placement, load, use }] of sessions) {
    const { product, channel } = placement.origin;
    const group = entry(products, product, () => ({ all: new Load(), idle: new Load(), sessions: 0, named: 0 }));
    group.sessions += 1;
    for (const sum of [all, group.all]) join(sum, load);
    if (!inNameOnly(use)) continue;
    count += 1;
    group.named += 1;
    for (const sum of [idle, group.idle]) join(sum, load);
    if (named.length < MAX_NAMED)
      named.push({ session, tenant: placement.tenant, product, channel, use, carried: load.json() });
  }
  const points = (part: number, whole: number) => basisPoints(BigInt(part), BigInt(whole));
  return {
    object: 'perdure.report.statefulness',
    money: books(Date.now()).rates.length > 0 ? 'revenue' : 'cost',
    sessions: sessions.size,
    in_name_only: count,
    carried: all.json(),
    carried_in_name_only: idle.json(),
    share: {
      calls: points(idle.calls, all.calls),
      tokens: points(idle.input + idle.output, all.input + all.output),
      cost: basisPoints(idle.cost, all.cost),
      revenue: basisPoints(idle.revenue, all.revenue),
    },
    products: [...products].toSorted(byName).map(([product, group]) => ({
      product,
      sessions: group.sessions,
      in_name_only: group.named,
      carried: group.all.json(),
      carried_in_name_only: group.idle.json(),
    })),
    named,
  };
}

function join(into: Load, { calls, input, output, cost, revenue }: Load): void {
  into.calls += calls;
  into.input += input;
  into.output += output;
  into.cost += cost;
  into.revenue += revenue;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// ---- Visibility ---------------------------------------------------------------------------------------------------------

export interface CloudView {
  readonly cloud: string;
  /** What its machines were asked: inference. */
  readonly inference: Carried & { readonly sessions: number; readonly share_of_calls: number | null };
  /** What its stores keep: sessions whose home it is. */
  readonly state: { readonly sessions: number; readonly share_of_sessions: number | null };
  readonly products: readonly string[];
  /** Labels that sessions or requests carried when they went there. */
  readonly labels: readonly string[];
}

export interface VisibilityReport {
  readonly object: 'perdure.report.visibility';
  readonly calls: number;
  readonly sessions: number;
  readonly clouds: readonly CloudView[];
}

export async function visibility(data: RecordedData, window: Window, books: BooksAt): Promise<VisibilityReport> {
  const clouds = new Map<
    string,
    { load: Load; asked: Set<string>; kept: Set<string>; products: Set<string>; labels: Set<string> }
  >();
  const kept = new Set<string>();
  let calls = 0;
  for await (const seen of each(data, window, books)) {
    const { placement, record, snapshot } = seen;
    const place = record.c === undefined ? undefined : snapshot.byId.get(record.c);
    if (place === undefined) continue;
    const { session, origin } = placement;
    const view = entry(clouds, place.cloud, () => ({
      load: new Load(),
      asked: new Set<string>(),
      kept: new Set<string>(),
      products: new Set<string>(),
      labels: new Set<string>(),
    }));
    view.products.add(origin.product);
    for (const label of [...(record.l ?? []), ...(record.q ?? [])]) view.labels.add(label);
    if (placement.action === 'infer') {
      calls += 1;
      view.asked.add(session);
      view.load.add(seen);
    } else if (placement.action === 'place_state') {
      kept.add(session);
      view.kept.add(session);
    }
  }
  return {
    object: 'perdure.report.visibility',
    calls,
    sessions: kept.size,
    clouds: [...clouds].toSorted(byName).map(([cloud, view]) => ({
      cloud,
      inference: {
        ...view.load.json(),
        sessions: view.asked.size,
        share_of_calls: basisPoints(BigInt(view.load.calls), BigInt(calls)),
      },
      state: { sessions: view.kept.size, share_of_sessions: basisPoints(BigInt(view.kept.size), BigInt(kept.size)) },
      products: [...view.products].toSorted(),
      labels: [...view.labels].toSorted(),
    })),
  };
}

// ---- Lock-in ------------------------------------------------------------------------------------------------------------

export interface LockInGroup {
  readonly product: string;
  readonly calls: number;
  /** The clauses left one target of several. */
  readonly one_legal: number;
  /** One target serves the model at all. */
  readonly one_configured: number;
  /** All legal targets are on one cloud, however many there are. */
  readonly one_cloud: number;
  readonly none_legal: number;
}

export interface LockInReport extends Omit<LockInGroup, 'product'> {
  readonly object: 'perdure.report.lock_in';
  /** Hundredths of a percent of the calls that had one legal target, whatever the reason; null of no calls. */
  readonly share: number | null;
  readonly products: readonly LockInGroup[];
  /** Clauses that excluded targets of calls that were left with one, and of how many. */
  readonly clauses: readonly { readonly clause: string; readonly calls: number }[];
}

export async function lockIn(data: RecordedData, window: Window, books: BooksAt): Promise<LockInReport> {
  const nothing = { calls: 0, one_legal: 0, one_configured: 0, one_cloud: 0, none_legal: 0 };
  const total = { ...nothing };
  const products = new Map<string, typeof total>();
  const clauses = new Map<string, number>();
  for await (const { placement, record, snapshot } of each(data, window, books)) {
    if (placement.action !== 'infer') continue;
    const rows = recompute(record, snapshot).rows.filter(({ verdict }) => verdict !== 'wrong-model');
    const legal = rows.filter(({ verdict }) => verdict !== 'excluded');
    const clouds = new Set(legal.map(({ cloud }) => cloud));
    const names = new Set(
      rows.flatMap(row =>
        row.exclusions.map(one => (one.kind === 'clause' ? `${one.contract}/${one.clause}` : one.kind)),
      ),
    );
    for (const sum of [total, entry(products, placement.origin.product, () => ({ ...nothing }))]) {
      sum.calls += 1;
      if (legal.length === 0) sum.none_legal += 1;
      if (legal.length === 1) sum[rows.length === 1 ? 'one_configured' : 'one_legal'] += 1;
      if (clouds.size === 1) sum.one_cloud += 1;
    }
    if (legal.length === 1) for (const name of names) clauses.set(name, (clauses.get(name) ?? 0) + 1);
  }
  return {
    object: 'perdure.report.lock_in',
    ...total,
    share: basisPoints(BigInt(total.one_legal + total.one_configured), BigInt(total.calls)),
    products: [...products].toSorted(byName).map(([product, sums]) => ({ product, ...sums })),
    clauses: [...clauses].toSorted(byName).map(([clause, calls]) => ({ clause, calls })),
  };
}
