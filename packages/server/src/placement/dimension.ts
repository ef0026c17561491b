/** A dimension of the fact space: the values of one fact that clauses can tell apart, each with the words for it. */

export interface Choice<Value = unknown> {
  /** In a sentence: `us-natsec`, `any other cloud`. */
  readonly label: string;
  readonly value: Value;
  /** It stands for all values that no clause names. */
  readonly rest: boolean;
  /** What it is one of: `product of openai`. A set of choices that is one group is called by it. */
  readonly groups: readonly string[];
}

export interface Dimension<Value = unknown> {
  /** Stable: `segment`, `product`. Errors and `--only` name it so. */
  readonly name: string;
  /** What a value is called: `any <noun> but ...`. */
  readonly noun: string;
  /** Written before values; empty if they speak for themselves. If it is the noun, it is not said twice. */
  readonly prefix: string;
  readonly choices: readonly Choice<Value>[];
  /** Neighbours follow each other, as moments do: `from ... until ...`. */
  readonly ordered?: (first: number, last: number) => string;
}

/** Values up to which a rest is called by what it is not. */
const FEW = 4;

export function choice<Value>(
  label: string,
  value: Value,
  { rest = false, groups = [] }: { readonly rest?: boolean; readonly groups?: readonly string[] } = {},
): Choice<Value> {
  return { label, value, rest, groups };
}

/** What a set of choices is called; null if it is all of them, which need not be said. */
export function phrase({ choices, noun, prefix, ordered }: Dimension, chosen: readonly number[]): string | null {
  if (chosen.length === choices.length) return null;
  if (ordered !== undefined)
    return runs(chosen)
      .map(([first, last]) => ordered(first, last))
      .join(', or ');
  const any = (words: string): string => (prefix === '' || prefix === noun ? words : `${prefix} ${words}`);
  const group = groupWords(choices, chosen);
  if (group !== null) return any(group);
  const others = choices.flatMap((_, i) => (chosen.includes(i) ? [] : [i]));
  const names = (list: readonly number[]): string => list.map(i => choices[i]?.label ?? '').join(' or ');
  const hasRest = chosen.some(i => choices[i]?.rest);
  if (hasRest && others.length <= FEW && others.every(i => choices[i]?.rest === false))
    return any(`any ${noun} but ${names(others)}`);
  const list = names(chosen);
  return prefix === '' || (prefix === noun && chosen.length === 1 && hasRest) ? list : `${prefix} ${list}`;
}

/** `any product of openai`, `any runtime product but frontier`: a group, whole or without one group or choice of it. */
function groupWords(choices: readonly Choice[], chosen: readonly number[]): string | null {
  if (chosen.length < 2) return null;
  const membersOf = (group: string): readonly number[] =>
    choices.flatMap((one, i) => (one.groups.includes(group) ? [i] : []));
  const groups = [...new Set(choices.flatMap(one => one.groups))];
  const called = (set: readonly number[]): string | null => {
    const [only] = set;
    if (set.length === 1 && only !== undefined && choices[only]?.rest === false) return choices[only].label;
    const found = set.length === 0 ? undefined : groups.find(group => same(membersOf(group), set));
    return found === undefined ? null : `any ${found}`;
  };
  const whole = called(chosen);
  if (whole !== null) return whole;
  for (const group of groups) {
    const members = membersOf(group);
    if (!chosen.every(i => members.includes(i))) continue;
    const without = called(members.filter(i => !chosen.includes(i)));
    if (without !== null) return `any ${group} but ${without}`;
  }
  return null;
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every(one => b.includes(one));
}

/** Neighbours together: [0, 1, 4] as [0, 1] and [4, 4]. */
function runs(chosen: readonly number[]): (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const i of chosen.toSorted((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === i - 1) last[1] = i;
    else found.push([i, i]);
  }
  return found;
}

/** What a box is called: its dimensions' phrases. */
export function boxPhrase(dimensions: readonly Dimension[], box: readonly (readonly number[])[]): readonly string[] {
  return dimensions.map((dimension, i) => phrase(dimension, box[i] ?? [])).filter(words => words !== null);
}
