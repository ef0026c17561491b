/**
 * What a replay comes to: counts and money by kind of change, and money by day and cloud. Every figure of a report is a sum over the one or the
 * other, and both sum to the same. Integers only; sums of money are bigint micro-USD.
 */
import type { Action } from './facts.ts';
import type { MeteredTokens } from './score.ts';

export interface Side {
  readonly outcome: 'placed' | 'refused' | 'unavailable';
  /** The place; null if there was none. */
  readonly place: string | null;
  readonly cloud: string | null;
}

export type Change = 'same' | 'moved' | 'refused' | 'freed' | 'other';

/** What the placements of a cell share. */
export interface CellKey {
  readonly action: Action;
  readonly product: string;
  readonly channel: string;
  readonly was: Side;
  readonly would: Side;
  /** The alternative forbids the place where it was: a breach that already happened. */
  readonly breach: boolean;
  /** What is supposed could not be of these placements: they stay as they were recorded. */
  readonly stays: boolean;
  /** `contract/clause`, sorted: those that forbid the recorded place under the alternative; for what is freed, those that had refused it. */
  readonly clauses: readonly string[];
}

export interface Sums {
  placements: number;
  /** Those whose usage is known. */
  metered: number;
  input: number;
  cached: number;
  output: number;
  /** Cost of the metered ones where they were. */
  wasCost: bigint;
  /** Cost of the metered ones where they would be; 0 for those that would be refused. */
  wouldCost: bigint;
  /** What the metered ones brought, and what they would bring: 0 for those that would be refused. */
  wasRevenue: bigint;
  wouldRevenue: bigint;
  /** Cost at their bound of those that would be placed and whose usage is not known: calls that were refused, above all. */
  atMost: bigint;
}

export interface Cell extends CellKey, Sums {}

/** Money of the calls of one day (UTC) on one cloud with the models of one vendor: what the terms of contracts count. */
export interface DayKey {
  /** Days since 1970. */
  readonly day: number;
  readonly cloud: string;
  readonly vendor: string;
}

export interface DaySums {
  wasCost: bigint;
  wouldCost: bigint;
  wasRevenue: bigint;
  wouldRevenue: bigint;
}

export interface Day extends DayKey, DaySums {}

/** A recorded placement that the alternative forbids. */
export interface Breach {
  readonly id: string;
  /** ms since 1970. */
  readonly at: number;
  readonly place: string;
  readonly clauses: readonly string[];
}

/** Breaches that a tally names one by one; all are counted. */
export const MAX_BREACHES_NAMED = 100;

export interface Tally {
  readonly cells: Map<string, Cell>;
  readonly days: Map<string, Day>;
  readonly breaches: Breach[];
  /** Placements that had no decision to replay: their product was not configured, or what they saw is not kept. */
  skipped: number;
  /** The first and the last moment of a placement, ms since 1970; null before the first. */
  span: readonly [number, number] | null;
}

export function emptyTally(): Tally {
  return { cells: new Map(), days: new Map(), breaches: [], skipped: 0, span: null };
}

export function changeOf({ was, would }: Pick<CellKey, 'was' | 'would'>): Change {
  if (was.outcome === would.outcome && was.place === would.place) return 'same';
  if (was.outcome === 'placed' && would.outcome === 'placed') return 'moved';
  if (would.outcome === 'refused') return 'refused';
  return was.outcome === 'refused' ? 'freed' : 'other';
}

export function cellFor(tally: Tally, key: CellKey): Cell {
  const { action, product, channel, was, would, breach, stays, clauses } = key;
  const text = JSON.stringify([
    action,
    product,
    channel,
    [was.outcome, was.place, was.cloud],
    [would.outcome, would.place, would.cloud],
    breach,
    stays,
    clauses,
  ]);
  const known = tally.cells.get(text);
  if (known !== undefined) return known;
  const counts = { placements: 0, metered: 0, input: 0, cached: 0, output: 0, atMost: 0n };
  const cell: Cell = { action, product, channel, was, would, breach, stays, clauses, ...counts, ...NO_MONEY };
  tally.cells.set(text, cell);
  return cell;
}

const NO_MONEY: DaySums = { wasCost: 0n, wouldCost: 0n, wasRevenue: 0n, wouldRevenue: 0n };

export function dayFor(tally: Tally, { day, cloud, vendor }: DayKey): Day {
  const text = JSON.stringify([day, cloud, vendor]);
  const known = tally.days.get(text);
  if (known !== undefined) return known;
  const sums: Day = { day, cloud, vendor, ...NO_MONEY };
  tally.days.set(text, sums);
  return sums;
}

