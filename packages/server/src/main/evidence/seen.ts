/** The recorded placements of a window as reports look at them: with what they were decided on, and what their calls cost and brought. */
import type { Carried, LeftOut } from '@perdure/protocol';
import type { PlacementRecord } from '../../engine/placements.ts';
import type { BooksAt } from '../../money/closing.ts';
import { type Books, priceLines, sumLines, tokensOf } from '../../money/prices.ts';
import { revenuePrices } from '../../money/usage.ts';
import type { Usage } from '../../log/events.ts';
import type { PlacementRecord as CompactRecord } from '../../placement/record.ts';
import type { Snapshot } from '../../placement/snapshot.ts';
import type { CostOf } from '../../placement/replay.ts';
import { parseDocument, snapshotOfDocument } from '../snapshots.ts';
import { costByBooks } from '../whatif/cost.ts';
import type { RecordedData, Window } from './recorded.ts';

export interface Seen {
  readonly placement: PlacementRecord;
  readonly record: CompactRecord;
  readonly snapshot: Snapshot;
  /** Of the call where it was made, by the price books and rate cards; 0 while its usage is not known. */
  readonly cost: bigint;
  readonly revenue: bigint;
}

/** A sum over calls. */
export class Load {
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

  join({ calls, input, output, cost, revenue }: Load): void {
    this.calls += calls;
    this.input += input;
    this.output += output;
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

/** What could not be shown to a report; counted while it reads. */
export type Missing = { -readonly [What in keyof LeftOut]: LeftOut[What] };

export function nothingMissing(): Missing {
  return { placements_without_snapshot: 0, placements_without_contracts: 0 };
}

/** Every placement with what it was decided on. @param missing counts those of which that is not kept, or that no contract was asked about */
export async function* each(
  data: Pick<RecordedData, 'pages' | 'document'>,
  window: Window,
  books: BooksAt,
  missing: Missing,
): AsyncGenerator<Seen> {
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
      if (record.s === undefined) {
        missing.placements_without_contracts += 1;
        continue;
      }
      if (!snapshots.has(record.s)) snapshots.set(record.s, await load(record.s));
      const known = snapshots.get(record.s) ?? null;
      if (known === null) {
        missing.placements_without_snapshot += 1;
        continue;
      }
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

/** Whether it is of a file, or of an environment that belongs to no session: a log of its own, which no turn ever comes to. */
export function isApart({ placement, record }: Seen): boolean {
  return placement.action === 'place_state' && placement.kind === 'responses' && record.m[1] === '';
}

/** A share in hundredths of a percent, rounded down: exact whatever the sizes. Null of nothing. */
export function basisPoints(part: bigint, whole: bigint): number | null {
  return whole === 0n ? null : Number((part * 10_000n) / whole);
}

export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

export function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
