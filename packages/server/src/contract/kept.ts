/** Results of pure functions, kept by key, within a bound. */

/** Keys that one store keeps. When it is full it starts anew: simpler than an order of use, and as good for traffic that repeats. */
export const MAX_KEPT = 1000;

export type Kept<Result> = (key: string, make: () => Result) => Result;

export function keeper<Result>(): Kept<Result> {
  const kept = new Map<string, Result>();
  return (key, make) => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const result = make();
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(key, result);
    return result;
  };
}

/** A keeper for each pair of few words: long keys that are joined to a word must be hashed anew. */
export function keepers<Result>(): (one: string, other: string) => Kept<Result> {
  const all = new Map<string, Map<string, Kept<Result>>>();
  return (one, other) => {
    const some = all.get(one) ?? new Map<string, Kept<Result>>();
    if (some.size === 0) all.set(one, some);
    const kept = some.get(other) ?? keeper<Result>();
    some.set(other, kept);
    return kept;
  };
}

/** Remembers the last result: a decision asks each contract for the class and for the places with the same facts. */
export function latest<Key extends object, Result>(make: (key: Key) => Result): (key: Key) => Result {
  let last: { key: Key; result: Result } | null = null;
  return key => {
    if (last?.key !== key) last = { key, result: make(key) };
    return last.result;
  };
}
