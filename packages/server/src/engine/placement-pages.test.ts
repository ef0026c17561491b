/** What a page of placements costs is bounded, whatever its filters let through. */
import { expect, test } from 'vitest';
import type { HomeId, SessionId, TenantId } from '../kernel/ids.ts';
import { encodeHead, EVENT_CODES } from '../log/codec.ts';
import type { EventBody } from '../log/events.ts';
import { openMemoryHome } from '../store/memory/open-memory-home.ts';
import type { Caller } from './caller.ts';
import type { EngineContext } from './engine-context.ts';
import { listPlacements, type PlacementListQuery, type PlacementPage, SCAN_MOST } from './placement-pages.ts';

const tenant = 'acme' as TenantId;
const caller: Caller = { tenant, principal: 'p', product: 'api', channel: 'direct', segment: 'commercial', scopes: [] };
const EVENTS = 200;

/** An engine over one home that holds so many calls, the oldest with 1 input token, each later one with one more. */
async function holding(count: number): Promise<{ engine: EngineContext; reads: () => number }> {
  const home = 'local' as HomeId;
  const store = openMemoryHome({ home, clock: { now: () => 0, monotonic: () => 0 } });
  const digest = new Uint8Array(32);
  const origin = { product: 'api', channel: 'direct', segment: 'commercial', stateHeld: true, readings: {} };
  for (let done = 0; done < count; ) {
    const session = `sess_${String(done).padStart(28, '0')}` as SessionId;
    const calls = Math.min(EVENTS, count - done);
    const created = { kind: 'responses' as const, home, owner: '', origin, lineage: [], labels: [], openCalls: [] };
    const bodies: EventBody[] = [{ type: 'session.created', head: { ...created, continues: null }, payload: null }];
    for (let i = 1; i <= calls; i++) {
      const head = {
        call: i,
        purpose: 'turn',
        chosen: 'a',
        placement: { i: done + i },
        reserved: { input: 0, output: 0 },
      };
      bodies.push({ type: 'call.placed', head, payload: null });
    }
    const events = bodies.map((body, i) => ({
      seq: i + 1,
      epoch: 1,
      at: done + i,
      actor: 'engine',
      code: EVENT_CODES[body.type],
      version: 1,
      head: encodeHead(body),
      payload: null,
      salt: null,
      payloadDigest: null,
      digest,
    }));
    const row = { tenant, session, kind: 'responses' as const, seq: events.length, epoch: 1, owner: null, open: false };
    await store.append({
      tenant,
      session,
      expectedSeq: 0,
      expectedEpoch: 0,
      events,
      changes: events.slice(1).map(({ seq, at }) => ({ type: 'placed', seq, at })),
      prune: false,
      row: { ...row, ended: false, wakeAt: null, createdAt: 0, updatedAt: 0, state: null, digest },
    });
    done += calls;
  }
  let reads = 0;
  const counted: typeof store = {
    ...store,
    async placementLog(query) {
      const page = await store.placementLog(query);
      reads += page.length;
      return page;
    },
  };
  const engine = { homes: { all: [counted] }, sessions: { wait: <T>(work: Promise<T>) => work } };
  // The list asks for nothing else of an engine.
  return { engine: engine as unknown as EngineContext, reads: () => reads };
}

const inputs = ({ placements }: PlacementPage): readonly unknown[] => placements.map(({ record }) => record['i']);
const query = (over: Partial<PlacementListQuery>): PlacementListQuery => ({ order: 'asc', limit: 10, ...over });

test('a page that finds nothing among so many rows ends, and says where to go on', async () => {
  const { engine, reads } = await holding(SCAN_MOST + 300);
  const matches: PlacementListQuery['matches'] = ({ record }) => record['i'] === SCAN_MOST + 1;
  const first = await listPlacements(engine, caller, query({ matches }));
  expect([inputs(first), first.hasMore]).toEqual([[], true]);
  expect(reads()).toBeLessThanOrEqual(SCAN_MOST + 200);
  const second = await listPlacements(engine, caller, query({ matches, after: first.next ?? '' }));
  expect([inputs(second), second.hasMore, second.next]).toEqual([[SCAN_MOST + 1], false, null]);
});

test('one row fewer is found in one page', async () => {
  const { engine } = await holding(SCAN_MOST - 1);
  const matches: PlacementListQuery['matches'] = ({ record }) => record['i'] === SCAN_MOST - 1;
  const page = await listPlacements(engine, caller, query({ matches }));
  expect([inputs(page), page.hasMore, page.next]).toEqual([[SCAN_MOST - 1], false, null]);
});

test('a full page asks whether there is another match, and does not guess', async () => {
  const { engine } = await holding(30);
  const even: PlacementListQuery['matches'] = ({ record }) => Number(record['i']) % 2 === 0;
  const first = await listPlacements(engine, caller, query({ matches: even, order: 'desc' }));
  expect([inputs(first), first.hasMore]).toEqual([[30, 28, 26, 24, 22, 20, 18, 16, 14, 12], true]);
  const second = await listPlacements(engine, caller, query({ matches: even, order: 'desc', after: first.next ?? '' }));
  expect([inputs(second), second.hasMore]).toEqual([[10, 8, 6, 4, 2], false]);
  const exact = await listPlacements(engine, caller, query({ matches: even, limit: 15 }));
  expect([inputs(exact).length, exact.hasMore]).toEqual([15, false]);
  await expect(listPlacements(engine, caller, query({ after: first.next ?? '' }))).rejects.toMatchObject({
    code: 'invalid_request',
  });
});
