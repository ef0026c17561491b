/**
 * What of a context is kept when it is compacted. Pure and deterministic.
 *
 * K1  System and developer messages and calls without an output stay whole, whatever the budget.
 * K2  A call is kept whole only with its output, and an output only with its call.
 * K3  What is kept fits the budget, if what K1 keeps does.
 * K4  Doing it again changes nothing.
 * K5  Kept items stay in their order; what was left out is told by one digest.
 */
import { WEIGHT_OF_TOKEN } from '../../kernel/text-tokens.ts';
import { type LoggedItem, textOf } from '../../log/events.ts';
import { bestDigest, type Line, linesOf, summaryItem } from './digest.ts';
import { isCall, isDigest, isLasting, isOutput, isUserMessage, itemWeight, pairs, weightOf } from './items.ts';
import { segmentsOf, worthOf } from './segments.ts';

export interface SelectionOptions {
  /** Tokens that the content may come to. */
  readonly budget: number;
  /** `apart`: all user messages are given back whole, beside the content, and do not count. */
  readonly users: 'within' | 'apart';
  /** A model's summary of what is left out, in place of our own extracts. */
  readonly summary?: string;
  /** False: what is not kept whole is left out without a digest. Absent: true. */
  readonly extracts?: boolean;
}

export interface Selection {
  /** User messages that stand before the content. */
  readonly users: readonly LoggedItem[];
  readonly content: readonly LoggedItem[];
}

/** Of what instructions and open calls leave: the part for the last items, whole; and of the rest, that for user messages. */
const TAIL_PART = { of: 2, in: 5 } as const;
const USERS_PART = { of: 1, in: 2 } as const;

/** @param items without compaction items: those are opened before */
export function selectContent(items: readonly LoggedItem[], options: SelectionOptions): Selection {
  const apart = options.users === 'apart';
  const users = apart ? items.filter(isUserMessage) : [];
  const rest = apart ? items.filter(item => !isUserMessage(item)) : items;
  const room = options.budget * WEIGHT_OF_TOKEN;
  // A model that said nothing has summarised nothing.
  const summary = options.summary?.trim() || undefined;
  if (summary === undefined && weightOf(rest) <= room) return { users, content: rest };
  return { users, content: shorten(rest, room, summary, options.extracts ?? true) };
}

function shorten(
  items: readonly LoggedItem[],
  room: number,
  summary: string | undefined,
  extracts: boolean,
): readonly LoggedItem[] {
  const weights = items.map(itemWeight);
  const paired = pairs(items);
  const kept = new Set<number>();
  let left = room;
  const take = (indices: readonly number[]): void => {
    for (const index of indices) {
      if (kept.has(index)) continue;
      kept.add(index);
      left -= weights[index] ?? 0;
    }
  };
  const weigh = (indices: readonly number[]): number =>
    indices.reduce((sum, index) => sum + (kept.has(index) ? 0 : (weights[index] ?? 0)), 0);

  items.forEach((item, index) => {
    if (isLasting(item) || (isCall(item) && !paired.has(index))) take([index]);
  });
  const tail = takeTail(items, paired, Math.floor((left * TAIL_PART.of) / TAIL_PART.in), { take, weigh, kept });
  takeUsers(items, Math.floor((left * USERS_PART.of) / USERS_PART.in), { take, weigh, kept });

  const digest =
    summary === undefined ? (extracts ? extract(items, paired, kept, left) : null) : summarised(summary, left);
  const before: LoggedItem[] = [];
  const after: LoggedItem[] = [];
  items.forEach((item, index) => {
    if (kept.has(index)) (index < tail ? before : after).push(item);
  });
  return digest === null ? [...before, ...after] : [...before, digest, ...after];
}

interface Taking {
  readonly take: (indices: readonly number[]) => void;
  readonly weigh: (indices: readonly number[]) => number;
  readonly kept: ReadonlySet<number>;
}

/** The last items, whole, back to the first that does not fit. Returns where they begin. */
function takeTail(
  items: readonly LoggedItem[],
  paired: ReadonlyMap<number, number>,
  room: number,
  { take, weigh, kept }: Taking,
): number {
  let left = room;
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (item === undefined || kept.has(index)) continue;
    const other = paired.get(index);
    const unit = other === undefined ? [index] : [index, other];
    const weight = weigh(unit);
    if (isDigest(item) || weight > left || (isOutput(item) && other === undefined)) return index + 1;
    left -= weight;
    take(unit);
  }
  return 0;
}

/** User messages, whole: the first, which says what it is all about, then from the last back. */
function takeUsers(items: readonly LoggedItem[], room: number, { take, weigh, kept }: Taking): void {
  const indices = items.flatMap((item, index) => (isUserMessage(item) && !kept.has(index) ? [index] : []));
  const [first, ...others] = indices;
  if (first === undefined) return;
  let left = room;
  for (const index of [first, ...others.toReversed()]) {
    const weight = weigh([index]);
    if (weight > left) continue;
    left -= weight;
    take([index]);
  }
}

/** The best of what is not kept whole, if it fits. */
function extract(
  items: readonly LoggedItem[],
  paired: ReadonlyMap<number, number>,
  kept: ReadonlySet<number>,
  room: number,
): LoggedItem | null {
  const lines: Line[] = [];
  items.forEach((item, index) => {
    if (kept.has(index)) return;
    const call = isOutput(item) ? items[paired.get(index) ?? -1] : undefined;
    const tool = call === undefined ? null : textOf(call['name']) || null;
    // One by one: a call takes only so many arguments, and a text may have more sentences.
    for (const line of linesOf(item, Math.floor((4 * index) / items.length), tool)) lines.push(line);
  });
  return bestDigest(lines, room);
}

function summarised(summary: string, room: number): LoggedItem | null {
  const whole = summaryItem(summary);
  if (itemWeight(whole) <= room) return whole;
  const lines = segmentsOf(summary).map((text): Line => ({ who: 'summary', text, worth: worthOf(text) }));
  return bestDigest(lines, room);
}
