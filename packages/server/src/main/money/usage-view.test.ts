/** L10: whose usage a key may see. */
import { describe, expect, it } from 'vitest';
import { type Caller, EVERY_TENANT } from '../../engine/caller.ts';
import type { UsageCursor, UsagePage, UsageWindow } from '../../engine/usage.ts';
import type { HomeId, TenantId } from '../../kernel/ids.ts';
import { CALL } from '../../money/rows.test-support.ts';
import { GROUPS_MOST } from '../../money/totals.ts';
import type { PlacementRecord } from '../../placement/record.ts';
import { termsOf } from './terms.ts';
import { eventDays, makeUsageView, statementOf } from './usage-view.ts';

const [acme, rival] = ['acme' as TenantId, 'rival' as TenantId];
const caller = (...scopes: readonly string[]): Caller => ({
  tenant: acme,
  principal: 'k',
  product: 'api',
  channel: 'direct',
  segment: 'commercial',
  scopes,
});
const cursor: UsageCursor = { home: 'local' as HomeId, tenant: acme, position: 2 };

const LOGGED = { ...CALL, seq: 2, record: {} as PlacementRecord };

function desk(calls: readonly (typeof LOGGED)[] = [LOGGED]) {
  const asked: { window: UsageWindow; after: UsageCursor | null }[] = [];
  const basis = { source: 'active', activation: 'act_1', since: null, contracts: [], events: [] } as const;
  const calledBy = {
    async *usage(window: UsageWindow, after: UsageCursor | null = null): AsyncGenerator<UsagePage> {
      asked.push({ window, after });
      if (after === null) yield { calls, open: [], cursor };
    },
    tenants: async () => [acme, rival],
    balances: () => [],
    books: { currency: 'USD', costs: {}, rates: [] },
    terms: termsOf([]),
    now: () => Date.UTC(2026, 2, 20, 12),
  };
  return { view: makeUsageView(calledBy, () => basis), asked };
}
const query = { groupBy: [], limit: 20 };
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => (error as { code: string }).code,
  );

describe('usage', () => {
  it('is that of the key’s own tenant, from the first of the month until now', async () => {
    const { view, asked } = desk();
    await view.groups(caller('read'), query);
    await view.calls(caller('auditor'), { ...query, tenant: 'acme' });
    for (const { window } of asked)
      expect(window).toEqual({ tenants: [acme], from: Date.UTC(2026, 2, 1), to: Date.UTC(2026, 2, 20, 12) + 1 });
    expect(asked).toHaveLength(2);
  });

  it('of every tenant is shown to an auditor of the deployment, each or all', async () => {
    const { view, asked } = desk();
    const all = { ...caller('auditor'), tenant: EVERY_TENANT };
    await view.groups(all, query);
    await view.calls(all, { ...query, tenant: '*' });
    await view.groups(all, { ...query, tenant: 'rival' });
    expect(asked.map(({ window }) => window.tenants)).toEqual([[acme, rival], [acme, rival], [rival]]);
    // The tenant alone opens nothing.
    expect(await codeOf(view.groups({ ...caller('read'), tenant: EVERY_TENANT }, query))).toBe('insufficient_scope');
  });

  it('commitments, which are sums over all tenants, are for those who see all', async () => {
    const { view } = desk();
    expect(await codeOf(view.commitments(caller('auditor'), query))).toBe('insufficient_scope');
    expect(await codeOf(view.commitments(caller('operator'), query))).toBeNull();
    expect(await codeOf(view.commitments({ ...caller('auditor'), tenant: EVERY_TENANT }, query))).toBeNull();
  });

  it('of others is for operators only', async () => {
    const { view, asked } = desk();
    for (const tenant of ['rival', '*']) {
      for (const scope of ['inference', 'read', 'auditor', 'admin']) {
        expect(await codeOf(view.groups(caller(scope), { ...query, tenant }))).toBe('insufficient_scope');
        expect(await codeOf(view.calls(caller(scope), { ...query, tenant }))).toBe('insufficient_scope');
      }
    }
    expect(asked).toEqual([]);
    await view.groups(caller('operator'), { ...query, tenant: 'rival' });
    await view.groups(caller('operator'), { ...query, tenant: '*' });
    expect(asked.map(({ window }) => window.tenants)).toEqual([[rival], [acme, rival]]);
  });

  it('goes on after a cursor, but not after another tenant’s', async () => {
    const { view, asked } = desk();
    const { next } = await view.calls(caller('read'), query);
    expect(await view.calls(caller('read'), { ...query, after: next ?? '' })).toEqual({
      object: 'list',
      data: [],
      next: null,
    });
    expect(asked[1]?.after).toEqual(cursor);
    const foreign = Buffer.from(JSON.stringify({ ...cursor, tenant: rival })).toString('base64url');
    for (const after of [foreign, 'xx', Buffer.from('{"home":1}').toString('base64url')])
      expect(await codeOf(view.calls(caller('read'), { ...query, after }))).toBe('invalid_request');
  });

  it('is paged by groups, in one order', async () => {
    const { view } = desk(['b', 'a', 'c'].map(key => ({ ...LOGGED, key })));
    const by = { groupBy: ['key'], limit: 2 };
    const first = await view.groups(caller('read'), by);
    expect([first.data.map(({ group }) => group['key']), first.has_more]).toEqual([['a', 'b'], true]);
    const second = await view.groups(caller('read'), { ...by, after: first.last_id ?? '' });
    expect([second.data.map(({ group }) => group['key']), second.has_more]).toEqual([['c'], false]);
    expect(await codeOf(view.groups(caller('read'), { ...by, after: 'none' }))).toBe('invalid_request');
  });

  it('has a bound of groups, and says so', async () => {
    const { view } = desk(Array.from({ length: GROUPS_MOST + 1 }, (_, i) => ({ ...LOGGED, key: `k${i}` })));
    expect(await codeOf(view.groups(caller('read'), { ...query, groupBy: ['key'] }))).toBe('invalid_request');
    expect((await view.groups(caller('read'), { ...query, groupBy: ['tenant'] })).data[0]?.calls).toBe(GROUPS_MOST + 1);
  });
});

describe('tranches', () => {
  const tranche = { id: 't', payer: 'a', payee: 'b', amount: 5n, before: null, noticeBusinessDays: 2 };
  const term = { ...tranche, due: { any: ['ipo-filed'] }, contract: 'c', contractFrom: null, contractTo: null };
  const at = Date.UTC(2026, 2, 20);
  const stated = async (events: readonly { readonly id: string; readonly date: string }[]) => {
    const terms = { ...termsOf([]), tranches: [term] };
    const none: AsyncIterable<UsagePage> = (async function* () {})();
    const usage = (): AsyncIterable<UsagePage> => none;
    const tenants = async (): Promise<readonly TenantId[]> => [];
    const books = { currency: 'USD', costs: {}, rates: [] };
    const money = { usage, tenants, balances: () => null, books, terms, now: () => at, events: eventDays(events) };
    return (await statementOf(money, at)).tranches[0];
  };

  it('begin their notice with the first day of what was recorded', async () => {
    const dates = ['2026-03-19', '2026-03-18', 'no day'].map(date => ({ id: 'ipo-filed', date }));
    expect(await stated(dates)).toMatchObject({ status: 'payable', payableOn: Date.UTC(2026, 2, 20) });
    expect(await stated(dates.slice(0, 1))).toMatchObject({ status: 'notice', payableOn: Date.UTC(2026, 2, 23) });
    expect(await stated([{ id: 'agi-verified', date: '2026-03-01' }])).toMatchObject({ status: 'waiting' });
  });
});
