/** The session log itself: what is appended is there, once, in order, and survives. */
import { deepStrictEqual, equal, ok, rejects } from 'node:assert/strict';
import { MAX_APPEND_CHARS, MAX_APPEND_EVENTS, MAX_ROWS_READ } from '../bounds.ts';
import { commit, type ConformanceCase, expectResult, snapshot } from '../conformance-case.ts';
import { nextAppend, took, sampleSession } from '../sample.ts';
import { StoreMisuse } from '../store-error.ts';

export const LOG_CASES: readonly ConformanceCase[] = [
  {
    name: 'what was appended is read back as it was, bytes and all',
    async run({ store }) {
      const session = sampleSession('a');
      const append = await commit(store, session, ['one', null, 'three'], [], {
        kind: 'conversation',
        open: true,
        wakeAt: 7,
        owner: null,
        state: null,
      });
      deepStrictEqual(await store.events({ ...session, from: 1, limit: 10 }), append.events);
      deepStrictEqual(await store.session(session.tenant, session.session), append.row);
    },
  },
  {
    name: 'an erased payload can be imported: its digest stays without salt and text',
    async run({ store }) {
      const session = sampleSession('a');
      const append = nextAppend(session, ['gone']);
      const events = append.events.map(event => ({ ...event, payload: null, salt: null }));
      expectResult(await store.append({ ...append, events }), { ok: true });
      deepStrictEqual(await store.events({ ...session, from: 1, limit: 10 }), events);
    },
  },
  {
    name: 'a range is inclusive on both ends and bounded by its limit',
    async run({ store }) {
      const session = sampleSession('a');
      await commit(store, session, ['1', '2', '3', '4', '5']);
      const seqs = async (from: number, to: number | undefined, limit: number): Promise<number[]> =>
        (
          await store.events({
            tenant: session.tenant,
            session: session.session,
            from,
            limit,
            ...(to !== undefined && { to }),
          })
        ).map(event => event.seq);
      deepStrictEqual(await seqs(2, 4, 10), [2, 3, 4]);
      deepStrictEqual(await seqs(3, undefined, 10), [3, 4, 5]);
      deepStrictEqual(await seqs(1, undefined, 2), [1, 2]);
      deepStrictEqual(await seqs(6, undefined, 10), []);
    },
  },
  {
    name: 'L2: what was answered is there after an orderly close and after none',
    async run(fixture) {
      const session = sampleSession('a');
      await commit(fixture.store, session, ['one']);
      await commit(fixture.store, session, ['two', 'three']);
      await fixture.store.release({ ...session, epoch: 1, call: 1, steps: '["shown"]' });
      const before = await snapshot(fixture.store, session);
      const again = await fixture.reopen('abrupt');
      deepStrictEqual(await snapshot(again, session), before);
      await commit(again, session, ['four']);
      const after = await snapshot(again, session);
      deepStrictEqual(await snapshot(await fixture.reopen('orderly'), session), after);
    },
  },
  {
    name: 'L3: an append at another seq loses and changes nothing, a repeated one too',
    async run({ store }) {
      const session = sampleSession('a');
      const first = await commit(store, session, ['one', 'two']);
      const before = await snapshot(store, session);
      expectResult(await store.append(first), { ok: false, reason: 'conflict' });
      const stale = sampleSession('a');
      stale.seq = 1;
      stale.epoch = 1;
      expectResult(await store.append(nextAppend(stale, ['other'])), { ok: false, reason: 'conflict' });
      stale.seq = 3;
      expectResult(await store.append(nextAppend(stale, ['beyond'])), { ok: false, reason: 'conflict' });
      deepStrictEqual(await snapshot(store, session), before);
    },
  },
  {
    name: 'an append to a session that is not there loses',
    async run({ store }) {
      const session = sampleSession('a');
      session.seq = 1;
      session.epoch = 1;
      expectResult(await store.append(nextAppend(session, ['x'])), { ok: false, reason: 'conflict' });
      equal(await store.session(session.tenant, session.session), null);
    },
  },
  {
    name: 'L3: after a claim the old epoch is fenced, for appends and for releases',
    async run({ store }) {
      const session = sampleSession('a');
      await commit(store, session, ['one']);
      const stale = sampleSession('a');
      Object.assign(stale, { seq: session.seq, epoch: session.epoch });
      await commit(store, session, ['claimed'], [], { epoch: 2, owner: 'proc_2' });
      const before = await snapshot(store, session);
      expectResult(await store.append(nextAppend(stale, ['late'])), { ok: false, reason: 'fenced' });
      Object.assign(stale, { seq: session.seq });
      expectResult(await store.append(nextAppend(stale, ['late, at the right seq'])), { ok: false, reason: 'fenced' });
      equal(await store.release({ ...session, epoch: 1, call: 1, steps: '[]' }), false);
      deepStrictEqual(await snapshot(store, session), before);
      equal(await store.release({ ...session, epoch: 2, call: 1, steps: '[]' }), true);
    },
  },
  {
    name: 'an append is all or nothing: one that loses by its last change leaves no trace',
    async run({ store }) {
      const session = sampleSession('a');
      const id = 'resp_taken' as never;
      await commit(store, session, ['one'], [{ type: 'response_opened', id, fromSeq: 1, at: 9 }]);
      const other = sampleSession('b');
      const lost = nextAppend(
        other,
        ['never'],
        [
          { type: 'run_added', position: 1, count: 1, seq: 1, base: 'lost' },
          { type: 'placed', seq: 1, at: 5 },
          { type: 'forked', child: 'sess_child' as never, to: 1 },
          { type: 'response_opened', id, fromSeq: 1, at: 9 },
        ],
      );
      expectResult(await store.append(lost), { ok: false, reason: 'response_exists' });
      equal(await store.session(other.tenant, other.session), null);
      deepStrictEqual(await store.placements({ tenant: other.tenant, order: 'asc', limit: 10 }), []);
      equal(await store.runByBase(other.tenant, 'lost'), null);
      await commit(store, other, ['begun after all']);
      deepStrictEqual(await store.retained(other.tenant, other.session), { position: 0, seq: 0, forks: [] });
    },
  },
  {
    name: 'appends of one session take effect in the order of the calls',
    async run({ store }) {
      const session = sampleSession('a');
      const appends = Array.from({ length: 20 }, (_, i) => {
        const append = nextAppend(session, [`${i}`], [], { updatedAt: i });
        took(session, append);
        return append;
      });
      const results = await Promise.all(appends.map(append => store.append(append)));
      for (const result of results) expectResult(result, { ok: true });
      const events = await store.events({ ...session, from: 1, limit: 100 });
      deepStrictEqual(
        events,
        appends.flatMap(append => append.events),
      );
      equal((await store.session(session.tenant, session.session))?.updatedAt, 19);
    },
  },
  {
    name: 'of two that are appended at once, one wins and the other changes nothing',
    async run({ store }) {
      const mine = sampleSession('a');
      const yours = sampleSession('a');
      const [first, second] = [nextAppend(mine, ['mine']), nextAppend(yours, ['yours', 'too'])];
      expectResult(await store.append(first), { ok: true });
      took(mine, first);
      took(yours, first);
      const results = await Promise.all([
        store.append(nextAppend(mine, ['left'])),
        store.append(nextAppend(yours, ['right', 'right'])),
      ]);
      deepStrictEqual(
        results.map(result => result.ok),
        [true, false],
      );
      equal((await store.events({ ...mine, from: 1, limit: 10 })).length, 2);
      ok(second.events.length > 0);
    },
  },
  {
    name: 'a loser in a group damages no other session, whatever it lost by',
    async run({ store }) {
      const taken = sampleSession('taken');
      await commit(store, taken, ['x'], [{ type: 'response_opened', id: 'resp_x' as never, fromSeq: 1, at: 9 }]);
      const sessions = Array.from({ length: 200 }, (_, i) => sampleSession(`s${i}`));
      const appends = sessions.map((session, i) => {
        const opens = [
          { type: 'response_opened' as const, id: `resp_${i % 7 === 3 ? 'x' : i}` as never, fromSeq: 1, at: 9 },
        ];
        const append = nextAppend(session, [`a${i}`, `b${i}`], opens);
        return i % 7 === 5 ? { ...append, expectedEpoch: 1 } : append;
      });
      const results = await Promise.all(appends.map(append => store.append(append)));
      for (const [i, session] of sessions.entries()) {
        const events = await store.events({ ...session, from: 1, limit: 10 });
        const response = await store.response(session.tenant, `resp_${i}` as never);
        if (i % 7 === 3) expectResult(results[i] ?? { ok: true }, { ok: false, reason: 'response_exists' });
        else if (i % 7 === 5) expectResult(results[i] ?? { ok: true }, { ok: false, reason: 'conflict' });
        else {
          expectResult(results[i] ?? { ok: false, reason: 'conflict' }, { ok: true });
          deepStrictEqual(events, appends[i]?.events);
          equal(response?.session, session.session);
          continue;
        }
        deepStrictEqual(events, []);
        equal(response, null);
      }
      deepStrictEqual(await store.check(), []);
    },
  },
  {
    name: 'an append that contradicts itself or a bound is refused before anything is done',
    async run({ store }) {
      const session = sampleSession('a');
      const good = nextAppend(session, ['one', 'two']);
      const misuse = (append: typeof good): Promise<void> => rejects(store.append(append), StoreMisuse);
      await misuse({ ...good, events: [] });
      await misuse({ ...good, events: good.events.toReversed() });
      await misuse({ ...good, events: good.events.slice(1) });
      await misuse({ ...good, row: { ...good.row, seq: 5 } });
      await misuse({ ...good, row: { ...good.row, tenant: 'rival' as never } });
      await misuse({ ...good, expectedSeq: 0.5 });
      await misuse(
        nextAppend(
          session,
          Array.from({ length: MAX_APPEND_EVENTS + 1 }, () => null),
        ),
      );
      const large = nextAppend(session, [null]);
      const room = MAX_APPEND_CHARS - (large.row.state?.length ?? 0);
      const withHead = (length: number): typeof good => ({
        ...large,
        events: large.events.map(event => ({ ...event, head: 'x'.repeat(length) })),
      });
      await misuse(withHead(room + 1));
      equal(await store.session(session.tenant, session.session), null);
      expectResult(await store.append(withHead(room)), { ok: true });
      took(session, large);
      await commit(
        store,
        session,
        Array.from({ length: MAX_APPEND_EVENTS }, () => null),
      );
      await rejects(store.events({ ...session, from: 1, limit: MAX_ROWS_READ + 1 }), StoreMisuse);
      await rejects(store.events({ ...session, from: 1, limit: 0 }), StoreMisuse);
      equal((await store.events({ ...session, from: 2, limit: MAX_ROWS_READ })).length, MAX_APPEND_EVENTS);
    },
  },
];
