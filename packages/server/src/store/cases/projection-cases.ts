/** Projections: written with the append, readable at once, and made anew from the log (L1). */
import { deepStrictEqual, equal } from 'node:assert/strict';
import type { ProjectionChange } from '../../log/rows.ts';
import { commit, type ConformanceCase, snapshot } from '../conformance-case.ts';
import { ACME, responseNamed, RIVAL, nextAppend, sampleSession, sessionNamed } from '../sample.ts';

const opened = (name: string, fromSeq: number): ProjectionChange => ({
  type: 'response_opened',
  id: responseNamed(name),
  fromSeq,
  at: fromSeq * 10,
});
const closed = (
  name: string,
  toSeq: number,
  position: number,
  status: 'completed' | 'failed' = 'completed',
): ProjectionChange => ({
  type: 'response_closed',
  id: responseNamed(name),
  status,
  toSeq,
  position,
});
const run = (position: number, count: number, seq: number, base: string | null = null): ProjectionChange => ({
  type: 'run_added',
  position,
  count,
  seq,
  base,
});

export const PROJECTION_CASES: readonly ConformanceCase[] = [
  {
    name: 'a response is opened, closed, and absent once deleted; its id is not free again',
    async run({ store }) {
      const session = sampleSession('a');
      const id = responseNamed('r');
      await commit(store, session, ['1'], [opened('r', 1)]);
      const base = { id, session: session.session, fromSeq: 1, createdAt: 10 };
      deepStrictEqual(await store.response(ACME, id), { ...base, status: 'in_progress', toSeq: 0, position: 0 });
      await commit(store, session, ['2'], [closed('r', 2, 4)]);
      deepStrictEqual(await store.response(ACME, id), { ...base, status: 'completed', toSeq: 2, position: 4 });
      await commit(store, session, ['3'], [{ type: 'response_deleted', id }]);
      equal(await store.response(ACME, id), null);
      const { status: _, ...where } = (await store.response(ACME, id, 'deleted-too')) ?? { status: null };
      deepStrictEqual(where, { ...base, toSeq: 2, position: 4 });
      equal(await store.response(RIVAL, id, 'deleted-too'), null);
      deepStrictEqual(await store.append(nextAppend(session, ['4'], [opened('r', 4)])), {
        ok: false,
        reason: 'response_exists',
      });
    },
  },
  {
    name: 'runs are found by where they overlap, in both orders, and dropped from their end',
    async run({ store }) {
      const session = sampleSession('a');
      await commit(store, session, ['1', '2', '3'], [run(1, 3, 1), run(4, 1, 2), run(5, 4, 3)]);
      const positions = async (from: number, to: number, order: 'asc' | 'desc', limit = 10): Promise<number[]> =>
        (await store.runs({ tenant: ACME, session: session.session, from, to, order, limit })).map(row => row.position);
      deepStrictEqual(await positions(1, 100, 'asc'), [1, 4, 5]);
      deepStrictEqual(await positions(3, 5, 'asc'), [1, 4, 5]);
      deepStrictEqual(await positions(3, 5, 'desc'), [5, 4, 1]);
      deepStrictEqual(await positions(4, 4, 'asc'), [4]);
      deepStrictEqual(await positions(6, 7, 'asc'), [5]);
      deepStrictEqual(await positions(9, 100, 'asc'), []);
      deepStrictEqual(await positions(1, 100, 'desc', 2), [5, 4]);
      await commit(store, session, ['4'], [{ type: 'runs_dropped', position: 3 }]);
      deepStrictEqual(await positions(1, 100, 'asc'), [1]);
      await commit(store, session, ['5'], [run(4, 2, 5)]);
      deepStrictEqual(await positions(1, 100, 'asc'), [1, 4]);
    },
  },
  {
    name: 'deleted items are marked in their run, once, in order',
    async run({ store }) {
      const session = sampleSession('a');
      await commit(store, session, ['1', '2'], [run(1, 3, 1), run(4, 2, 2)]);
      const deletions = [5, 3, 1, 3, 6].map(position => ({ type: 'item_deleted' as const, position }));
      await commit(store, session, ['3'], deletions);
      const rows = await store.runs({ tenant: ACME, session: session.session, from: 1, to: 9, order: 'asc', limit: 9 });
      deepStrictEqual(rows, [
        { session: session.session, position: 1, count: 3, seq: 1, deleted: [0, 2] },
        { session: session.session, position: 4, count: 2, seq: 2, deleted: [1] },
      ]);
    },
  },
  {
    name: 'a run of added items is found by its base',
    async run({ store }) {
      const session = sampleSession('a');
      await commit(store, session, ['1'], [run(1, 3, 1, 'body')]);
      deepStrictEqual(await store.runByBase(ACME, 'body'), {
        session: session.session,
        position: 1,
        count: 3,
        seq: 1,
        deleted: [],
      });
      equal(await store.runByBase(ACME, 'other'), null);
    },
  },
  {
    name: 'placements are listed in the order of the commits, both ways, page by page',
    async run({ store }) {
      const [a, b] = [sampleSession('a'), sampleSession('b')];
      const foreign = sampleSession('f', RIVAL);
      await commit(store, b, ['1', '2'], [{ type: 'placed', seq: 2, at: 11 }]);
      await commit(store, foreign, ['1'], [{ type: 'placed', seq: 1, at: 1 }]);
      await commit(store, a, ['1'], [{ type: 'placed', seq: 1, at: 12 }]);
      await commit(store, b, ['3'], [{ type: 'placed', seq: 3, at: 13 }]);
      const [p1, p2, p3] = [
        { session: b.session, seq: 2, at: 11 },
        { session: a.session, seq: 1, at: 12 },
        { session: b.session, seq: 3, at: 13 },
      ] as const;
      deepStrictEqual(await store.placements({ tenant: ACME, order: 'asc', limit: 10 }), [p1, p2, p3]);
      deepStrictEqual(await store.placements({ tenant: ACME, order: 'desc', limit: 2 }), [p3, p2]);
      deepStrictEqual(await store.placements({ tenant: ACME, order: 'desc', limit: 2, after: p2 }), [p1]);
      deepStrictEqual(await store.placements({ tenant: ACME, order: 'asc', limit: 1, after: p1 }), [p2]);
      const elsewhere = { session: foreign.session, seq: 1 };
      deepStrictEqual(await store.placements({ tenant: ACME, order: 'asc', limit: 10, after: elsewhere }), []);
      deepStrictEqual(await store.tenants(), [ACME, RIVAL].toSorted());
    },
  },
  {
    name: 'what is retained: living responses, living forks, forks of ended forks',
    async run({ store }) {
      const parent = sampleSession('parent');
      await commit(
        store,
        parent,
        ['1', '2', '3'],
        [opened('r1', 1), closed('r1', 1, 2), opened('r2', 2), closed('r2', 3, 6)],
      );
      deepStrictEqual(await store.retained(ACME, parent.session), { position: 6, seq: 3, forks: [] });
      await commit(store, parent, ['4'], [{ type: 'response_deleted', id: responseNamed('r2') }]);
      deepStrictEqual(await store.retained(ACME, parent.session), { position: 2, seq: 1, forks: [] });
      await commit(store, parent, ['5'], [opened('r3', 5), closed('r3', 5, 0, 'failed')]);
      equal((await store.retained(ACME, parent.session)).seq, 5);
      await commit(store, parent, ['6'], [{ type: 'forked', child: sessionNamed('child'), to: 4 }]);
      const fork = { child: sessionNamed('child'), to: 4 };
      deepStrictEqual(await store.retained(ACME, parent.session), { position: 4, seq: 5, forks: [fork] });
      const child = sampleSession('child');
      await commit(store, child, ['1'], [{ type: 'forked', child: sessionNamed('grandchild'), to: 3 }]);
      const grandchild = sampleSession('grandchild');
      await commit(store, grandchild, ['1']);
      await commit(store, child, ['2'], [], { ended: true });
      deepStrictEqual((await store.retained(ACME, parent.session)).forks, [fork]);
      await commit(store, grandchild, ['2'], [], { ended: true });
      deepStrictEqual(await store.retained(ACME, parent.session), { position: 2, seq: 5, forks: [] });
    },
  },
  {
    name: 'responses are listed by session and by age; what was deleted is not of any age',
    async run({ store }) {
      const session = sampleSession('a');
      const other = sampleSession('b', RIVAL);
      await commit(store, session, ['1', '2'], [opened('r1', 1), closed('r1', 1, 1), opened('r2', 2)]);
      await commit(store, other, ['1'], [opened('r3', 1), closed('r3', 1, 1)]);
      const of = async (after: number, deleted: boolean, tenant = ACME, limit = 9): Promise<string[]> =>
        (await store.responsesOf({ tenant, session: session.session, after, limit, deleted })).map(row => row.id);
      const before = async (at: number, tenant = ACME, limit = 9): Promise<string[]> =>
        (await store.begunBefore({ tenant, before: at, limit })).map(row => row.id);
      const [r1, r2, r3] = ['r1', 'r2', 'r3'].map(responseNamed);
      deepStrictEqual(await of(0, false), [r1, r2]);
      deepStrictEqual(await of(0, false, ACME, 1), [r1]);
      deepStrictEqual(await of(1, false), [r2]);
      deepStrictEqual([await of(0, true), await of(0, false, RIVAL)], [[], []]);
      // The second still runs, whatever its age.
      deepStrictEqual([await before(10), await before(11), await before(99)], [[], [r1], [r1]]);
      deepStrictEqual(await before(99, RIVAL), [r3]);
      await commit(store, session, ['3'], [closed('r2', 3, 2)]);
      deepStrictEqual([await before(99), await before(99, ACME, 1), await before(20)], [[r1, r2], [r1], [r1]]);
      await commit(store, session, ['4'], [{ type: 'response_deleted', id: responseNamed('r1') }]);
      deepStrictEqual([await of(0, false), await of(0, true), await before(99)], [[r2], [r1], [r2]]);
      // Turns of agents live as long as their session.
      await commit(store, sampleSession('c'), ['1'], [opened('r4', 1), closed('r4', 1, 1)], { kind: 'agent' });
      deepStrictEqual(await before(99), [r2]);
    },
  },
  {
    name: 'sessions with something to erase are listed page by page, of every tenant, until it is done',
    async run({ store }) {
      const names = ['c', 'a', 'b'];
      const sessions = names.map((name, i) => sampleSession(name, i === 1 ? RIVAL : ACME));
      const list = async (after: string | null, limit = 9): Promise<string[]> =>
        (await store.unerased(after === null ? null : sessionNamed(after), limit)).map(row => row.session);
      for (const session of sessions) await commit(store, session, ['1'], [{ type: 'erasure_due' }]);
      deepStrictEqual(await list(null), names.map(sessionNamed));
      deepStrictEqual(await list(null, 2), ['c', 'a'].map(sessionNamed));
      deepStrictEqual(await list('a'), [sessionNamed('b')]);
      const [first] = sessions;
      if (first === undefined) throw new Error('there are three');
      await commit(store, first, ['2'], [{ type: 'erasure_due' }]);
      await commit(store, first, ['3'], [{ type: 'erasure_done' }]);
      deepStrictEqual(await list(null), ['a', 'b'].map(sessionNamed));
      deepStrictEqual(await list('c'), ['a', 'b'].map(sessionNamed));
      await commit(store, first, ['4'], [{ type: 'erasure_due' }]);
      deepStrictEqual(await list(null, 1), [sessionNamed('c')]);
    },
  },
  {
    name: 'L13: erasing takes payloads and salts after a seq and before its own event; heads and digests stay',
    async run(fixture) {
      const session = sampleSession('a');
      const append = await commit(fixture.store, session, ['keep', 'erase', 'erase']);
      const erased = { type: 'payloads_erased', after: 1, before: 4 } as const;
      const erasing = await commit(fixture.store, session, [null, 'beside'], [erased]);
      const later = await commit(fixture.store, session, ['new']);
      const expected = append.events.map(event => (event.seq > 1 ? { ...event, payload: null, salt: null } : event));
      const all = [...expected, ...erasing.events, ...later.events];
      deepStrictEqual(await fixture.store.events({ ...session, from: 1, limit: 10 }), all);
      const again = await fixture.reopen('abrupt');
      deepStrictEqual(await again.events({ ...session, from: 1, limit: 10 }), all);
    },
  },
  {
    name: 'open sessions of every tenant are listed in order, page by page; due ones by their time',
    async run({ store }) {
      const rows: [string, boolean, number | null][] = [
        ['c', true, 30],
        ['a', true, null],
        ['b', false, 10],
        ['d', true, 20],
      ];
      for (const [name, open, wakeAt] of rows)
        await commit(store, sampleSession(name, name === 'd' ? RIVAL : ACME), ['1'], [], { open, wakeAt });
      const open = async (after: string | null, limit: number): Promise<string[]> =>
        (await store.open(after === null ? null : sessionNamed(after), limit)).map(row => row.session);
      deepStrictEqual(await open(null, 10), ['a', 'c', 'd'].map(sessionNamed));
      deepStrictEqual(await open('a', 1), [sessionNamed('c')]);
      deepStrictEqual(await open('d', 10), []);
      deepStrictEqual(
        (await store.due(20, 10)).map(row => row.session),
        ['b', 'd'].map(sessionNamed),
      );
      equal((await store.due(9, 10)).length, 0);
      const c = sampleSession('c');
      Object.assign(c, { seq: 1, epoch: 1 });
      await commit(store, c, ['2'], [], { open: false, wakeAt: null });
      deepStrictEqual(await open(null, 10), ['a', 'd'].map(sessionNamed));
      deepStrictEqual(
        (await store.due(100, 1)).map(row => row.session),
        ['b'].map(sessionNamed),
      );
      equal((await store.due(100, 10)).length, 2);
    },
  },
  {
    name: 'L1: projections dropped and made anew are the ones that the appends made',
    async run({ store }) {
      const session = sampleSession('a');
      const other = sampleSession('b');
      const first: ProjectionChange[] = [
        opened('r1', 1),
        run(1, 2, 1),
        { type: 'placed', seq: 2, at: 9 },
        closed('r1', 2, 2),
      ];
      const second: ProjectionChange[] = [
        opened('r2', 3),
        run(3, 2, 3),
        { type: 'item_deleted', position: 4 },
        { type: 'forked', child: sessionNamed('c'), to: 2 },
      ];
      await commit(store, session, ['1', '2'], first);
      await commit(store, other, ['1'], [{ type: 'placed', seq: 1, at: 10 }]);
      const last = await commit(store, session, ['3', '4'], [...second, { type: 'placed', seq: 4, at: 11 }]);
      const before = [
        await snapshot(store, session),
        await store.response(ACME, responseNamed('r1')),
        await store.placements({ tenant: ACME, order: 'asc', limit: 9 }),
      ];
      const place = { tenant: ACME, session: session.session };
      equal(await store.reproject({ ...place, changes: [], row: { ...last.row, seq: 3 } }), false);
      equal(await store.reproject({ ...place, tenant: RIVAL, changes: [], row: last.row }), false);
      equal(await store.reproject({ ...place, changes: [], row: last.row }), true);
      equal(await store.response(ACME, responseNamed('r1')), null);
      deepStrictEqual(await store.retained(ACME, session.session), { position: 0, seq: 0, forks: [] });
      equal((await store.placements({ tenant: ACME, order: 'asc', limit: 9 })).length, 1);
      const changes = [
        ...first,
        ...second,
        { type: 'placed', seq: 4, at: 11 } as const,
        { type: 'payloads_erased', after: 0, before: 9 } as const,
      ];
      equal(await store.reproject({ ...place, changes, row: last.row }), true);
      deepStrictEqual(
        [
          await snapshot(store, session),
          await store.response(ACME, responseNamed('r1')),
          await store.placements({ tenant: ACME, order: 'asc', limit: 9 }),
        ],
        before,
      );
    },
  },
];
