/** Released steps: kept before they are shown, gone when they are folded in. */
import { deepStrictEqual, equal, rejects } from 'node:assert/strict';
import { MAX_RELEASE_CHARS } from '../bounds.ts';
import { commit, type ConformanceCase } from '../conformance-case.ts';
import { nextAppend, took, sampleSession } from '../sample.ts';
import { StoreMisuse } from '../store-error.ts';

export const JOURNAL_CASES: readonly ConformanceCase[] = [
  {
    name: 'L2: a release that was answered is there when the store is opened again',
    async run(fixture) {
      const session = sampleSession('a');
      await commit(fixture.store, session, ['one']);
      for (const steps of ['["a"]', '["b"]']) equal(await fixture.store.release({ ...session, call: 1, steps }), true);
      const again = await fixture.reopen('abrupt');
      deepStrictEqual(await again.journal(session.tenant, session.session), [
        { call: 1, steps: '["a"]' },
        { call: 1, steps: '["b"]' },
      ]);
    },
  },
  {
    name: 'releases of many sessions keep their own order and do not mix',
    async run({ store }) {
      const sessions = Array.from({ length: 30 }, (_, i) => sampleSession(`s${i}`));
      await Promise.all(sessions.map(session => commit(store, session, ['one'])));
      const releases: Promise<boolean>[] = [];
      for (let round = 0; round < 10; round++) {
        for (const session of sessions)
          releases.push(store.release({ ...session, call: round, steps: JSON.stringify([session.session, round]) }));
      }
      for (const kept of await Promise.all(releases)) equal(kept, true);
      for (const { tenant, session } of sessions) {
        const expected = Array.from({ length: 10 }, (_, call) => ({ call, steps: JSON.stringify([session, call]) }));
        deepStrictEqual(await store.journal(tenant, session), expected);
      }
    },
  },
  {
    name: 'a pruning append removes the steps of its session and no others, also after the store was opened again',
    async run(fixture) {
      const [mine, other] = [sampleSession('a'), sampleSession('b')];
      await commit(fixture.store, mine, ['one']);
      await commit(fixture.store, other, ['one']);
      await fixture.store.release({ ...mine, call: 1, steps: '["a"]' });
      await fixture.store.release({ ...other, call: 1, steps: '["b"]' });
      const store = await fixture.reopen('orderly');
      await store.release({ ...mine, call: 1, steps: '["c"]' });
      const append = { ...nextAppend(mine, ['two']), prune: true };
      deepStrictEqual(await store.append(append), { ok: true });
      took(mine, append);
      deepStrictEqual(await store.journal(mine.tenant, mine.session), []);
      deepStrictEqual(await store.journal(other.tenant, other.session), [{ call: 1, steps: '["b"]' }]);
      equal(await store.release({ ...mine, call: 2, steps: '["d"]' }), true);
      deepStrictEqual(await store.journal(mine.tenant, mine.session), [{ call: 2, steps: '["d"]' }]);
    },
  },
  {
    name: 'a pruning append that loses prunes nothing',
    async run({ store }) {
      const session = sampleSession('a');
      await commit(store, session, ['one'], [{ type: 'response_opened', id: 'resp_x' as never, fromSeq: 1, at: 9 }]);
      await store.release({ ...session, call: 1, steps: '["a"]' });
      const again = nextAppend(
        session,
        ['two'],
        [{ type: 'response_opened', id: 'resp_x' as never, fromSeq: 2, at: 9 }],
      );
      deepStrictEqual(await store.append({ ...again, prune: true }), { ok: false, reason: 'response_exists' });
      deepStrictEqual(
        await store.append({
          ...again,
          expectedSeq: 0,
          events: again.events.map(e => ({ ...e, seq: 1 })),
          row: { ...again.row, seq: 1 },
          prune: true,
        }),
        {
          ok: false,
          reason: 'conflict',
        },
      );
      deepStrictEqual(await store.journal(session.tenant, session.session), [{ call: 1, steps: '["a"]' }]);
    },
  },
  {
    name: 'a release to a session that is not there, or is too large, is not kept',
    async run({ store }) {
      const session = sampleSession('a');
      equal(await store.release({ ...session, epoch: 1, call: 1, steps: '[]' }), false);
      await commit(store, session, ['one']);
      await rejects(store.release({ ...session, call: 1, steps: 'x'.repeat(MAX_RELEASE_CHARS + 1) }), StoreMisuse);
      deepStrictEqual(await store.journal(session.tenant, session.session), []);
      equal(await store.release({ ...session, call: 1, steps: 'x'.repeat(MAX_RELEASE_CHARS) }), true);
    },
  },
];
