/**
 * What a what-if does to the money terms of contracts: what burns commitments down and what shares are of, on both sides. Of the replayed window
 * alone: what was spent or earned outside it is the same on both sides, unless a cap is met or a commitment is full.
 */
import { Burning } from '../../money/burning.ts';
import { DAY_MS } from '../../money/calendar.ts';
import { inBase, shareDue } from '../../money/shares.ts';
import type { Day } from '../../placement/tally.ts';
import type { Terms } from '../money/terms.ts';
import type { SidesOfTerms } from './suppose.ts';

interface TermFigures {
  readonly contract: string;
  readonly id: string;
  readonly payer: string;
  readonly payee: string;
}

/** Micro-USD as text. A side is null where its contracts have no such term. */
export interface CommitmentFigures extends TermFigures {
  readonly cloud: string;
  readonly amount_micro_usd: string;
  /** What counts: the burn-down of the window. */
  readonly recorded_micro_usd: string | null;
  readonly supposed_micro_usd: string | null;
  readonly difference_micro_usd: string;
}

export interface ShareSide {
  /** Revenue that it is a share of. */
  readonly base_micro_usd: string;
  readonly due_micro_usd: string;
}

export interface ShareFigures extends TermFigures {
  /** Clouds whose revenue counts; null: any. */
  readonly clouds: readonly string[] | null;
  readonly recorded: ShareSide | null;
  readonly supposed: ShareSide | null;
  readonly base_difference_micro_usd: string;
  readonly due_difference_micro_usd: string;
}

interface Side {
  readonly of: keyof SidesOfTerms;
  readonly cost: (day: Day) => bigint;
  readonly revenue: (day: Day) => bigint;
}

const RECORDED: Side = { of: 'recorded', cost: day => day.wasCost, revenue: day => day.wasRevenue };
const SUPPOSED: Side = { of: 'supposed', cost: day => day.wouldCost, revenue: day => day.wouldRevenue };

export function commitmentsOf(terms: SidesOfTerms, days: readonly Day[]): readonly CommitmentFigures[] {
  const [ofRecorded, ofSupposed] = [spentOn(terms.recorded, days, RECORDED), spentOn(terms.supposed, days, SUPPOSED)];
  return both(terms, 'commitments').map(([recorded, supposed, term]) => {
    const was = recorded === undefined ? null : (ofRecorded.get(recorded) ?? 0n);
    const would = supposed === undefined ? null : (ofSupposed.get(supposed) ?? 0n);
    return {
      ...named(term),
      cloud: term.cloud,
      amount_micro_usd: String(term.amount),
      recorded_micro_usd: text(was),
      supposed_micro_usd: text(would),
      difference_micro_usd: String((would ?? 0n) - (was ?? 0n)),
    };
  });
}

/** What burns each down, and what is beyond it; of words that changed, what was spent while they held. */
function spentOn({ commitments }: Terms, days: readonly Day[], { cost }: Side): ReadonlyMap<object, bigint> {
  const burning = new Burning(commitments);
  const spent = new Map<object, bigint>();
  for (const day of days.toSorted((a, b) => a.day - b.day)) {
    for (const { term, burned, beyond } of burning.add({ at: day.day * DAY_MS, cloud: day.cloud, cost: cost(day) }))
      spent.set(term, (spent.get(term) ?? 0n) + burned + beyond);
  }
  return spent;
}

export function sharesOf(terms: SidesOfTerms, days: readonly Day[]): readonly ShareFigures[] {
  return both(terms, 'shares').map(([recorded, supposed, term]) => {
    const base = (its: typeof recorded, { revenue }: Side): bigint =>
      its === undefined
        ? 0n
        : total(days, revenue, ({ day, vendor, cloud }) =>
            inBase(its, { at: day * DAY_MS, vendor, cloud, revenue: 0n }),
          );
    const [was, would] = [base(recorded, RECORDED), base(supposed, SUPPOSED)];
    const due = (its: typeof recorded, of: bigint): bigint => (its === undefined ? 0n : shareDue(its, of));
    const [wasDue, wouldDue] = [due(recorded, was), due(supposed, would)];
    const side = (its: typeof recorded, of: bigint, owed: bigint): ShareSide | null =>
      its === undefined ? null : { base_micro_usd: String(of), due_micro_usd: String(owed) };
    return {
      ...named(term),
      clouds: term.clouds,
      recorded: side(recorded, was, wasDue),
      supposed: side(supposed, would, wouldDue),
      base_difference_micro_usd: String(would - was),
      due_difference_micro_usd: String(wouldDue - wasDue),
    };
  });
}

/** Terms of the same name in the same contract, side by side. */
function both<K extends 'commitments' | 'shares'>(
  { recorded, supposed }: SidesOfTerms,
  kind: K,
): (readonly [Terms[K][number] | undefined, Terms[K][number] | undefined, Terms[K][number]])[] {
  type Term = Terms[K][number];
  const key = ({ contract, id }: Term): string => `${contract}/${id}`;
  const before = new Map<string, Term>(recorded[kind].map(term => [key(term), term]));
  const after = new Map<string, Term>(supposed[kind].map(term => [key(term), term]));
  return [...new Map<string, Term>([...before, ...after])]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, term]) => [before.get(name), after.get(name), term] as const);
}

function named({ contract, id, payer, payee }: TermFigures): TermFigures {
  return { contract, id, payer, payee };
}

function total(days: readonly Day[], of: (day: Day) => bigint, counted: (day: Day) => boolean): bigint {
  return days.reduce((sum, day) => (counted(day) ? sum + of(day) : sum), 0n);
}

function text(value: bigint | null): string | null {
  return value === null ? null : String(value);
}
