/** What is of the home rather than of a session: tenants kept apart, the outbox, documents, leases, keys, idempotency slots. */
import { deepStrictEqual, equal, rejects } from 'node:assert/strict';
import type { IdempotencyRow, IdempotencySlot, KeyRow } from '../../engine/ports.ts';
import { isStoreError } from '../../engine/ports.ts';
import { MAX_LEASE_MS } from '../bounds.ts';
import { commit, type ConformanceCase, snapshot } from '../conformance-case.ts';
import { ACME, entryOf, NOON, responseNamed, RIVAL, nextAppend, sampleSession } from '../sample.ts';
import { StoreMisuse } from '../store-error.ts';

const KEY: KeyRow = {
  id: 'key_1',
  name: 'first',
  hash: 'aa',
  prefix: 'pd_abc',
  tenant: ACME,
  channel: 'direct',
  segment: 'commercial',
  product: 'api',
  scopes: ['responses', 'admin'],
  createdAt: NOON,
  revokedAt: null,
};

export const HOME_CASES: readonly ConformanceCase[] = [
  {
    name: 'L10: a tenant sees nothing of another, on any read, and cannot write to it',
    async run({ store }) {
      const mine = sampleSession('a');
      await commit(
        store,
        mine,
        ['secret'],
        [
          { type: 'response_opened', id: responseNamed('r'), fromSeq: 1, at: 9 },
          { type: 'response_closed', id: responseNamed('r'), status: 'completed', toSeq: 1, position: 1 },
          { type: 'run_added', position: 1, count: 1, seq: 1, base: 'body' },
          { type: 'placed', seq: 1, at: 1 },
          { type: 'forked', child: 'sess_c' as never, to: 1 },
        ],
      );
      await store.release({ ...mine, call: 1, steps: '["secret"]' });
      const before = await snapshot(store, mine);
      const theirs = sampleSession('a', RIVAL);
      deepStrictEqual(await snapshot(store, theirs), {
        row: null,
        events: [],
        runs: [],
        journal: [],
        retained: { position: 0, seq: 0, forks: [] },
        placements: [],
      });
      equal(await store.response(RIVAL, responseNamed('r')), null);
      equal(await store.runByBase(RIVAL, 'body'), null);
      deepStrictEqual(await store.append(nextAppend(theirs, ['taken over'])), { ok: false, reason: 'conflict' });
      Object.assign(theirs, { seq: mine.seq, epoch: mine.epoch });
      deepStrictEqual(await store.append(nextAppend(theirs, ['taken over'])), { ok: false, reason: 'conflict' });
      equal(await store.release({ ...theirs, call: 1, steps: '["forged"]' }), false);
      deepStrictEqual(await snapshot(store, mine), before);
    },
  },
  {
    name: 'the outbox holds every event of the home once, in the order of the commits, until it is trimmed',
    async run(fixture) {
      const { store } = fixture;
      const [a, b] = [sampleSession('a'), sampleSession('b', RIVAL)];
      await commit(store, a, ['1', '2']);
      await commit(store, b, ['1']);
      await commit(store, a, ['3']);
      deepStrictEqual(
        await store.append({
          ...nextAppend(a, ['lost']),
          expectedSeq: 0,
          events: nextAppend(a, ['lost']).events.map(e => ({ ...e, seq: 1 })),
          row: { ...nextAppend(a, ['lost']).row, seq: 1 },
        }),
        {
          ok: false,
          reason: 'conflict',
        },
      );
      const stretches = async (from: typeof store, after: number, limit: number): Promise<unknown[]> =>
        (await from.outbox(after, limit)).map(({ tenant, session, fromSeq, toSeq }) => [
          tenant,
          session,
          fromSeq,
          toSeq,
        ]);
      const all = [
        [ACME, a.session, 1, 2],
        [RIVAL, b.session, 1, 1],
        [ACME, a.session, 3, 3],
      ];
      deepStrictEqual(await stretches(store, 0, 100), all);
      deepStrictEqual(await stretches(store, 0, 1), [[ACME, a.session, 1, 1]]);
      const rows = await store.outbox(0, 100);
      deepStrictEqual(await stretches(store, rows[1]?.position ?? 0, 100), all.slice(2));
      await store.outboxTrim(rows[0]?.position ?? 0);
      deepStrictEqual(await stretches(store, 0, 100), all.slice(1));
      await store.outboxTrim(0);
      deepStrictEqual(await stretches(await fixture.reopen('orderly'), 0, 100), all.slice(1));
    },
  },
  {
    name: 'heads are the envelopes of some kinds of events, in the order of the commits, and say how far was looked',
    async run(fixture) {
      const { store } = fixture;
      const [a, b] = [sampleSession('a'), sampleSession('b', RIVAL)];
      await commit(store, a, ['1', '2']);
      await commit(store, b, ['1']);
      await commit(store, a, ['3']);
      const first = await store.events({ tenant: ACME, session: a.session, from: 1, limit: 1 });
      const [event] = first;
      const code = event?.code ?? -1;
      const all = await store.heads({ codes: [code], after: 0, limit: 100 });
      const told = all.rows.map(({ tenant, session, seq }) => [tenant, session, seq]);
      deepStrictEqual(told, [
        [ACME, a.session, 1],
        [ACME, a.session, 2],
        [RIVAL, b.session, 1],
        [ACME, a.session, 3],
      ]);
      const [head] = all.rows;
      const { position: _, ...rest } = head ?? { position: 0 };
      deepStrictEqual(rest, {
        tenant: ACME,
        session: a.session,
        kind: 'responses',
        seq: 1,
        at: event?.at,
        actor: event?.actor,
        code,
        version: event?.version,
        head: event?.head,
      });
      const part = await store.heads({ codes: [code], after: 0, limit: 3 });
      deepStrictEqual(part.rows, all.rows.slice(0, 3));
      const left = await store.heads({ codes: [code], after: part.to, limit: 100 });
      deepStrictEqual(left, { rows: all.rows.slice(3), to: all.to });
      // Of another kind there are none, and all was looked at.
      deepStrictEqual(await store.heads({ codes: [code + 1], after: 0, limit: 1 }), { rows: [], to: all.to });
      deepStrictEqual(await store.heads({ codes: [code], after: all.to, limit: 1 }), { rows: [], to: all.to });
      await rejects(store.heads({ codes: [code], after: 0, limit: 0 }), StoreMisuse);
      await store.outboxTrim(all.to);
      deepStrictEqual(await store.heads({ codes: [code], after: 0, limit: 100 }), all);
      deepStrictEqual(await (await fixture.reopen('orderly')).heads({ codes: [code], after: 0, limit: 100 }), all);
    },
  },
  {
    name: 'a document is kept once and stays what it was first',
    async run(fixture) {
      await fixture.store.putDocument('d1', 'text');
      await fixture.store.putDocument('d1', 'text');
      equal(await fixture.store.document('d1'), 'text');
      equal(await fixture.store.document('d2'), null);
      equal(await (await fixture.reopen('abrupt')).document('d1'), 'text');
    },
  },
  {
    name: 'L3: a lease lasts by the monotonic clock; a wall clock that is set does not change it',
    async run({ store, clock }) {
      equal(await store.ownerRemaining('proc_1'), 0);
      await store.renew('proc_1', 10_000);
      equal(await store.ownerRemaining('proc_1'), 10_000);
      clock.wall += 3_600_000;
      clock.monotonic += 4000;
      equal(await store.ownerRemaining('proc_1'), 6000);
      await store.renew('proc_1', 10_000);
      clock.monotonic += 10_001;
      equal(await store.ownerRemaining('proc_1'), 0);
      equal(await store.ownerRemaining('proc_2'), 0);
      await rejects(store.renew('proc_1', MAX_LEASE_MS + 1), StoreMisuse);
      await store.renew('proc_1', MAX_LEASE_MS);
    },
  },
  {
    name: 'the lease of another process is known from its row, and never lasts longer than it was given',
    async run(fixture) {
      await fixture.store.renew('proc_1', 10_000);
      const other = await fixture.reopen('abrupt');
      fixture.clock.wall += 4000;
      equal(await other.ownerRemaining('proc_1'), 6000);
      fixture.clock.wall -= 3_600_000;
      equal(await other.ownerRemaining('proc_1'), 10_000);
      fixture.clock.wall += 7_200_000;
      equal(await other.ownerRemaining('proc_1'), 0);
    },
  },
  {
    name: 'keys are put, found by hash, listed, and revoked once',
    async run({ store }) {
      await store.putKey(KEY, entryOf('key_1'));
      await store.putKey({ ...KEY, id: 'key_2', hash: 'bb', createdAt: NOON + 1 }, entryOf('key_2'));
      deepStrictEqual(await store.keyByHash('aa'), KEY);
      const signing = { accessKeyId: 'PDRAKEY', sealed: 'pdk1.x' };
      await store.putKey({ ...KEY, id: 'key_3', hash: 'dd', createdAt: NOON + 2, signing }, entryOf('key_3'));
      deepStrictEqual((await store.keyByHash('dd'))?.signing, signing);
      equal(await store.keyByHash('cc'), null);
      deepStrictEqual(
        (await store.keys()).map(key => key.id),
        ['key_1', 'key_2', 'key_3'],
      );
      equal(await store.revokeKey('key_1', NOON + 5, entryOf('key_1')), true);
      equal(await store.revokeKey('key_1', NOON + 6, entryOf('key_1')), false);
      equal(await store.revokeKey('key_9', NOON + 6, entryOf('key_9')), false);
      deepStrictEqual(await store.keyByHash('aa'), { ...KEY, revokedAt: NOON + 5 });
      deepStrictEqual(
        (await store.audit(0, 10)).map(({ subject }) => subject),
        ['key_1', 'key_2', 'key_3', 'key_1'],
      );
    },
  },
  {
    name: 'an idempotency slot is taken by one, attaches others, expires, and can be given back',
    async run(fixture) {
      const { store } = fixture;
      const slot: IdempotencySlot = { tenant: ACME, principal: 'p', route: 'POST /v1/responses', key: 'k' };
      const row = (id: string, createdAt: number): IdempotencyRow => ({
        bodyDigest: `digest of ${id}`,
        id,
        createdAt,
        done: false,
      });
      const taken = await Promise.all(['1', '2', '3'].map(id => store.reserve(slot, row(id, NOON), 0)));
      deepStrictEqual(taken, ['reserved', row('1', NOON), row('1', NOON)]);
      for (const other of [{ tenant: RIVAL }, { principal: 'q' }, { route: 'r' }, { key: 'l' }]) {
        equal(await store.reserve({ ...slot, ...other }, row('x', NOON), 0), 'reserved');
      }
      // Of another id: it is not his.
      await store.settle(slot, '2', 'release');
      await store.settle(slot, '2', 'done');
      deepStrictEqual(await store.reserve(slot, row('3', NOON), 0), row('1', NOON));
      await store.settle(slot, '1', 'done');
      const again = await fixture.reopen('orderly');
      deepStrictEqual(await again.reserve(slot, row('4', NOON), NOON), { ...row('1', NOON), done: true });
      equal(await again.reserve(slot, row('5', NOON + 9), NOON + 1), 'reserved');
      deepStrictEqual(await again.reserve(slot, row('6', NOON + 9), NOON + 1), row('5', NOON + 9));
      await again.settle(slot, '5', 'release');
      equal(await again.reserve(slot, row('7', NOON + 9), 0), 'reserved');
    },
  },
  {
    name: 'a sound store finds nothing wrong with itself; a closed one answers nothing',
    async run({ store }) {
      const session = sampleSession('a');
      await commit(store, session, ['1', '2'], [{ type: 'run_added', position: 1, count: 2, seq: 1, base: null }]);
      deepStrictEqual(await store.check(), []);
      await store.close();
      await store.close();
      await rejects(store.session(ACME, session.session), isStoreError);
      await rejects(store.append(nextAppend(session, ['3'])), isStoreError);
    },
  },
];
