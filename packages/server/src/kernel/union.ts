/** Both lists' texts, once each and in order: how labels grow (L8). */
export function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])].toSorted();
}
