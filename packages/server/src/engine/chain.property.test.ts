/** Logs as they are written: chained, projected, and made anew out of themselves. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ResponseId } from '../kernel/ids.ts';
import { decodeEnvelope, decodeEvent, type StoredEvent } from '../log/codec.ts';
import { item } from '../log/event.test-support.ts';
import type { EventBody } from '../log/events.ts';
import type { ProjectionChange } from '../log/rows.ts';
import { bend, history, NOON, SESSION, TENANT } from '../session/history.test-support.ts';
import { project, rowOf } from '../session/project.ts';
import { reduce, reduceAll } from '../session/reduce.ts';
import type { SessionState } from '../session/state.ts';
import { MEMORY, SQLITE } from '../store/fixtures.ts';
import type { HomeStore } from '../store/home-store.ts';
import type { StoreFactory } from '../store/conformance-case.ts';
import { type ChainEnd, GENESIS, prepare, UnlawfulEvent, verifyChain } from './chain.ts';
import { sha256 } from './world.test-support.ts';

let drawn = 0;
const tools = { sha256, salt: () => sha256(`${drawn++}`).slice(0, 16) };
const at = { tenant: TENANT, session: SESSION, actor: 'key:test', at: NOON };

/** A history with payloads, and where it is cut into commits. */
const written = fc
  .record({
    history,
    payloads: fc.infiniteStream(fc.array(item, { maxLength: 3 })),
    cuts: fc.infiniteStream(fc.integer({ min: 1, max: 6 })),
  })
  .map(({ history: { events }, payloads, cuts }) => {
    const bodies = events.map(({ type, head }) => {
      const [items = []] = payloads.take(1);
      const payload = HOLDS_ITEMS.has(type) ? { items, deltas: null } : null;
      return { type, head, payload } as EventBody;
    });
    const commits: EventBody[][] = [];
    for (let i = 0; i < bodies.length; ) {
      const [length = 1] = cuts.take(1);
      commits.push(bodies.slice(i, i + length));
      i += length;
    }
    return commits;
  });

const HOLDS_ITEMS: ReadonlySet<string> = new Set([
  'input.accepted',
  'call.completed',
  'call.failed',
  'tool.completed',
  'tool.failed',
  'items.added',
]);

async function write(store: HomeStore, commits: readonly (readonly EventBody[])[]): Promise<ChainEnd> {
  let end: ChainEnd = { state: null, digest: GENESIS };
  for (const bodies of commits) {
    const { events, changes, row, state } = prepare(end, at, bodies, tools);
    const place = { tenant: TENANT, session: SESSION };
    const expected = { expectedSeq: end.state?.seq ?? 0, expectedEpoch: end.state?.epoch ?? 0 };
    expect(await store.append({ ...place, ...expected, events, changes, row, prune: false })).toEqual({ ok: true });
    end = { state, digest: row.digest };
  }
  return end;
}

/** All that the store's projections say of the session. */
async function dump(store: HomeStore, events: readonly StoredEvent[]): Promise<unknown> {
  const place = { tenant: TENANT, session: SESSION };
  const ids = new Set<string>();
  const bases = new Set<string>();
  for (const stored of events) {
    const { type, head } = decodeEnvelope(place, stored);
    if (type === 'input.accepted') ids.add(head.response);
    if (type === 'items.added') bases.add(head.base);
  }
  return {
    row: await store.session(TENANT, SESSION),
    responses: await Promise.all([...ids].map(id => store.response(TENANT, id as ResponseId))),
    evenDeleted: await Promise.all([...ids].map(id => store.response(TENANT, id as ResponseId, 'deleted-too'))),
    runs: await store.runs({ ...place, from: 1, to: 100_000, order: 'asc', limit: 1000 }),
    bases: await Promise.all([...bases].map(base => store.runByBase(TENANT, base))),
    placements: await store.placements({ tenant: TENANT, order: 'asc', limit: 1000 }),
    retained: await store.retained(TENANT, SESSION),
  };
}

const STORES: readonly (readonly [name: string, store: StoreFactory, numRuns: number])[] = [
  ['memory', MEMORY, 60],
  ['sqlite', SQLITE, 6],
];

test.each(STORES)(
  'L1: projections made anew from the log are those that the appends wrote (%s)',
  async (_, factory, numRuns) => {
    await fc.assert(
      fc.asyncProperty(written, async commits => {
        const fixture = await factory.create();
        const { store } = fixture;
        try {
          await write(store, commits);
          const place = { tenant: TENANT, session: SESSION };
          const stored = await store.events({ ...place, from: 1, limit: 1000 });
          const before = await dump(store, stored);
          let state: SessionState | null = null;
          const changes: ProjectionChange[] = [];
          for (const one of stored) {
            const event = decodeEvent(place, one);
            changes.push(...project(state, event));
            const reduced = reduce(state, event);
            if (!reduced.ok) throw new Error(reduced.message);
            state = reduced.state;
          }
          const last = stored.at(-1);
          if (state === null || last === undefined) throw new Error('an empty log');
          expect(await store.reproject({ ...place, changes, row: rowOf(state, last.digest) })).toBe(true);
          expect(await dump(store, stored)).toEqual(before);
        } finally {
          await fixture.dispose();
        }
      }),
      { numRuns },
    );
  },
);

