/** The hashes of RFC 6962, part 2.1: a leaf and a node can never be mistaken for each other. */

/** SHA-256 of the parts, one after another: 32 bytes. Given from outside: nothing here knows a machine. */
export type Sha256 = (...parts: readonly (string | Uint8Array)[]) => Uint8Array;

export const HASH_BYTES = 32;

const LEAF: Uint8Array = Uint8Array.of(0);
const NODE: Uint8Array = Uint8Array.of(1);

export function leafHash(sha256: Sha256, entry: Uint8Array): Uint8Array {
  return sha256(LEAF, entry);
}

export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE, left, right);
}

/** The root of the tree without leaves. */
export function emptyRoot(sha256: Sha256): Uint8Array {
  return sha256('');
}

/** The root of perfect subtrees that lie side by side, the largest first; null if there are none. */
export function foldRight(sha256: Sha256, subtrees: readonly Uint8Array[]): Uint8Array | null {
  let root: Uint8Array | null = null;
  for (let at = subtrees.length - 1; at >= 0; at--) {
    const left = subtrees[at];
    if (left !== undefined) root = root === null ? left : nodeHash(sha256, left, root);
  }
  return root;
}

/** The root of the perfect subtree over `count` hashes (a power of two) that lie one after another from hash `from` on. */
export function perfectRoot(sha256: Sha256, hashes: Uint8Array, from: number, count: number): Uint8Array {
  // A copy: `slice` of node's buffers is a view.
  let row = new Uint8Array(count * HASH_BYTES);
  row.set(hashes.subarray(from * HASH_BYTES, (from + count) * HASH_BYTES));
  for (let left = count; left > 1; left /= 2) {
    for (let pair = 0; pair < left / 2; pair++) {
      const at = pair * 2 * HASH_BYTES;
      const parent = sha256(NODE, row.subarray(at, at + 2 * HASH_BYTES));
      row.set(parent, pair * HASH_BYTES);
    }
    row = row.subarray(0, (left / 2) * HASH_BYTES);
  }
  return row;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
