import * as fc from 'fast-check';
import { type AuditFilters, type AuditResource, parseAuditQuery } from '@perdure/protocol';
import { expect, test } from 'vitest';
import type { AuditRow } from '../../engine/control-records.ts';
import type { Viewer } from '../../http/perdure/govern-view.ts';
import { auditDigest, auditEntry } from './audit.ts';
import { AUDIT_LOOKED_AT, type AuditDeskDeps, auditPage, NO_LEAVES } from './audit-desk.ts';
import { auditor, booted, ops, second } from './world.test-support.ts';

const OPS: Viewer = { principal: 'key_ops', tenant: 'local', all: true };
const ACME: Viewer = { principal: 'key_acme', tenant: 'acme', all: false };
const KEYS = [
  { id: 'key_a', name: 'ann', tenant: 'acme' },
  { id: 'key_o', name: 'olga', tenant: 'local' },
];

interface Changed {
  readonly at?: number;
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly tenant?: string | null;
}

function rowsOf(changes: readonly Changed[]): readonly AuditRow[] {
  return changes.map((change, at) => ({
    ...auditEntry({ at: 0, actor: 'local', action: 'key.created', subject: 's', tenant: null, body: {}, ...change }),
    position: at + 1,
  }));
}

function deskOver(rows: readonly AuditRow[], leaves: AuditDeskDeps['leaves'] = NO_LEAVES): AuditDeskDeps {
  return {
    store: {
      audit: (after, limit) => Promise.resolve(rows.filter(({ position }) => position > after).slice(0, limit)),
      keys: () => Promise.resolve(KEYS as never),
    },
    config: { keys: [{ name: 'boss', tenant: 'acme' }] as never },
    leaves,
  };
}

async function all(deps: AuditDeskDeps, who: Viewer, filters: AuditFilters, limit = 1000): Promise<AuditResource[]> {
  const found: AuditResource[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page: Awaited<ReturnType<typeof auditPage>> = await auditPage(deps, who, { ...filters, limit, after });
    expect(page.data.length).toBeLessThanOrEqual(limit);
    found.push(...page.data);
    after = page.next;
  }
  return found;
}

const positions = async (filters: AuditFilters, rows: readonly AuditRow[]): Promise<readonly number[]> =>
  (await all(deskOver(rows), OPS, filters)).map(({ position }) => position);

test('each filter takes what it names and nothing beside it', async () => {
  const day = Date.UTC(2026, 2, 20);
  const rows = rowsOf([
    { action: 'key.created', actor: 'key:key_a', subject: 'key_1', at: day - 1 },
    { action: 'key.revoked', actor: 'key:key_o', subject: 'key_1', at: day },
    { action: 'keys.rotated', actor: 'local', subject: 'key_2', at: day + 1 },
    { action: 'waiver.granted', actor: 'config', subject: 'wvr_1', at: day + 86_400_000 },
  ]);
  expect(await positions({}, rows)).toEqual([1, 2, 3, 4]);
  expect(await positions({ kind: 'key' }, rows)).toEqual([1, 2]);
  expect(await positions({ kind: 'key.revoked' }, rows)).toEqual([2]);
  expect(await positions({ kind: 'ke' }, rows)).toEqual([]);
  expect(await positions({ actor: 'key_a' }, rows)).toEqual([1]);
  expect(await positions({ actor: 'key:key_o' }, rows)).toEqual([2]);
  expect(await positions({ actor: 'local' }, rows)).toEqual([3]);
  expect(await positions({ subject: 'key_1' }, rows)).toEqual([1, 2]);
  expect(await positions({ from: '2026-03-20' }, rows)).toEqual([2, 3, 4]);
  expect(await positions({ to: '2026-03-20' }, rows)).toEqual([1]);
  expect(await positions({ from: '2026-03-20', to: '2026-03-21', kind: 'key' }, rows)).toEqual([2]);
});

test('L10: a tenant sees its own and what is nobody’s, and names of its own keys alone', async () => {
  const rows = rowsOf([
    { tenant: 'acme', actor: 'key:key_a' },
    { tenant: 'other', actor: 'key:key_a' },
    { tenant: null, actor: 'key:key_o' },
    { tenant: 'acme', actor: 'key:config:boss' },
    { tenant: null, actor: 'config' },
  ]);
  const seen = async (who: Viewer) =>
    (await all(deskOver(rows), who, {})).map(({ position, actor_name: name }) => [position, name]);
  expect(await seen(ACME)).toEqual([
    [1, 'ann'],
    [3, null],
    [4, 'boss'],
    [5, null],
  ]);
  expect(await seen(OPS)).toEqual([
    [1, 'ann'],
    [2, 'ann'],
    [3, 'olga'],
    [4, 'boss'],
    [5, null],
  ]);
});

test('leaves are asked for what is shown, and told by entry', async () => {
  const rows = rowsOf([{ subject: 'a' }, { subject: 'b' }, { subject: 'a' }]);
  const leaves: AuditDeskDeps['leaves'] = asked =>
    Promise.resolve(asked.map(({ position }) => (position === 1 ? 40 : null)));
  const shown = await all(deskOver(rows, leaves), OPS, { subject: 'a' });
  expect(shown.map(({ position, leaf }) => [position, leaf])).toEqual([
    [1, 40],
    [3, null],
  ]);
});

