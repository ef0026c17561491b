import type { PlacementPage, PlacementResource } from '@perdure/protocol';
import { afterEach, expect, test } from 'vitest';
import { type Customer, keyOf, marchConfig } from '../support/customers.ts';
import { MODEL, type Stack, startStack } from '../support/stack.ts';

/** Placements listed over the wire: filters, pages, whose they are. */
let stack: Stack;
afterEach(() => stack.close());

const listed = async (query: string): Promise<PlacementPage> =>
  (await (
    await stack.request('GET', `/perdure/v1/placements${query}`, { key: keyOf('api-direct') })
  ).json()) as PlacementPage;
const call = async (customer: Customer, body: { store?: boolean } = {}): Promise<void> => {
  await stack.openai(keyOf(customer)).responses.create({ model: MODEL, input: 'Hello.', ...body });
};

const idsOf = (page: { data: readonly PlacementResource[] }): readonly string[] => page.data.map(one => one.id);

test('is filtered by what was sold, where it went, which clause spoke and how it ended', async () => {
  stack = await startStack({ config: marchConfig() });
  await call('api-direct');
  await call('frontier-bedrock');
  await call('frontier-bedrock', { store: false });
  await expect(call('frontier-azure')).rejects.toMatchObject({ status: 403 });
  const counts = async (query: string): Promise<number> => (await listed(`?limit=100&${query}`)).data.length;
  expect(await counts('')).toBe(6);
  expect(await counts('product=frontier')).toBe(4);
  expect(await counts('product=frontier&channel=bedrock&action=infer')).toBe(2);
  expect(await counts('cloud=aws')).toBe(2);
  expect(await counts('target=azure-1')).toBe(2);
  expect(await counts('clause=amzn.inference')).toBe(1);
  expect(await counts('clause=openai-2026-02/amzn.state')).toBe(1);
  expect(await counts('clause=nothing.such')).toBe(0);
  expect(await counts('outcome=refused')).toBe(1);
  expect(await counts('purpose=state')).toBe(2);
  expect(await counts('from=2026-03-20')).toBe(6);
  expect(await counts('to=2026-03-20')).toBe(0);
  expect(await counts('from=2999-01-01')).toBe(0);
  for (const bad of ['from=yesterday', 'from=2026-02-30', 'outcome=lost', 'action=dance', 'limit=0', 'after=pcur_x']) {
    const answer = await stack.request('GET', `/perdure/v1/placements?${bad}`, { key: keyOf('api-direct') });
    expect([bad, answer.status]).toEqual([bad, 400]);
  }
});

test('pages over both homes without repeating or skipping, while new placements come', async () => {
  stack = await startStack({ config: marchConfig() });
  for (const customer of ['api-direct', 'frontier-bedrock', 'api-direct'] as const) await call(customer);
  for (const order of ['asc', 'desc'] as const) {
    const whole = await listed(`?limit=100&order=${order}`);
    const before = idsOf(whole);
    expect(whole).toMatchObject({ has_more: false, next: null });
    const [byCursor, byId]: [string[], string[]] = [[], []];
    let page = await listed(`?limit=1&order=${order}`);
    byCursor.push(...idsOf(page));
    await call('frontier-bedrock');
    while (page.next !== null) {
      page = await listed(`?limit=2&order=${order}&after=${page.next}`);
      byCursor.push(...idsOf(page));
    }
    let more = await listed(`?limit=2&order=${order}`);
    byId.push(...idsOf(more));
    while (more.has_more) {
      more = await listed(`?limit=2&order=${order}&after=${more.data.at(-1)?.id ?? ''}`);
      byId.push(...idsOf(more));
    }
    const known = byCursor.filter(id => before.includes(id));
    expect(known).toEqual(before);
    expect(new Set(byCursor).size).toBe(byCursor.length);
    expect(byId.filter(id => before.includes(id))).toEqual(before);
    expect(byId.length).toBe(before.length + 2);
  }
});

test('of another tenant needs the scope operator', async () => {
  const secret = (name: string): string => `a-secret-of-the-test-${name}`;
  const keys = [
    { name: 'one', secret: secret('one'), tenant: 'one' },
    { name: 'two', secret: secret('two'), tenant: 'two' },
    { name: 'ops', secret: secret('ops'), tenant: 'ops', scopes: ['read' as const, 'operator' as const] },
  ];
  stack = await startStack({ config: { keys } });
  await stack.openai(secret('one')).responses.create({ model: MODEL, input: 'Hello.' });
  const ask = async (name: string): Promise<readonly [number, number | undefined]> => {
    const answer = await stack.request('GET', '/perdure/v1/placements?tenant=one', { key: secret(name) });
    return [answer.status, ((await answer.json()) as { data?: unknown[] }).data?.length];
  };
  expect(await ask('one')).toEqual([200, 2]);
  expect(await ask('two')).toEqual([403, undefined]);
  expect(await ask('ops')).toEqual([200, 2]);
});
