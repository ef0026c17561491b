/**
 * What a what-if found, as figures: every one a sum over the cells of the tally, so that tables, exports and charts agree. Money is micro-USD
 * as text: a JSON number would lose digits.
 */
import {
  type Breach,
  type Cell,
  type Change,
  changeOf,
  type Sums,
  type WireCell,
  type WireDay,
  wireTally,
} from '../../placement/tally.ts';
import { type CommitmentFigures, commitmentsOf, type ShareFigures, sharesOf } from './money.ts';
import type { Suppose } from './suppose.ts';
import type { WhatIfTotals } from './run.ts';

/** One side's share of a cloud. */
export interface CloudSide {
  readonly calls: number;
  readonly states: number;
  /** Input and output, metered. */
  readonly tokens: number;
  readonly cost_micro_usd: string;
}

export interface CloudFigures {
  readonly cloud: string;
  readonly recorded: CloudSide;
  readonly supposed: CloudSide;
  readonly difference_micro_usd: string;
}

export type Counts = { readonly [C in Change]: number } & { readonly breaches: number };
export type Counted = Counts & { readonly id: string };

export interface Move {
  readonly action: string;
  /** A place, or how it ended without one. */
  readonly from: string;
  readonly to: string;
  readonly from_cloud: string | null;
  readonly to_cloud: string | null;
  readonly change: Change;
  readonly placements: number;
  readonly recorded_micro_usd: string;
  readonly supposed_micro_usd: string;
}

export interface WhatIfReport {
  readonly object: 'perdure.whatif.report';
  readonly from: string | null;
  readonly to: string | null;
  /** Of the first and the last placement in it. */
  readonly first: string | null;
  readonly last: string | null;
  readonly recorded: { readonly readings: readonly string[] };
  readonly supposed: {
    readonly contracts: readonly string[] | null;
    readonly reading: string | null;
    readonly events: Suppose['events'];
    readonly readings: readonly string[];
  };
  readonly placements: number;
  readonly skipped: number;
  /** Those of `placements` whose contracts have not the supposed reading: both sides are as they were recorded. */
  readonly as_recorded: number;
  readonly changes: Counts;
  readonly money: {
    readonly recorded_micro_usd: string;
    readonly supposed_micro_usd: string;
    readonly difference_micro_usd: string;
    /** What the calls brought by the rate cards, and would bring. */
    readonly recorded_revenue_micro_usd: string;
    readonly supposed_revenue_micro_usd: string;
    /** Of calls that would be made and whose usage nobody knows: at their bound. In neither sum. */
    readonly at_most_micro_usd: string;
  };
  readonly clouds: readonly CloudFigures[];
  readonly commitments: readonly CommitmentFigures[];
  readonly shares: readonly ShareFigures[];
  readonly moves: readonly Move[];
  readonly products: readonly Counted[];
  readonly channels: readonly Counted[];
  readonly clauses: readonly Counted[];
  /** The first of them, one by one, `MAX_BREACHES_NAMED` at most: `--placements` names all. */
  readonly breaches: readonly (Omit<Breach, 'at'> & { readonly at: string })[];
  readonly cells: readonly WireCell[];
  /** Money by day (since 1970), cloud and vendor of the models. */
  readonly days: readonly WireDay[];
}

