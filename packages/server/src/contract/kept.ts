/** Results of pure functions, kept by key, within a bound. */

/** Keys that one store keeps. When it is full it starts anew: simpler than an order of use, and as good for traffic that repeats. */
export const MAX_KEPT = 1000;

export function keeper<Result>(): (key: string, make: () => Result) => Result {
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
