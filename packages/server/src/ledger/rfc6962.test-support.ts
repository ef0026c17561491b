/** A slow reference: RFC 6962, part 2.1, word for word, over a list of leaves. And a tree that keeps everything. */
import { createHash } from 'node:crypto';
import type { Sha256 } from './hash.ts';
import type { Part } from './proof.ts';

export const sha256: Sha256 = (...parts) => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return new Uint8Array(digest.digest());
};

type Leaves = readonly Uint8Array[];

const half = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

export function slowRoot(leaves: Leaves): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), first);
  const k = half(leaves.length);
  return sha256(Uint8Array.of(1), slowRoot(leaves.slice(0, k)), slowRoot(leaves.slice(k)));
}

export function slowPath(m: number, leaves: Leaves): Leaves {
  if (leaves.length <= 1) return [];
  const k = half(leaves.length);
  return m < k
    ? [...slowPath(m, leaves.slice(0, k)), slowRoot(leaves.slice(k))]
    : [...slowPath(m - k, leaves.slice(k)), slowRoot(leaves.slice(0, k))];
}

export function slowProof(m: number, leaves: Leaves, whole = true): Leaves {
  if (m === 0) return [];
  if (m === leaves.length) return whole ? [] : [slowRoot(leaves)];
  const k = half(leaves.length);
  return m <= k
    ? [...slowProof(m, leaves.slice(0, k), whole), slowRoot(leaves.slice(k))]
    : [...slowProof(m - k, leaves.slice(k), false), slowRoot(leaves.slice(0, k))];
}

/** The hash of a part of a proof, from the leaves themselves. */
export function slowPart(part: Part, leaves: Leaves): Uint8Array {
  const from = (part[0]?.index ?? 0) * 2 ** (part[0]?.level ?? 0);
  const last = part.at(-1);
  const to = last === undefined ? from : (last.index + 1) * 2 ** last.level;
  return slowRoot(leaves.slice(from, to));
}

/** The leaves of the reference tree of Certificate Transparency's own tests. */
export const CT_LEAVES: Leaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(hex => new Uint8Array(Buffer.from(hex, 'hex')));
