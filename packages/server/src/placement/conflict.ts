/** When every place is excluded: which clauses conflict, and what would free the call. Off the hot path: only refusals ask. */
import { type Conflict, type Exclusion, exclusionKey, type Freedom, type Row } from './decision.ts';

/** Distinct reasons up to which the smallest conflicting set is searched for exactly. */
export const MAX_EXACT_REASONS = 20;
/** Size up to which sets are tried; beyond, the greedy set is given, which may be larger than the smallest. */
export const MAX_EXACT_SIZE = 4;

interface Reason {
  readonly exclusion: Exclusion;
  /** Indexes of the rows that it excludes. */
  readonly rows: ReadonlySet<number>;
}

/**
 * @param rows every candidate, all excluded
 * @param otherReadings what another reading would free
 */
export function conflictOf(
  rows: readonly Row[],
  otherReadings: () => readonly { contract: string; reading: string; frees: readonly string[] }[],
): Conflict {
  const byKey = new Map<string, { exclusion: Exclusion; rows: Set<number> }>();
  for (const [i, row] of rows.entries()) {
    for (const exclusion of row.exclusions) {
      const key = exclusionKey(exclusion);
      const reason = byKey.get(key);
      if (reason === undefined) byKey.set(key, { exclusion, rows: new Set([i]) });
      else reason.rows.add(i);
    }
  }
  const reasons = [...byKey.values()];
  const between = smallestCover(reasons, rows.length).map(reason => reason.exclusion);
  return {
    between,
    frees: [...freedByClause(reasons, rows), ...otherReadings().map(freed => ({ kind: 'reading', ...freed }) as const)],
  };
}

/** Clauses without which a place would be left: those that alone exclude it. */
function freedByClause(reasons: readonly Reason[], rows: readonly Row[]): Freedom[] {
  const found: Freedom[] = [];
  for (const { exclusion, rows: excluded } of reasons) {
    if (exclusion.kind !== 'clause') continue;
    const key = exclusionKey(exclusion);
    const frees = [...excluded].flatMap(i => {
      const row = rows[i];
      return row?.exclusions.every(other => exclusionKey(other) === key) ? [row.place] : [];
    });
    if (frees.length > 0) found.push({ kind: 'clause', contract: exclusion.contract, clause: exclusion.clause, frees });
  }
  return found;
}

function smallestCover(reasons: readonly Reason[], count: number): readonly Reason[] {
  const greedy = greedyCover(reasons, count);
  if (reasons.length > MAX_EXACT_REASONS) return greedy;
  for (let size = 1; size < Math.min(greedy.length, MAX_EXACT_SIZE + 1); size++) {
    const exact = coverOfSize(reasons, size, count, []);
    if (exact !== null) return exact;
  }
  return greedy;
}

function coverOfSize(
  reasons: readonly Reason[],
  size: number,
  count: number,
  taken: readonly Reason[],
): readonly Reason[] | null {
  if (size === 0) {
    for (let i = 0; i < count; i++) if (!taken.some(reason => reason.rows.has(i))) return null;
    return taken;
  }
  for (const [i, reason] of reasons.entries()) {
    const found = coverOfSize(reasons.slice(i + 1), size - 1, count, [...taken, reason]);
    if (found !== null) return found;
  }
  return null;
}

function greedyCover(reasons: readonly Reason[], count: number): readonly Reason[] {
  const open = new Set(Array.from({ length: count }, (_, i) => i));
  const taken: Reason[] = [];
  while (open.size > 0) {
    const gains = reasons.map(reason => ({ reason, gain: [...reason.rows].filter(i => open.has(i)).length }));
    const best = gains.reduce<(typeof gains)[number] | null>((a, b) => (a === null || b.gain > a.gain ? b : a), null);
    if (best === null || best.gain === 0) break;
    taken.push(best.reason);
    for (const i of best.reason.rows) open.delete(i);
  }
  return taken;
}
