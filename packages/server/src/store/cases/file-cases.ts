/** Rows of files (F1 to F3 of `engine/files/rows.ts`). */
import { deepStrictEqual, equal, rejects } from 'node:assert/strict';
import type { FileContent, FileRow } from '../../engine/files/rows.ts';
import { commit, type ConformanceCase } from '../conformance-case.ts';
import { ACME, NOON, RIVAL, sampleSession } from '../sample.ts';
import { StoreMisuse } from '../store-error.ts';

/** What `row` says of itself, and its bytes. */
const content = ({ purpose, filename, expiresAt }: FileRow): FileContent => ({
  bytes: 10,
  chunks: 2,
  digest: 'd'.repeat(64),
  type: 'text/plain',
  purpose,
  filename,
  expiresAt,
});
const AMPLE = { bytes: 1_000_000, files: 1_000 };

function row(id: string, more: Partial<FileRow> = {}): FileRow {
  return {
    id,
    tenant: ACME,
    owner: null,
    purpose: 'user_data',
    filename: `${id}-ä.txt`,
    type: '',
    labels: ['restricted'],
    createdAt: NOON,
    expiresAt: null,
    bytes: 0,
    chunks: 8,
    digest: '',
    status: 'pending',
    ...more,
  };
}

const all = { tenant: ACME, purpose: null, order: 'asc', limit: 100, after: null, now: NOON } as const;
const settled = { now: NOON, begunBefore: NOON, limit: 100 } as const;

