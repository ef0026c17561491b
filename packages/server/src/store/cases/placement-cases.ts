/** Placements with the events that tell of them: what reports and what-if read. */
import { deepStrictEqual, equal, notEqual } from 'node:assert/strict';
import type { PlacementEntry } from '../../engine/ports.ts';
import { EVENT_CODES, type StoredEvent } from '../../log/codec.ts';
import type { EventType } from '../../log/events.ts';
import type { ProjectionChange } from '../../log/rows.ts';
import { type ConformanceCase, expectResult } from '../conformance-case.ts';
import type { HomeStore } from '../home-store.ts';
import { ACME, nextAppend, RIVAL, sampleSession, type SampleSession, took } from '../sample.ts';

/** Appends events of these types; those that are placements are projected, each at its own time. */
async function lay(
  store: HomeStore,
  session: SampleSession,
  at: number,
  ...types: readonly EventType[]
): Promise<readonly StoredEvent[]> {
  const plain = nextAppend(
    session,
    types.map(() => null),
  );
  const events = plain.events.map((event, i) => ({
    ...event,
    code: EVENT_CODES[types[i] ?? 'items.added'],
    head: JSON.stringify({ at, seq: event.seq }),
  }));
  const changes = events.flatMap((event, i): ProjectionChange[] =>
    types[i]?.endsWith('.placed') === true ? [{ type: 'placed', seq: event.seq, at }] : [],
  );
  const append = { ...plain, events, changes };
  expectResult(await store.append(append), { ok: true });
  took(session, append);
  return events;
}

const TOOL = 'tool.placed' as const;

/** The placement of a call of this number; the first is not said, as the codec has it. */
async function numbered(store: HomeStore, session: SampleSession, call: number): Promise<void> {
  const plain = nextAppend(session, [null]);
  const head = JSON.stringify(call === 1 ? {} : { call });
  const events = plain.events.map(event => ({ ...event, code: EVENT_CODES['call.placed'], head }));
  const changes = events.map(({ seq }): ProjectionChange => ({ type: 'placed', seq, at: 1 }));
  const append = { ...plain, events, changes };
  expectResult(await store.append(append), { ok: true });
  took(session, append);
}

const head = (event: StoredEvent | undefined): unknown =>
  event === undefined ? null : { code: event.code, version: event.version, head: event.head };

type Event = StoredEvent | undefined;

/** An entry without its position, which is the store's own. */
function told({ session, seq, at, placed, first, turn, end, by }: PlacementEntry): unknown {
  return { session, seq, at, placed, first, turn, end, by };
}

function line(
  { session }: SampleSession,
  seq: number,
  at: number,
  ...[placed, first, turn, end]: [placed: Event, first: Event, turn: Event | null, end: Event | null]
): unknown {
  return {
    session,
    seq,
    at,
    placed: head(placed),
    first: head(first),
    turn: turn === null ? null : head(turn),
    end: end === null ? null : { ...(head(end) as object), at: end?.at },
    by: (turn ?? first)?.actor,
  };
}

const all = { order: 'asc', limit: 100, after: null } as const;

