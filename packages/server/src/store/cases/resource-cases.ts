/** Resources of the control home (R1 to R4 of `engine/resources.ts`). */
import { deepStrictEqual, equal, rejects } from 'node:assert/strict';
import {
  MAX_RESOURCE_CHANGES,
  MAX_RESOURCE_CHARS,
  type ResourceChange,
  type ResourceRow,
} from '../../engine/resources.ts';
import type { ConformanceCase } from '../conformance-case.ts';
import { ACME, entryOf, NOON, RIVAL } from '../sample.ts';
import { StoreMisuse } from '../store-error.ts';

function row(id: string, more: Partial<ResourceRow> = {}): ResourceRow {
  const version = more.version ?? 1;
  return {
    kind: 'agent',
    tenant: ACME,
    id,
    parent: null,
    version,
    createdAt: NOON,
    wakeAt: null,
    body: JSON.stringify({ id, version }),
    ...more,
  };
}

const put = (id: string, more: Partial<ResourceRow> = {}): ResourceChange => ({ op: 'put', row: row(id, more) });
const remove = (id: string, version: number): ResourceChange => ({
  op: 'remove',
  kind: 'agent',
  tenant: ACME,
  id,
  version,
});
const every = { kind: 'agent', tenant: ACME, order: 'asc', limit: 100, after: null } as const;

