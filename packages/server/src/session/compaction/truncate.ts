/** `truncation: auto`: items go from the beginning until the rest fits. Nothing changes in the log. Pure. */
import { WEIGHT_OF_TOKEN } from '../../kernel/text-tokens.ts';
import type { LoggedItem } from '../../log/events.ts';
import { isLasting, itemWeight, pairs } from './items.ts';

interface Run {
  readonly items: readonly LoggedItem[];
}

/** Weights of the items of a run: a run never changes, so they are found once. */
const WEIGHTS = new WeakMap<Run, readonly number[]>();

function weightsOf(run: Run): readonly number[] {
  const known = WEIGHTS.get(run) ?? run.items.map(itemWeight);
  WEIGHTS.set(run, known);
  return known;
}

/**
 * The runs without their oldest items. Never dropped: system and developer messages, the last item, half of a call and its output.
 * A run that loses nothing stays the same object.
 * @param most tokens
 * @returns null if even the least does not fit
 */
export function truncateRuns<R extends Run>(runs: readonly R[], most: number): readonly (R | Run)[] | null {
  const room = most * WEIGHT_OF_TOKEN;
  const weights = runs.flatMap(weightsOf);
  let total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total <= room) return runs;
  const items = runs.flatMap(run => run.items);
  const paired = pairs(items);
  const last = items.length - 1;
  const dropped = new Set<number>();
  for (let index = 0; index < last && total > room; index++) {
    const item = items[index];
    const other = paired.get(index);
    if (item === undefined || dropped.has(index) || isLasting(item) || other === last) continue;
    for (const one of other === undefined ? [index] : [index, other]) {
      dropped.add(one);
      total -= weights[one] ?? 0;
    }
  }
  if (total > room) return null;
  let from = 0;
  const kept: (R | Run)[] = [];
  for (const run of runs) {
    const start = from;
    from += run.items.length;
    const left = run.items.filter((_, index) => !dropped.has(start + index));
    if (left.length === run.items.length) kept.push(run);
    else if (left.length > 0) kept.push({ items: left });
  }
  return kept;
}