test('L1: the kept state is the fold of the log, and what is read is what was said', async () => {
  await fc.assert(
    fc.asyncProperty(written, async commits => {
      const fixture = await MEMORY.create();
      const { store } = fixture;
      const end = await write(store, commits);
      const place = { tenant: TENANT, session: SESSION };
      const stored = await store.events({ ...place, from: 1, limit: 1000 });
      const events = stored.map(one => decodeEvent(place, one));
      expect(reduceAll(null, events)).toEqual({ ok: true, state: end.state });
      const row = await store.session(TENANT, SESSION);
      expect(JSON.parse(row?.state ?? 'null')).toEqual(end.state);
      const bodies = commits.flat();
      // What a later `session.erased` took is gone (L13); all else is as it was said.
      const isErased = (i: number): boolean =>
        bodies.some((body, j) => {
          if (body.type !== 'session.erased' || body.head.deferred === true || j <= i) return false;
          return i + 1 > body.head.after && i + 1 < (body.head.before ?? j + 1);
        });
      const said = bodies.map(({ type, head, payload }, i) => ({ type, head, payload: isErased(i) ? null : payload }));
      expect(events.map(({ type, head, payload }) => ({ type, head, payload }))).toEqual(said);
      await fixture.dispose();
    }),
    { numRuns: 40 },
  );
});

describe('the chain', () => {
  const place = { tenant: TENANT, session: SESSION };
  const chained = written.map(commits => {
    let end: ChainEnd = { state: null, digest: GENESIS };
    const events: StoredEvent[] = [];
    for (const bodies of commits) {
      const prepared = prepare(end, at, bodies, tools);
      events.push(...prepared.events);
      end = { state: prepared.state, digest: prepared.row.digest };
    }
    return { events, digest: end.digest };
  });

  test('verifies as a whole, in stretches, and over erased payloads (L13)', () => {
    fc.assert(
      fc.property(chained, fc.func(fc.boolean()), fc.nat(), ({ events, digest }, isErased, cut) => {
        const erased = events.map(event => (isErased(event.seq) ? { ...event, payload: null, salt: null } : event));
        expect(verifyChain(place, erased, GENESIS, sha256)).toEqual({ ok: true, digest });
        const i = cut % events.length;
        const head = verifyChain(place, erased.slice(0, i), GENESIS, sha256);
        if (!head.ok) throw new Error(head.why);
        expect(verifyChain(place, erased.slice(i), head.digest, sha256)).toEqual({ ok: true, digest });
      }),
      { numRuns: 40 },
    );
  });

  const CHANGES: { readonly [what: string]: (event: StoredEvent) => Partial<StoredEvent> } = {
    seq: event => ({ seq: event.seq + 1 }),
    epoch: event => ({ epoch: event.epoch + 1 }),
    at: event => ({ at: event.at + 1 }),
    actor: () => ({ actor: 'someone' }),
    code: event => ({ code: event.code + 1 }),
    head: event => ({ head: `${event.head} ` }),
    payload: event => ({ payload: event.payload === null ? null : `${event.payload} ` }),
    salt: event => ({ salt: event.salt === null ? null : new Uint8Array(16) }),
    payloadDigest: event => ({ payloadDigest: event.payloadDigest === null ? new Uint8Array(32) : null }),
    digest: () => ({ digest: new Uint8Array(32) }),
  };

  test.each(Object.keys(CHANGES))('tells a changed %s, and which event it is', what => {
    let changed = 0;
    fc.assert(
      fc.property(chained, fc.nat(), ({ events }, n) => {
        const i = n % events.length;
        const bent = events.map((event, j) => (j === i ? { ...event, ...CHANGES[what]?.(event) } : event));
        if (JSON.stringify(bent) === JSON.stringify(events)) return;
        changed += 1;
        expect(verifyChain(place, bent, GENESIS, sha256)).toMatchObject({ ok: false, seq: bent[i]?.seq });
      }),
      { numRuns: 30 },
    );
    expect(changed).toBeGreaterThan(0);
  });

  test('tells an event that is gone, and two that changed places', () => {
    fc.assert(
      fc.property(chained, fc.nat(), ({ events }, n) => {
        if (events.length < 3) return;
        const i = n % (events.length - 1);
        const gone = events.filter((_, j) => j !== i);
        expect(verifyChain(place, gone, GENESIS, sha256).ok).toBe(false);
        const swapped = events.map((event, j) => (j === i ? events[i + 1] : j === i + 1 ? events[i] : event));
        expect(verifyChain(place, swapped as StoredEvent[], GENESIS, sha256).ok).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  test('is not laid for what the reducer refuses', () => {
    const end = { state: null, digest: GENESIS };
    const wrong = bend(null, { type: 'session.claimed', head: { owner: 'proc_1' }, payload: null });
    expect(() => prepare(end, at, [wrong], tools)).toThrow(UnlawfulEvent);
    expect(() => prepare(end, at, [], tools)).toThrow(UnlawfulEvent);
  });
});