export const PLACEMENT_CASES: readonly ConformanceCase[] = [
  {
    name: 'a placement is read with the first event of its session, its turn and how its call ended',
    async run({ store }) {
      const [a, b] = [sampleSession('a'), sampleSession('b')];
      const one = await lay(
        store,
        a,
        1,
        'session.created',
        'state.placed',
        'input.accepted',
        'turn.started',
        'call.placed',
      );
      const two = await lay(store, b, 2, 'call.admitted', 'call.placed');
      const three = await lay(store, a, 3, 'call.failed', 'call.placed', 'call.completed', 'turn.completed');
      // A tool's run is told with its turn, and has no end of its own.
      const four = await lay(store, a, 4, 'input.accepted', 'turn.started', 'call.placed');
      const five = await lay(store, a, 5, 'call.completed', 'tool.placed', 'call.completed');
      const log = await store.placementLog({ tenant: ACME, ...all });
      deepStrictEqual(log.map(told), [
        line(a, 2, 1, one[1], one[0], null, null),
        line(a, 5, 1, one[4], one[0], one[3], three[0]),
        line(b, 2, 2, two[1], two[0], null, null),
        line(a, 7, 3, three[1], one[0], one[3], three[2]),
        line(a, 12, 4, four[2], one[0], four[1], five[0] ?? null),
        line(a, 14, 5, five[1], one[0], four[1], null),
      ]);
      notEqual(one[3]?.actor, one[0]?.actor);
    },
  },
  {
    name: 'L10: the log of placements is the tenant’s, page by page, both ways, and new ones do not move the pages',
    async run({ store }) {
      const [a, foreign] = [sampleSession('a'), sampleSession('f', RIVAL)];
      for (const at of [10, 11, 12]) {
        await lay(store, a, at, 'call.placed');
        await lay(store, foreign, at, 'call.placed');
      }
      const [p1, p2, p3] = await store.placementLog({ tenant: ACME, ...all });
      deepStrictEqual(
        [p1, p2, p3].map(one => one?.at),
        [10, 11, 12],
      );
      const middle = p2?.position ?? 0;
      await lay(store, a, 13, 'call.placed');
      const page = async (order: 'asc' | 'desc', after: number | null, limit = 100): Promise<readonly number[]> =>
        (await store.placementLog({ tenant: ACME, order, limit, after })).map(one => one.at);
      deepStrictEqual(await page('desc', middle), [10]);
      deepStrictEqual(await page('asc', middle), [12, 13]);
      deepStrictEqual(await page('asc', middle, 1), [12]);
      deepStrictEqual(await page('desc', null, 2), [13, 12]);
      deepStrictEqual(await store.placementTenants(), [
        { tenant: ACME, placements: 4 },
        { tenant: RIVAL, placements: 3 },
      ]);
    },
  },
  {
    name: 'a moment is found among the placements of a tenant',
    async run({ store }) {
      equal(await store.placementSeek(ACME, 5), 0);
      const [a, foreign] = [sampleSession('a'), sampleSession('f', RIVAL)];
      await lay(store, foreign, 1, 'call.placed');
      for (const at of [10, 20, 20, 30, 40]) {
        await lay(store, a, at, 'input.accepted', 'call.placed');
        await lay(store, foreign, 90, 'call.placed', 'turn.completed');
      }
      for (const [at, expected] of [
        [5, [10, 20, 20, 30, 40]],
        [10, [10, 20, 20, 30, 40]],
        [11, [20, 20, 30, 40]],
        [20, [20, 20, 30, 40]],
        [40, [40]],
        [41, []],
      ] as const) {
        const after = await store.placementSeek(ACME, at);
        const found = await store.placementLog({ tenant: ACME, ...all, after });
        deepStrictEqual(
          found.map(one => one.at),
          expected,
          `from ${at}`,
        );
      }
    },
  },
  {
    name: 'one placement is found by its place: the first of its type in a stretch, of calls the one of a number; L10',
    async run({ store }) {
      const [a, foreign] = [sampleSession('a'), sampleSession('f', RIVAL)];
      await lay(store, a, 1, 'session.created', 'state.placed');
      const turn = async (calls: number): Promise<{ from: number; to: number }> => {
        const from = a.seq + 1;
        await lay(store, a, 2, 'input.accepted', 'turn.started');
        for (let call = 1; call <= calls; call++) {
          await numbered(store, a, call);
          // Tools between two calls: many at one place, so that a stretch without calls is met.
          await lay(store, a, 3, 'call.completed', ...Array.from({ length: call === 3 ? 40 : 1 }, () => TOOL));
        }
        return { from, to: a.seq };
      };
      const [one, two] = [await turn(40), await turn(3)];
      await lay(store, foreign, 4, 'call.placed');
      const log = await store.placementLog({ tenant: ACME, ...all, limit: 1000 });
      const callOf = async (stretch: { from: number; to: number }, call: number): Promise<PlacementEntry | null> =>
        store.placed({ tenant: ACME, session: a.session, ...stretch, placed: { type: 'call.placed', call } });
      const calls = log.filter(({ placed }) => placed.code === EVENT_CODES['call.placed']);
      for (let call = 1; call <= 40; call++) deepStrictEqual(await callOf(one, call), calls[call - 1], `call ${call}`);
      for (let call = 1; call <= 3; call++) deepStrictEqual(await callOf(two, call), calls[39 + call]);
      for (const call of [0, 41]) equal(await callOf(one, call), null);
      equal(await callOf(two, 4), null);
      // Both ends belong to the stretch.
      const [first, second] = calls;
      const [at, next] = [first?.seq ?? 0, second?.seq ?? 0];
      deepStrictEqual(await callOf({ from: at, to: at }, 1), first);
      deepStrictEqual(await callOf({ from: at, to: next }, 2), second);
      equal(await callOf({ from: at + 1, to: next }, 1), null);
      equal(await callOf({ from: at, to: next - 1 }, 2), null);
      const only = async (
        tenant: typeof ACME,
        session: SampleSession,
        type: 'state.placed' | 'tool.placed',
        from = 1,
      ) => store.placed({ tenant, session: session.session, from, to: Number.MAX_SAFE_INTEGER, placed: { type } });
      deepStrictEqual(await only(ACME, a, 'state.placed'), log[0]);
      equal(await only(ACME, a, 'state.placed', 3), null);
      deepStrictEqual(
        await only(ACME, a, TOOL, next),
        log.find(({ placed, seq }) => placed.code === EVENT_CODES[TOOL] && seq > next),
      );
      for (const tenant of [ACME, RIVAL]) {
        const placed = { type: 'call.placed', call: 1 } as const;
        const found = await store.placed({ tenant, session: foreign.session, from: 1, to: 9, placed });
        equal(found?.session ?? null, tenant === RIVAL ? foreign.session : null);
      }
    },
  },
];