export function reportOf({ tally, window, readings, terms }: WhatIfTotals, suppose: Suppose): WhatIfReport {
  const cells = [...tally.cells.values()];
  const days = [...tally.days.values()];
  const wire = wireTally(tally);
  const [first, last] = tally.span ?? [null, null];
  const recorded = sum(cells, cell => cell.wasCost);
  const supposed = sum(cells, cell => cell.wouldCost);
  return {
    object: 'perdure.whatif.report',
    from: iso(window.from),
    to: iso(window.to),
    first: iso(first),
    last: iso(last),
    recorded: { readings: readings.recorded },
    supposed: {
      contracts: suppose.contracts,
      reading: suppose.reading,
      events: suppose.events,
      readings: readings.supposed,
    },
    placements: placementsOf(cells),
    skipped: tally.skipped,
    as_recorded: placementsOf(cells.filter(({ stays }) => stays)),
    changes: countsOf(cells),
    money: {
      recorded_micro_usd: String(recorded),
      supposed_micro_usd: String(supposed),
      difference_micro_usd: String(supposed - recorded),
      recorded_revenue_micro_usd: String(sum(cells, cell => cell.wasRevenue)),
      supposed_revenue_micro_usd: String(sum(cells, cell => cell.wouldRevenue)),
      at_most_micro_usd: String(sum(cells, cell => cell.atMost)),
    },
    clouds: cloudsOf(cells),
    commitments: commitmentsOf(terms, days),
    shares: sharesOf(terms, days),
    moves: movesOf(cells),
    products: grouped(cells, cell => [cell.product]),
    channels: grouped(cells, cell => [cell.channel]),
    clauses: grouped(cells, cell => cell.clauses),
    breaches: tally.breaches.map(({ at, ...breach }) => ({ ...breach, at: new Date(at).toISOString() })),
    cells: wire.cells,
    days: wire.days,
  };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function placementsOf(cells: readonly Sums[]): number {
  return cells.reduce((count, { placements }) => count + placements, 0);
}

function sum(cells: readonly Cell[], of: (cell: Cell) => bigint): bigint {
  return cells.reduce((total, cell) => total + of(cell), 0n);
}

function countsOf(cells: readonly Cell[]): Counts {
  const counts = { same: 0, moved: 0, refused: 0, freed: 0, other: 0, breaches: 0 };
  for (const cell of cells) {
    counts[changeOf(cell)] += cell.placements;
    if (cell.breach) counts.breaches += cell.placements;
  }
  return counts;
}

function grouped(cells: readonly Cell[], idsOf: (cell: Cell) => readonly string[]): readonly Counted[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells)
    for (const id of idsOf(cell)) {
      const group = groups.get(id);
      if (group === undefined) groups.set(id, [cell]);
      else group.push(cell);
    }
  return [...groups].map(([id, group]) => ({ id, ...countsOf(group) })).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function cloudsOf(cells: readonly Cell[]): readonly CloudFigures[] {
  const names = new Set(cells.flatMap(({ was, would }) => [was.cloud, would.cloud]).filter(cloud => cloud !== null));
  return [...names].toSorted().map(cloud => {
    const was = cells.filter(cell => cell.was.cloud === cloud);
    const would = cells.filter(cell => cell.would.cloud === cloud);
    const [before, after] = [sum(was, cell => cell.wasCost), sum(would, cell => cell.wouldCost)];
    return {
      cloud,
      recorded: sideOf(was, before),
      supposed: sideOf(would, after),
      difference_micro_usd: String(after - before),
    };
  });
}

function sideOf(cells: readonly Cell[], cost: bigint): CloudSide {
  const calls = cells.filter(({ action }) => action === 'infer');
  return {
    calls: placementsOf(calls),
    states: placementsOf(cells.filter(({ action }) => action === 'place_state')),
    tokens: calls.reduce((total, { input, output }) => total + input + output, 0),
    cost_micro_usd: String(cost),
  };
}

function movesOf(cells: readonly Cell[]): readonly Move[] {
  const moves = new Map<string, Move>();
  for (const cell of cells) {
    const change = changeOf(cell);
    if (change === 'same') continue;
    const { action, was, would } = cell;
    const from = was.place ?? was.outcome;
    const to = would.place ?? would.outcome;
    const key = JSON.stringify([action, from, to]);
    const known = moves.get(key);
    moves.set(key, {
      action,
      from,
      to,
      from_cloud: was.cloud,
      to_cloud: would.cloud,
      change,
      placements: (known?.placements ?? 0) + cell.placements,
      recorded_micro_usd: String(BigInt(known?.recorded_micro_usd ?? 0) + cell.wasCost),
      supposed_micro_usd: String(BigInt(known?.supposed_micro_usd ?? 0) + cell.wouldCost),
    });
  }
  return [...moves.values()].toSorted(
    (a, b) => b.placements - a.placements || (a.from + a.to < b.from + b.to ? -1 : 1),
  );
}