/** What one placement adds. */
export interface Addition {
  /** Null if it is not known. */
  readonly usage: MeteredTokens | null;
  readonly wasCost: bigint;
  readonly wouldCost: bigint;
  readonly wasRevenue: bigint;
  readonly wouldRevenue: bigint;
  readonly atMost: bigint;
}

/** What one placement added, and to what. */
export interface Counted {
  readonly cell: Cell;
  readonly added: Addition;
}

export function addTo(
  tally: Tally,
  cell: Cell,
  placement: { readonly id: string; readonly at: number },
  added: Addition,
): Counted {
  const { usage, wasCost, wouldCost, wasRevenue, wouldRevenue, atMost } = added;
  const { at } = placement;
  cell.placements += 1;
  if (usage !== null) {
    cell.metered += 1;
    cell.input += usage.input;
    cell.cached += usage.cached;
    cell.output += usage.output;
  }
  if (wasCost !== 0n) cell.wasCost += wasCost;
  if (wouldCost !== 0n) cell.wouldCost += wouldCost;
  if (wasRevenue !== 0n) cell.wasRevenue += wasRevenue;
  if (wouldRevenue !== 0n) cell.wouldRevenue += wouldRevenue;
  if (atMost !== 0n) cell.atMost += atMost;
  const { span } = tally;
  if (span === null) tally.span = [at, at];
  else if (at < span[0] || at > span[1]) tally.span = [Math.min(at, span[0]), Math.max(at, span[1])];
  if (cell.breach && cell.was.place !== null && tally.breaches.length < MAX_BREACHES_NAMED)
    tally.breaches.push({ id: placement.id, at, place: cell.was.place, clauses: cell.clauses });
  return { cell, added };
}

// ---- As text: to go on after an interruption ----------------------------------------------------------------------------

export type WireCell = CellKey & {
  readonly placements: number;
  readonly metered: number;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  /** Whole numbers as text: JSON numbers would lose digits. */
  readonly was_cost_micro_usd: string;
  readonly would_cost_micro_usd: string;
  readonly was_revenue_micro_usd: string;
  readonly would_revenue_micro_usd: string;
  readonly at_most_micro_usd: string;
};

export type WireDay = DayKey & {
  readonly was_cost_micro_usd: string;
  readonly would_cost_micro_usd: string;
  readonly was_revenue_micro_usd: string;
  readonly would_revenue_micro_usd: string;
};

export interface WireTally {
  readonly cells: readonly WireCell[];
  readonly days: readonly WireDay[];
  readonly breaches: readonly Breach[];
  readonly skipped: number;
  readonly span: readonly [number, number] | null;
}

/** Sorted by their keys: the same tally gives the same text, in whatever order it came together. */
export function wireTally(tally: Tally): WireTally {
  const cells = sorted(tally.cells).map(({ atMost, ...cell }) => ({
    ...moneyText(cell),
    at_most_micro_usd: String(atMost),
  }));
  const days = sorted(tally.days).map(moneyText);
  return { cells, days, breaches: tally.breaches, skipped: tally.skipped, span: tally.span };
}

function sorted<T>(map: ReadonlyMap<string, T>): readonly T[] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
}

function moneyText<T extends DaySums>({ wasCost, wouldCost, wasRevenue, wouldRevenue, ...rest }: T) {
  return {
    ...rest,
    was_cost_micro_usd: String(wasCost),
    would_cost_micro_usd: String(wouldCost),
    was_revenue_micro_usd: String(wasRevenue),
    would_revenue_micro_usd: String(wouldRevenue),
  };
}

function moneyFrom(wire: Omit<WireDay, keyof DayKey>): DaySums {
  return {
    wasCost: BigInt(wire.was_cost_micro_usd),
    wouldCost: BigInt(wire.would_cost_micro_usd),
    wasRevenue: BigInt(wire.was_revenue_micro_usd),
    wouldRevenue: BigInt(wire.would_revenue_micro_usd),
  };
}

/** The other way. @throws SyntaxError if a sum is no whole number */
export function tallyFrom(wire: WireTally): Tally {
  const tally = emptyTally();
  for (const one of wire.cells) {
    const { placements, metered, input, cached, output } = one;
    const counts = { placements, metered, input, cached, output, atMost: BigInt(one.at_most_micro_usd) };
    Object.assign(cellFor(tally, one), counts, moneyFrom(one));
  }
  for (const one of wire.days) Object.assign(dayFor(tally, one), moneyFrom(one));
  tally.breaches.push(...wire.breaches);
  tally.skipped = wire.skipped;
  tally.span = wire.span;
  return tally;
}