export const RESOURCE_CASES: readonly ConformanceCase[] = [
  {
    name: 'R1: resources are seen by their tenant and as their kind only',
    async run(fixture) {
      const { store } = fixture;
      equal(await store.changeResources([put('a1')], null), true);
      equal(await store.changeResources([put('b1', { tenant: RIVAL })], null), true);
      equal(await store.changeResources([put('v1', { kind: 'vault' })], null), true);
      const again = await fixture.reopen('abrupt');
      deepStrictEqual(await again.resource('agent', ACME, 'a1'), row('a1'));
      for (const [kind, tenant, id] of [
        ['agent', RIVAL, 'a1'],
        ['vault', ACME, 'a1'],
        ['agent', ACME, 'b1'],
        ['agent', ACME, 'none'],
      ] as const)
        equal(await again.resource(kind, tenant, id), null);
      deepStrictEqual(await again.resources(every), [row('a1')]);
      equal(await again.countResources({ kind: 'agent', tenant: ACME }), 1);
      equal(await again.countResources({ kind: 'agent', tenant: RIVAL }), 1);
      equal(await again.countResources({ kind: 'automation', tenant: RIVAL }), 0);
    },
  },
  {
    name: 'R2: of two who change a resource at once, one is told no',
    async run({ store }) {
      deepStrictEqual(await Promise.all(['x', 'y'].map(body => store.changeResources([put('a1', { body })], null))), [
        true,
        false,
      ]);
      deepStrictEqual(
        await Promise.all(['x', 'y'].map(body => store.changeResources([put('a1', { version: 2, body })], null))),
        [true, false],
      );
      for (const bad of [
        put('a1'),
        put('a1', { version: 2 }),
        put('a1', { version: 4 }),
        put('new', { version: 2 }),
        put('a1', { version: 3, tenant: RIVAL }),
        put('a1', { version: 3, kind: 'vault' }),
        put('a1', { version: 3, parent: 'p' }),
        put('a1', { version: 3, createdAt: NOON + 1 }),
        remove('a1', 1),
        remove('a1', 3),
        remove('none', 1),
        { ...remove('a1', 2), tenant: RIVAL } as ResourceChange,
        { ...remove('a1', 2), kind: 'vault' } as ResourceChange,
      ])
        equal(await store.changeResources([bad], entryOf('a1')), false);
      deepStrictEqual(await store.resource('agent', ACME, 'a1'), row('a1', { version: 2, body: 'x' }));
      deepStrictEqual(await store.audit(0, 10), []);
      equal(await store.changeResources([remove('a1', 2)], null), true);
      equal(await store.resource('agent', ACME, 'a1'), null);
      equal(await store.changeResources([put('a1', { kind: 'vault', tenant: RIVAL })], null), true);
    },
  },
  {
    name: 'R3: changes of one call are one commit, with their audit entry',
    async run(fixture) {
      const { store } = fixture;
      equal(await store.changeResources([put('a1'), put('a2', { parent: 'a1' })], entryOf('a1')), true);
      equal(await store.changeResources([put('a3'), put('a1', { version: 2 }), remove('a2', 9)], entryOf('a3')), false);
      equal(await store.changeResources([remove('a2', 1), put('a1', { version: 2, wakeAt: NOON })], null), true);
      const again = await fixture.reopen('abrupt');
      deepStrictEqual(await again.resources(every), [row('a1', { version: 2, wakeAt: NOON })]);
      deepStrictEqual(
        (await again.audit(0, 10)).map(({ subject }) => subject),
        ['a1'],
      );
    },
  },
  {
    name: 'R4: resources are listed by id, from either end, by parent too; and those that are due',
    async run({ store }) {
      const ids = ['a1', 'a2', 'a3', 'a4', 'a5'];
      for (const [i, id] of ids.toReversed().entries())
        await store.changeResources([put(id, { parent: i % 2 === 0 ? 'even' : 'odd', wakeAt: NOON + i })], null);
      await store.changeResources([put('z1', { tenant: RIVAL, wakeAt: NOON - 1 })], null);
      await store.changeResources([put('z2', { kind: 'vault', wakeAt: NOON - 1 })], null);
      const listed = async (more: object): Promise<string[]> =>
        (await store.resources({ ...every, ...more })).map(({ id }) => id);
      deepStrictEqual(await listed({}), ids);
      deepStrictEqual(await listed({ order: 'desc', limit: 2 }), ['a5', 'a4']);
      deepStrictEqual(await listed({ after: 'a2', limit: 2 }), ['a3', 'a4']);
      deepStrictEqual(await listed({ after: 'a25' }), ['a3', 'a4', 'a5']);
      deepStrictEqual(await listed({ order: 'desc', after: 'a3' }), ['a2', 'a1']);
      deepStrictEqual(await listed({ parent: 'even' }), ['a1', 'a3', 'a5']);
      deepStrictEqual(await listed({ parent: 'odd', order: 'desc', after: 'a4' }), ['a2']);
      equal(await store.countResources({ kind: 'agent', tenant: ACME, parent: 'odd' }), 2);
      const due = async (now: number, limit = 10): Promise<string[]> =>
        (await store.dueResources('agent', now, limit)).map(({ id }) => id);
      deepStrictEqual(await due(NOON - 2), []);
      deepStrictEqual(await due(NOON + 1), ['z1', 'a5', 'a4']);
      deepStrictEqual(await due(NOON + 9, 1), ['z1']);
    },
  },
  {
    name: 'R2: resources out of bounds are refused',
    async run({ store }) {
      const full = 'x'.repeat(MAX_RESOURCE_CHARS);
      const many = (count: number): ResourceChange[] => Array.from({ length: count }, (_, i) => put(`m${i}`));
      equal(await store.changeResources([put('a1', { body: full })], null), true);
      equal(await store.changeResources(many(MAX_RESOURCE_CHANGES), null), true);
      for (const bad of [
        [put('a2', { body: `${full}x` })],
        [put('a2', { version: 0 })],
        [put('a2', { kind: 'other' as 'agent' })],
        [put('a2'), put('a2', { version: 2 })],
        many(MAX_RESOURCE_CHANGES + 1),
        [],
      ])
        await rejects(store.changeResources(bad, null), StoreMisuse);
      await rejects(store.resources({ ...every, limit: 0 }), StoreMisuse);
      await rejects(store.dueResources('agent', NOON, 0), StoreMisuse);
      equal(await store.resource('agent', ACME, 'a2'), null);
    },
  },
];
