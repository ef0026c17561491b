/** The text of a checkpoint (c2sp.org/tlog-checkpoint), with extension lines: up to where the home's events and its audit have been sealed. */
import { fromBase64, toBase64 } from './base64.ts';
import { HASH_BYTES } from './hash.ts';

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Position in the home's outbox of the last event that has a leaf; 0 before the first. */
  readonly cursor: number;
  /** The last entry of the audit that was sealed: its position, and its leaf. Null before the first; then its line is left out. */
  readonly audit: { readonly position: number; readonly leaf: number } | null;
  /** The leaves that come next are the audit's, up to this position. Null: events come; then its line is left out. */
  readonly next: number | null;
}

const CURSOR = 'perdure-cursor ';
const AUDIT = 'perdure-audit ';
const NEXT = 'perdure-next-audit ';

export function formatCheckpoint({ origin, size, root, cursor, audit, next }: Checkpoint): string {
  const lines = [origin, size, toBase64(root), `${CURSOR}${cursor}`];
  if (audit !== null) lines.push(`${AUDIT}${audit.position} ${audit.leaf}`);
  if (next !== null) lines.push(`${NEXT}${next}`);
  return `${lines.join('\n')}\n`;
}

/** Null unless it is exactly what `formatCheckpoint` writes. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n');
  const hash = fromBase64(root);
  if (origin === '' || hash?.length !== HASH_BYTES) return null;
  const numbers = (name: string): readonly number[] =>
    extensions.flatMap(line => (line.startsWith(name) ? line.slice(name.length).split(' ').map(Number) : []));
  const [[cursor = Number.NaN], [position, leaf], [next = null]] = [numbers(CURSOR), numbers(AUDIT), numbers(NEXT)];
  const audit = position === undefined || leaf === undefined ? null : { position, leaf };
  const checkpoint = { origin, size: Number(size), root: hash, cursor, audit, next };
  const counts = [checkpoint.size, cursor, ...(audit === null ? [] : [audit.position, audit.leaf]), next ?? 0];
  return counts.every(isCount) && formatCheckpoint(checkpoint) === text ? checkpoint : null;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