export const FILE_CASES: readonly ConformanceCase[] = [
  {
    name: 'F1: a file is found by the next handle, pending or ready, as it was told',
    async run(fixture) {
      const { store } = fixture;
      equal(await store.putFile(row('file-a')), true);
      equal(await store.putFile(row('file-b', { expiresAt: NOON + 1 })), true);
      equal(await store.putFile(row('file-a', { filename: 'other' })), false);
      deepStrictEqual(await store.file(ACME, 'file-a'), row('file-a'));
      equal(await store.finishFile(ACME, 'file-a', content(row('file-a')), AMPLE), 'done');
      equal(await store.finishFile(ACME, 'file-a', content(row('file-a')), AMPLE), 'absent');
      const again = await fixture.reopen('abrupt');
      deepStrictEqual(await again.file(ACME, 'file-a'), {
        ...row('file-a'),
        ...content(row('file-a')),
        status: 'ready',
      });
      deepStrictEqual(await again.file(ACME, 'file-b'), row('file-b', { expiresAt: NOON + 1 }));
      deepStrictEqual(
        (await again.files(all)).map(({ id }) => id),
        ['file-a'],
      );
    },
  },
  {
    name: 'L10: a file of another tenant is as one that is not',
    async run({ store }) {
      await store.putFile(row('file-a'));
      equal(await store.finishFile(RIVAL, 'file-a', content(row('file-a')), AMPLE), 'absent');
      await store.finishFile(ACME, 'file-a', content(row('file-a')), AMPLE);
      equal(await store.file(RIVAL, 'file-a'), null);
      deepStrictEqual(await store.files({ ...all, tenant: RIVAL }), []);
      equal(await store.doomFile(RIVAL, 'file-a'), false);
      await store.forgetFile(RIVAL, 'file-a');
      equal((await store.file(ACME, 'file-a'))?.status, 'ready');
    },
  },
  {
    name: 'a tenant holds what its quota allows, and not a byte or a file more',
    async run({ store }) {
      for (const id of ['file-a', 'file-b', 'file-c']) await store.putFile(row(id));
      await store.putFile(row('file-z', { tenant: RIVAL }));
      equal(await store.finishFile(RIVAL, 'file-z', content(row('file-z')), AMPLE), 'done');
      equal(await store.finishFile(ACME, 'file-a', content(row('file-a')), { bytes: 10, files: 1 }), 'done');
      equal(await store.finishFile(ACME, 'file-b', content(row('file-b')), { bytes: 19, files: 2 }), 'too_much');
      equal(await store.finishFile(ACME, 'file-b', content(row('file-b')), { bytes: 20, files: 1 }), 'too_many');
      equal(await store.finishFile(ACME, 'file-b', content(row('file-b')), { bytes: 20, files: 2 }), 'done');
      await store.doomFile(ACME, 'file-a');
      equal(await store.finishFile(ACME, 'file-c', content(row('file-c')), { bytes: 20, files: 2 }), 'done');
    },
  },
  {
    name: 'files are listed by id, both ways, by purpose, page by page, without what expired or is owned',
    async run({ store }) {
      const owner = { session: sampleSession('s').session, seq: 1 };
      for (const one of [
        row('file-a'),
        row('file-b', { purpose: 'vision' }),
        row('file-c', { expiresAt: NOON }),
        row('file-d', { expiresAt: NOON + 1 }),
        row('file-e', { owner }),
      ]) {
        await store.putFile(one);
        await store.finishFile(ACME, one.id, content(one), AMPLE);
      }
      const ids = async (more: object): Promise<readonly string[]> =>
        (await store.files({ ...all, ...more })).map(({ id }) => id);
      deepStrictEqual(await ids({}), ['file-a', 'file-b', 'file-d']);
      deepStrictEqual(await ids({ order: 'desc' }), ['file-d', 'file-b', 'file-a']);
      deepStrictEqual(await ids({ purpose: 'vision' }), ['file-b']);
      deepStrictEqual(await ids({ limit: 1, after: 'file-a' }), ['file-b']);
      deepStrictEqual(await ids({ order: 'desc', after: 'file-c' }), ['file-b', 'file-a']);
      await rejects(store.files({ ...all, limit: 0 }), StoreMisuse);
    },
  },
  {
    name: 'F2: what is doomed is seen by nobody, says nothing of itself, and is swept until it is forgotten',
    async run(fixture) {
      const { store } = fixture;
      await store.putFile(row('file-a'));
      await store.finishFile(ACME, 'file-a', content(row('file-a')), AMPLE);
      await store.forgetFile(ACME, 'file-a');
      equal(await store.doomFile(ACME, 'file-a'), true);
      equal(await store.doomFile(ACME, 'file-a'), false);
      const again = await fixture.reopen('abrupt');
      equal(await again.file(ACME, 'file-a'), null);
      deepStrictEqual(await again.files(all), []);
      const [left] = await again.unsettledFiles(settled);
      const gone = { purpose: '', filename: '', type: '', labels: [], digest: '', bytes: 0 };
      deepStrictEqual(left, { ...row('file-a'), ...gone, chunks: 2, status: 'doomed' });
      await again.forgetFile(ACME, 'file-a');
      deepStrictEqual(await again.unsettledFiles(settled), []);
      equal(await again.putFile(row('file-a')), true);
    },
  },
  {
    name: 'F4: what is hidden is seen by nobody, keeps what it says, counts no more, and is shown apart, page by page',
    async run(fixture) {
      const { store } = fixture;
      const ids = ['file-c', 'file-a', 'file-b'];
      for (const [index, id] of ids.entries()) {
        // Two of one moment.
        const one = row(id, { createdAt: NOON + Math.min(index, 1) });
        await store.putFile(one);
        equal(await store.hideFile(ACME, id), false);
        await store.finishFile(ACME, id, content(one), AMPLE);
        equal(await store.hideFile(RIVAL, id), false);
        equal(await store.hideFile(ACME, id), true);
        equal(await store.hideFile(ACME, id), false);
      }
      const again = await fixture.reopen('abrupt');
      equal(await again.file(ACME, 'file-a'), null);
      deepStrictEqual(await again.files(all), []);
      deepStrictEqual(await again.unsettledFiles({ ...settled, begunBefore: NOON + 9 }), []);
      await again.putFile(row('file-d'));
      equal(await again.finishFile(ACME, 'file-d', content(row('file-d')), { bytes: 10, files: 1 }), 'done');
      const [first, second] = await again.hiddenFiles({ after: null, limit: 2 });
      deepStrictEqual(first, { ...row('file-c'), ...content(row('file-c')), status: 'hidden' });
      equal(second?.id, 'file-a');
      const rest = await again.hiddenFiles({ after: second, limit: 2 });
      deepStrictEqual(
        rest.map(({ id }) => id),
        ['file-b'],
      );
      await rejects(again.hiddenFiles({ after: null, limit: 0 }), StoreMisuse);
      await again.forgetFile(ACME, 'file-a');
      equal(await again.doomFile(ACME, 'file-a'), true);
      deepStrictEqual(
        (await again.hiddenFiles({ after: null, limit: 9 })).map(({ id }) => id),
        ['file-c', 'file-b'],
      );
      equal((await again.unsettledFiles(settled))[0]?.digest, '');
    },
  },
  {
    name: 'F1: what was begun and never finished is swept, and what has expired',
    async run({ store }) {
      await store.putFile(row('file-old', { createdAt: NOON - 1 }));
      await store.putFile(row('file-new'));
      for (const [id, expiresAt] of [
        ['file-over', NOON],
        ['file-stays', NOON + 1],
      ] as const) {
        const one = row(id, { createdAt: NOON - 1 });
        await store.putFile(one);
        await store.finishFile(ACME, id, { ...content(one), expiresAt }, AMPLE);
      }
      const swept = (await store.unsettledFiles(settled)).map(({ id }) => id);
      deepStrictEqual(swept.toSorted(), ['file-old', 'file-over']);
      equal((await store.unsettledFiles({ ...settled, limit: 1 })).length, 1);
    },
  },
  {
    name: 'F3: what a payload owns is doomed with it, in the same commit, and nothing else',
    async run({ store }) {
      const session = sampleSession('s');
      for (const seq of [1, 2, 3])
        await store.putFile(row(`${seq}`, { owner: { session: session.session, seq }, digest: 'd'.repeat(64) }));
      await store.putFile(row('other', { owner: { session: sampleSession('t').session, seq: 2 } }));
      await commit(store, session, ['one', 'two', 'three']);
      await commit(store, session, [null], [{ type: 'payloads_erased', after: 1, before: 3 }]);
      const found = await Promise.all(['1', '2', '3', 'other'].map(id => store.file(ACME, id)));
      deepStrictEqual(
        found.map(one => one?.id ?? null),
        ['1', null, '3', 'other'],
      );
    },
  },
];
