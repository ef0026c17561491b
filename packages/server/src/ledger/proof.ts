/** Inclusion and consistency proofs: which nodes they are made of (RFC 6962, part 2.1) and how they are checked (RFC 9162, parts 2.1.3.2 and 2.1.4.2). */
import { emptyRoot, nodeHash, sameBytes, type Sha256 } from './hash.ts';

/** A perfect subtree: `index` counts those of 2^level leaves from the left. */
export interface Node {
  readonly level: number;
  readonly index: number;
}

/** One hash of a proof: the root of these subtrees side by side, the largest first. */
export type Part = readonly Node[];

/** The largest power of two below `n`, which is at least 2. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** The perfect subtrees of leaves `from` to `to` (exclusive), where `from` is where a split of the tree falls. */
export function subtrees(from: number, to: number): Part {
  const nodes: Node[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    let count = 1;
    while (count * 2 <= to - at) {
      count *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / count });
    at += count;
  }
  return nodes;
}

/** From the leaf upward. @throws RangeError if there is no such leaf */
export function inclusionParts(index: number, size: number): readonly Part[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`a log of ${size} leaves has no leaf ${index}`);
  const parts: Part[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + split(to - from);
    if (index < middle) {
      parts.push(subtrees(middle, to));
      to = middle;
    } else {
      parts.push(subtrees(from, middle));
      from = middle;
    }
  }
  return parts.toReversed();
}

/** That the tree of `size` leaves begins with the tree of `old`. @throws RangeError if it is the shorter one */
export function consistencyParts(old: number, size: number): readonly Part[] {
  if (!(old >= 0 && old <= size)) throw new RangeError(`a tree of ${size} leaves does not begin with ${old} leaves`);
  if (old === 0 || old === size) return [];
  const parts: Part[] = [];
  let [from, to] = [0, size];
  while (old !== to) {
    const middle = from + split(to - from);
    if (old <= middle) {
      parts.push(subtrees(middle, to));
      to = middle;
    } else {
      parts.push(subtrees(from, middle));
      from = middle;
    }
  }
  // The old tree itself is known to whoever checks.
  if (from > 0) parts.push(subtrees(from, to));
  return parts.toReversed();
}

export interface Inclusion {
  readonly index: number;
  readonly size: number;
  readonly leaf: Uint8Array;
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
}

export function includes(sha256: Sha256, { index, size, leaf, path, root }: Inclusion): boolean {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) return false;
  let [fn, sn, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sha256, sibling, hash);
      [fn, sn] = skipLeft(fn, sn);
    } else {
      hash = nodeHash(sha256, hash, sibling);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && sameBytes(hash, root);
}

export interface Consistency {
  readonly old: number;
  readonly size: number;
  readonly oldRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly path: readonly Uint8Array[];
}

export function consistent(sha256: Sha256, { old, size, oldRoot, root, path }: Consistency): boolean {
  if (!(Number.isSafeInteger(old) && Number.isSafeInteger(size) && old >= 0 && old <= size)) return false;
  if (old === size) return path.length === 0 && sameBytes(oldRoot, root);
  if (old === 0) return path.length === 0 && sameBytes(oldRoot, emptyRoot(sha256));
  let [fn, sn] = [old - 1, size - 1];
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  // `fn` is 0 if the old tree is perfect: then its own root begins the path.
  const [first, ...rest] = fn === 0 ? [oldRoot, ...path] : path;
  if (first === undefined) return false;
  let [before, after] = [first, first];
  for (const hash of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      before = nodeHash(sha256, hash, before);
      after = nodeHash(sha256, hash, after);
      [fn, sn] = skipLeft(fn, sn);
    } else {
      after = nodeHash(sha256, after, hash);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && sameBytes(before, oldRoot) && sameBytes(after, root);
}

/** Up to where the node is a right child again, or the top. */
function skipLeft(fn: number, sn: number): [number, number] {
  let [low, high] = [fn, sn];
  while (low % 2 === 0 && low !== 0) [low, high] = [Math.floor(low / 2), Math.floor(high / 2)];
  return [low, high];
}
