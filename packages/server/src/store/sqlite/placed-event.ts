/**
 * Finds the event of a placement among those of a session. A turn's calls are numbered upward, so the stretch is halved: each step reads from
 * its middle to the next call. In a turn of tens of thousands of events that is a few dozen rows, and no index but that of their places is kept for it.
 */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { PlacedQuery } from '../../engine/placement-rows.ts';
import { callOfHead, EVENT_CODES } from '../../log/codec.ts';

export interface EventFound {
  /** Its position among the events of the home. */
  readonly e: number;
  readonly seq: number;
  readonly digest: Uint8Array;
}

/** @returns finds it in the session whose number is `n`; null if it is not there */
export function makePlacedEvent(
  db: DatabaseSync,
): (n: number, stretch: Pick<PlacedQuery, 'from' | 'to' | 'placed'>) => EventFound | null {
  const next = db.prepare(
    'SELECT e, seq, digest, head FROM events WHERE n = ? AND seq BETWEEN ? AND ? AND code = ? ORDER BY seq LIMIT 1',
  );
  const end = db.prepare('SELECT max(seq) AS seq FROM events WHERE n = ?');
  return (n, { from, to, placed }) => {
    const code = EVENT_CODES[placed.type];
    const last = Number(end.get(n)?.['seq'] ?? 0);
    for (let [low, high] = [from, Math.min(to, last)]; low <= high; ) {
      const middle = placed.type === 'call.placed' ? Math.floor((low + high) / 2) : low;
      const row = next.get(n, middle, high, code);
      if (row === undefined) {
        high = middle - 1;
        continue;
      }
      const call = placed.type === 'call.placed' ? callOfHead(String(row['head'])) - placed.call : 0;
      if (call === 0) return { e: Number(row['e']), seq: Number(row['seq']), digest: bytesOf(row['digest']) };
      if (call > 0) high = middle - 1;
      else low = Number(row['seq']) + 1;
    }
    return null;
  };
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}
