/** How far each home's log was sent: `traces.json` in the data folder, whole or not at all. Derived: without it sending begins anew. */
import { join } from 'node:path';
import { readWhole, writeWhole } from '../../store/blobs/whole-file.ts';

export interface Cursors {
  /** Position of the outbox, inclusive; null if nothing was ever sent from this home. */
  get(home: string): number | null;
  /** Durably. */
  set(home: string, position: number): Promise<void>;
}

export async function openCursors(data: string): Promise<Cursors> {
  const file = join(data, 'traces.json');
  const positions = new Map(Object.entries(parse(await readWhole(file))));
  return {
    get: home => positions.get(home) ?? null,
    async set(home, position) {
      positions.set(home, position);
      await writeWhole(file, Buffer.from(JSON.stringify(Object.fromEntries(positions))));
    },
  };
}

function parse(bytes: Uint8Array | null): { readonly [home: string]: number } {
  if (bytes === null) return {};
  try {
    const found: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof found !== 'object' || found === null) return {};
    return Object.fromEntries(Object.entries(found).filter(([, position]) => Number.isSafeInteger(position)));
  } catch {
    return {};
  }
}
