/** What was meant by a word that is not there. */

/** The candidate nearest to a word, if near enough to have been meant. */
export function didYouMean(word: string, candidates: Iterable<string>): string | null {
  const most = word.length < 5 ? 1 : 2;
  let best: string | null = null;
  let bestDistance = most + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate, most);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** What to say of a word that is not there: the one that was meant, or all that there are. */
export function knownHint(word: string, known: readonly string[]): string {
  const near = didYouMean(word, known);
  return near === null ? `there are: ${known.join(', ') || 'none'}` : `did you mean ${near}?`;
}

/** Insertions, deletions and substitutions between two words; anything above `most` is only known to be above it. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[b.length] ?? most + 1;
}
