/** The hashes of RFC 6962, part 2.1: a leaf and a node can never be mistaken for each other. */

/** SHA-256 of the parts, one after another: 32 bytes. Given from outside: nothing here knows a machine. */
export type Sha256 = (...parts: readonly (string | Uint8Array)[]) => Uint8Array;

/** SHA-256 of a message, laid into `into` from byte `at` on: what hashes millions allocates nothing. */
export type HashInto = (message: Uint8Array, into: Uint8Array, at: number) => void;

export const HASH_BYTES = 32;

export function hashInto(sha256: Sha256): HashInto {
  return (message, into, at) => into.set(sha256(message), at);
}

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
  return rootOf(hashInto(sha256), hashes, from, count);
}

/** Two hashes after the byte that says so: what a node's hash is of. */
const NODE_BYTES = 1 + 2 * HASH_BYTES;

/** `perfectRoot`, for at most 256 hashes without any memory of its own. */
export function rootOf(hash: HashInto, hashes: Uint8Array, from: number, count: number): Uint8Array {
  if (count === 1) return hashes.slice(from * HASH_BYTES, (from + 1) * HASH_BYTES);
  const { row, nodes } = count / 2 <= kept.nodes.length ? kept : roomFor(count / 2);
  for (let pair = 0; pair < count / 2; pair++) {
    const at = (from + pair * 2) * HASH_BYTES;
    row.set(hashes.subarray(at, at + 2 * HASH_BYTES), pair * NODE_BYTES + 1);
  }
  // A parent takes a place that was read before: rows are folded where they lie.
  for (let pairs = count / 2; pairs > 1; pairs /= 2)
    for (let pair = 0; pair < pairs; pair++) hash(nodes[pair] ?? row, row, placeOf(pair));
  const root = new Uint8Array(HASH_BYTES);
  hash(nodes[0] ?? row, root, 0);
  return root;
}

function placeOf(parent: number): number {
  return (parent >>> 1) * NODE_BYTES + 1 + (parent & 1) * HASH_BYTES;
}

function roomFor(pairs: number): { readonly row: Uint8Array; readonly nodes: readonly Uint8Array[] } {
  const row = new Uint8Array(pairs * NODE_BYTES);
  const nodes = Array.from({ length: pairs }, (_, pair) => row.subarray(pair * NODE_BYTES, (pair + 1) * NODE_BYTES));
  for (const node of nodes) node.set(NODE);
  return { row, nodes };
}

const kept: ReturnType<typeof roomFor> = roomFor(128);

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