test('one request looks at so many entries and no more, and says where to go on', async () => {
  const rows = rowsOf(
    Array.from({ length: AUDIT_LOOKED_AT + 1 }, (_, at) => ({ subject: at < AUDIT_LOOKED_AT ? 'x' : 'y' })),
  );
  const first = await auditPage(deskOver(rows), OPS, { subject: 'y', limit: 10, after: 0 });
  expect(first).toEqual({ object: 'list', data: [], has_more: true, next: AUDIT_LOOKED_AT });
  const last = await auditPage(deskOver(rows), OPS, { subject: 'y', limit: 10, after: first.next ?? 0 });
  expect([last.data.length, last.next]).toEqual([1, null]);
  const fewer = rows.slice(1);
  expect((await auditPage(deskOver(fewer), OPS, { subject: 'y', limit: 10, after: 0 })).next).toBe(AUDIT_LOOKED_AT + 1);
  const fits = deskOver(rows.slice(2));
  expect(await auditPage(fits, OPS, { subject: 'y', limit: 10, after: 0 })).toMatchObject({
    data: [{ subject: 'y' }],
    next: null,
  });
});

test('pages of any length, put together, are what the filter takes of the whole', async () => {
  const change = fc.record({
    at: fc.integer({ min: 0, max: 3 }).map(day => Date.UTC(2026, 2, 20 + day)),
    actor: fc.constantFrom('local', 'key:key_a'),
    action: fc.constantFrom('key.created', 'hold.placed'),
    subject: fc.constantFrom('a', 'b'),
    tenant: fc.constantFrom(null, 'acme', 'other'),
  });
  const filters = fc.record(
    {
      kind: fc.constantFrom('key', 'hold.placed'),
      actor: fc.constantFrom('key_a', 'local'),
      subject: fc.constantFrom('a', 'b'),
      from: fc.constant('2026-03-21'),
      to: fc.constant('2026-03-22'),
    },
    { requiredKeys: [] },
  );
  const taken = fc.array(change, { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(taken, filters, fc.integer({ min: 1, max: 7 }), fc.boolean(), async (made, by, limit, every) => {
      const rows = rowsOf(made);
      const who = every ? OPS : ACME;
      const wanted = rows.filter(
        row =>
          (every || row.tenant !== 'other') &&
          (by.kind === undefined || [by.kind, `${by.kind}.created`].includes(row.action)) &&
          (by.actor === undefined || row.actor.endsWith(by.actor)) &&
          (by.subject === undefined || row.subject === by.subject) &&
          (by.from === undefined || row.at >= Date.UTC(2026, 2, 21)) &&
          (by.to === undefined || row.at < Date.UTC(2026, 2, 22)),
      );
      const found = await all(deskOver(rows), who, by, limit);
      expect(found.map(({ position }) => position)).toEqual(wanted.map(({ position }) => position));
    }),
  );
});

test('the query has its bounds', () => {
  const read = (query: { readonly [name: string]: string | string[] }) =>
    parseAuditQuery(Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat()])));
  expect(read({})).toEqual({ ok: true, value: { limit: 100, after: 0 } });
  for (const good of [
    { limit: '1' },
    { limit: '1000' },
    { after: '999999999999999' },
    { kind: 'a_1.b' },
    { actor: 'x'.repeat(256) },
  ])
    expect([good, read(good).ok]).toEqual([good, true]);
  for (const bad of [
    { limit: '0' },
    { limit: '1001' },
    { after: '-1' },
    { after: 'x' },
    { after: '1'.repeat(16) },
    { kind: 'Key' },
    { kind: 'a.b.c' },
    { kind: 'k'.repeat(65) },
    { actor: '' },
    { actor: 'x'.repeat(257) },
    { subject: 'x'.repeat(257) },
    { from: '2026-02-30' },
    { to: 'soon' },
    { kind: ['key', 'hold'] },
  ])
    expect([bad, read(bad).ok]).toEqual([bad, false]);
});

test('every change is in the audit, in order, with a digest that anybody can compute; tenants see their own', async () => {
  const { desk } = await booted();
  const { id } = await desk.grantWaiver(ops, {
    contract: 'openai-2026-02',
    clause: 'joint.stateless',
    tenant: 'acme',
    until: '2026-03-30',
    reason: 'x',
  });
  await desk.decideWaiver(second, id, 'revoke');
  await desk.recordEvent(ops, { event: 'ipo-filed', date: '2026-03-19', source: 's' });
  const all = { limit: 100, after: 0 };
  const { data: rows } = await desk.audit(ops, all);
  expect(rows.map(({ action, actor }) => `${actor} ${action}`)).toEqual([
    'config settings.requested',
    'config activation.requested',
    'key:key_ops waiver.granted',
    'key:key_second waiver.revoked',
    'key:key_ops event.recorded',
  ]);
  for (const { at, actor, action, subject, tenant, body, digest } of rows)
    expect(auditDigest(at, actor, action, subject, tenant, body)).toBe(digest);
  expect((await desk.audit({ ...auditor, tenant: 'other' }, all)).data.map(({ action }) => action)).toEqual([
    'settings.requested',
    'activation.requested',
    'event.recorded',
  ]);
  const page = await desk.audit(ops, { limit: 3, after: 0 });
  expect([page.data.length, page.has_more, page.next]).toEqual([3, true, page.data.at(-1)?.position]);
  expect(await desk.audit(ops, { limit: 2, after: page.next ?? 0 })).toMatchObject({ has_more: false, next: null });
});
