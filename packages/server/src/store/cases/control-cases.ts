/** Records of the control home and their audit (C1 to C3), and the sessions that live. */
import { deepStrictEqual, equal, rejects } from 'node:assert/strict';
import type { ControlRecord } from '../../engine/control-records.ts';
import { MAX_RECORD_CHARS } from '../bounds.ts';
import { commit, type ConformanceCase } from '../conformance-case.ts';
import { ACME, entryOf, RIVAL, sampleSession } from '../sample.ts';
import { StoreMisuse } from '../store-error.ts';

function record(id: string, version = 1, more: Partial<ControlRecord> = {}): ControlRecord {
  return { kind: 'waiver', id, tenant: null, version, body: JSON.stringify({ id, version }), ...more };
}

export const CONTROL_CASES: readonly ConformanceCase[] = [
  {
    name: 'C1: a record and its audit entry are kept together, in the order of the commits',
    async run(fixture) {
      const { store } = fixture;
      equal(await store.auditPosition(), 0);
      equal(await store.putRecord(record('w2'), entryOf('w2', 'waiver.granted')), true);
      equal(await store.putRecord(record('w1', 1, { tenant: ACME }), entryOf('w1')), true);
      equal(await store.putRecord(record('a1', 1, { kind: 'activation' }), entryOf('a1')), true);
      equal(await store.putRecord(record('w2', 2), entryOf('w2', 'waiver.revoked')), true);
      const again = await fixture.reopen('abrupt');
      deepStrictEqual(await again.records('waiver'), [record('w2', 2), record('w1', 1, { tenant: ACME })]);
      deepStrictEqual(await again.records('activation'), [record('a1', 1, { kind: 'activation' })]);
      deepStrictEqual(await again.records('contract_event'), []);
      const rows = await again.audit(0, 10);
      deepStrictEqual(
        rows.map(({ subject, action }) => [subject, action]),
        [
          ['w2', 'waiver.granted'],
          ['w1', 'sample.changed'],
          ['a1', 'sample.changed'],
          ['w2', 'waiver.revoked'],
        ],
      );
      const [first, second] = rows;
      const { position: _, ...entry } = { ...first };
      deepStrictEqual(entry, entryOf('w2', 'waiver.granted'));
      equal(await again.auditPosition(), rows.at(-1)?.position);
      deepStrictEqual(await again.audit(first?.position ?? 0, 1), [second]);
    },
  },
  {
    name: 'C2: of two who change a record at once, one is told no, and leaves nothing',
    async run({ store }) {
      const made = await Promise.all(['1', '2'].map(() => store.putRecord(record('w'), entryOf('w'))));
      deepStrictEqual(made, [true, false]);
      const changed = await Promise.all(
        ['one', 'two'].map(body => store.putRecord(record('w', 2, { body }), entryOf('w'))),
      );
      deepStrictEqual(changed, [true, false]);
      for (const bad of [
        record('w', 2),
        record('w', 4),
        record('new', 2),
        record('w', 3, { kind: 'activation' }),
        record('w', 3, { tenant: ACME }),
      ])
        equal(await store.putRecord(bad, entryOf(bad.id)), false);
      deepStrictEqual(await store.records('waiver'), [record('w', 2, { body: 'one' })]);
      deepStrictEqual(await store.records('activation'), []);
      equal((await store.audit(0, 10)).length, 2);
    },
  },
  {
    name: 'C3: positions of the audit grow with the commits, whatever is committed beside',
    async run({ store }) {
      const ids = Array.from({ length: 20 }, (_, i) => `w${i}`);
      await Promise.all(
        ids.map(async (id, i) => {
          if (i % 3 === 0) await commit(store, sampleSession(`beside-${i}`), ['x']);
          equal(await store.putRecord(record(id), entryOf(id)), true);
        }),
      );
      const positions = (await store.audit(0, 100)).map(row => row.position);
      equal(positions.length, ids.length);
      deepStrictEqual(
        positions,
        positions.toSorted((a, b) => a - b),
      );
      equal(new Set(positions).size, ids.length);
    },
  },
  {
    name: 'a record has its bounds, and an entry is of its record',
    async run({ store }) {
      const full = 'x'.repeat(MAX_RECORD_CHARS);
      equal(await store.putRecord(record('w', 1, { body: full }), entryOf('w')), true);
      await rejects(store.putRecord(record('v', 1, { body: `${full}x` }), entryOf('v')), StoreMisuse);
      await rejects(store.putRecord(record('v'), { ...entryOf('v'), body: `${full}x` }), StoreMisuse);
      await rejects(store.putRecord(record('v'), entryOf('other')), StoreMisuse);
      await rejects(store.putRecord(record('v', 0), entryOf('v')), StoreMisuse);
      await rejects(store.putRecord({ ...record('v'), kind: 'other' as 'waiver' }, entryOf('v')), StoreMisuse);
      equal((await store.records('waiver')).length, 1);
    },
  },
  {
    name: 'the living are the sessions of all tenants that hold state and have not ended, page by page',
    async run({ store }) {
      await commit(store, sampleSession('c'), ['1']);
      await commit(store, sampleSession('a', RIVAL), ['1']);
      await commit(store, sampleSession('b'), ['1'], [], { kind: 'conversation' });
      await commit(store, sampleSession('d'), ['1'], [], { ended: true });
      await commit(store, sampleSession('e'), ['1'], [], { kind: 'stateless' });
      const first = await store.living(null, 2);
      deepStrictEqual(
        first.map(({ session, tenant }) => [session, tenant]),
        [
          ['sess_a', RIVAL],
          ['sess_b', ACME],
        ],
      );
      const rest = await store.living(first.at(-1)?.session ?? null, 2);
      deepStrictEqual(
        rest.map(({ session }) => session),
        ['sess_c'],
      );
    },
  },
];
