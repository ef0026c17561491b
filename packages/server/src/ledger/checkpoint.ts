/** The text of a checkpoint (c2sp.org/tlog-checkpoint), with one extension line: up to where the home's log has been sealed. */
import { fromBase64, toBase64 } from './base64.ts';
import { HASH_BYTES } from './hash.ts';

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Position in the home's outbox of the last event that has a leaf; 0 before the first. */
  readonly cursor: number;
}

const CURSOR = 'perdure-cursor ';

export function formatCheckpoint({ origin, size, root, cursor }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n${CURSOR}${cursor}\n`;
}

/** Null unless it is exactly what `formatCheckpoint` writes. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const [origin = '', size = '', root = '', extension = ''] = text.split('\n');
  const hash = fromBase64(root);
  if (origin === '' || hash?.length !== HASH_BYTES || !extension.startsWith(CURSOR)) return null;
  const checkpoint = { origin, size: Number(size), root: hash, cursor: Number(extension.slice(CURSOR.length)) };
  return [checkpoint.size, checkpoint.cursor].every(isCount) && formatCheckpoint(checkpoint) === text
    ? checkpoint
    : null;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
