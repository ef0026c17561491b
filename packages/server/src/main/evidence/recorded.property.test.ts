/** What a session did as of a moment: from its row or from its log, it is the same (L1). */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChainEnd, GENESIS, prepare } from '../../engine/chain.ts';
import { sha256 } from '../../engine/world.test-support.ts';
import type { StoredEvent } from '../../log/codec.ts';
import type { EventBody } from '../../log/events.ts';
import type { SessionRow } from '../../log/rows.ts';
import { history, NOON, SESSION, TENANT } from '../../session/history.test-support.ts';
import { reduceAll } from '../../session/reduce.ts';
import { type RecordedHome, recordedOf } from './recorded.ts';

const PLACE = { tenant: TENANT, session: SESSION };
const UNASKED = () => Promise.reject(new Error('nothing asks for this'));

/** A home of one session, that counts how often its log is read. */
function homeOf(row: SessionRow, events: readonly StoredEvent[]): { home: RecordedHome; reads: () => number } {
  let reads = 0;
  const home: RecordedHome = {
    home: 'local' as RecordedHome['home'],
    session: () => Promise.resolve(row),
    events: ({ from, limit }) => {
      reads += 1;
      return Promise.resolve(events.slice(from - 1, from - 1 + limit));
    },
    placementLog: UNASKED,
    placementSeek: UNASKED,
    placementTenants: UNASKED,
    document: UNASKED,
  };
  return { home, reads: () => reads };
}

test('what a session did before a moment is what the events before it come to, and its log is read only where its row is later', async () => {
  let whole = 0;
  let read = 0;
  await fc.assert(
    fc.asyncProperty(history, fc.nat(), async ({ events: past }, cut) => {
      let end: ChainEnd = { state: null, digest: GENESIS };
      const stored: StoredEvent[] = [];
      let row: SessionRow | null = null;
      for (const [i, { type, head }] of past.entries()) {
        const at = { ...PLACE, actor: 'key:test', at: NOON + i };
        const one = prepare(end, at, [{ type, head, payload: null } as EventBody], { sha256, salt: () => GENESIS });
        stored.push(...one.events);
        end = { state: one.state, digest: one.row.digest };
        row = one.row;
      }
      if (row === null) throw new Error('an empty log');
      for (const before of [null, NOON + past.length, NOON + 1 + (cut % past.length)]) {
        const { home, reads } = homeOf(row, stored);
        const placed = { ...PLACE, home: 'local' };
        const found = await recordedOf([home]).use(placed, before);
        const till = reduceAll(
          null,
          past.filter((_, i) => before === null || NOON + i < before),
        );
        if (!till.ok) throw new Error(till.message);
        expect(found).toEqual(till.state.use);
        expect(reads() === 0).toBe(before === null || row.updatedAt < before);
        if (reads() === 0) whole += 1;
        else read += 1;
      }
    }),
    { numRuns: 40 },
  );
  expect(whole).toBeGreaterThan(0);
  expect(read).toBeGreaterThan(0);
});
