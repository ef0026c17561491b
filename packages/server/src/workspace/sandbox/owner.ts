/** Which user of the host a workspace has. */
import { createHash } from 'node:crypto';
import type { Owner } from '../files/folder.ts';

export interface UserRange {
  readonly first: number;
  readonly count: number;
}

/** Users that neither systems nor container engines give out. */
export const DEFAULT_USERS: UserRange = { first: 1_879_048_192, count: 268_435_456 };
/** With fewer, workspaces would often share one. */
const LEAST = 1000;

/**
 * The same for the same workspace, on every start. Two workspaces may share one, if the range is small: each still sees its own files and
 * processes only.
 */
export function ownerOf(tenant: string, workspace: string, { first, count }: UserRange): NonNullable<Owner> {
  const digest = createHash('sha256').update(`${tenant}\n${workspace}`).digest();
  const id = first + Number(digest.readBigUInt64BE() % BigInt(count));
  return { uid: id, gid: id };
}

/**
 * The range that can be used where not every user exists: in a container with user namespaces only those of its map do.
 * @param map text of /proc/self/uid_map
 * @returns null if too few are mapped
 */
export function usableUsers(map: string, wanted: UserRange | null): UserRange | null {
  const ranges = map
    .split('\n')
    .map(line => line.trim().split(/\s+/).map(Number))
    .flatMap(([first, , count]) => (first === undefined || count === undefined ? [] : [{ first, count }]));
  const range = wanted ?? DEFAULT_USERS;
  if (ranges.some(({ first, count }) => range.first >= first && range.first + range.count <= first + count))
    return range;
  if (wanted !== null) return null;
  const [widest] = ranges.toSorted((one, two) => two.count - one.count);
  if (widest === undefined) return null;
  // In a small map the upper half is what nobody uses, but for its last two, which mean nobody.
  const first = widest.first + Math.floor(widest.count / 2);
  const count = widest.first + widest.count - 2 - first;
  return count >= LEAST ? { first, count } : null;
}
