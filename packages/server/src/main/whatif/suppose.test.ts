/** What a what-if lays over what placements were decided on, and what calls cost in it. */
import { expect, test } from 'vitest';
import { rate } from '../../money/usage.ts';
import { target } from '../../placement/fixture.test-support.ts';
import { contractFolder, readContractFolder } from '../contracts.ts';
import { makeSuppositions } from './suppose.ts';

const document = (events?: readonly { id: string; date: string; source: string }[]): string =>
  JSON.stringify({
    form: 1,
    places: [target('azure', 'azure'), target('aws', 'aws')],
    contracts: [readContractFolder(contractFolder('openai-2026-02', '/'))],
    reading: null,
    enforce: true,
    onAmbiguity: 'flag',
    weights: { price: 1, latency: 1, affinity: 200 },
    ...(events !== undefined && { events }),
  });

const NO_BOOKS = { currency: 'USD', costs: {}, rates: [] };

test.each([
  ['none', undefined, ['agi-verified 2026-03-01']],
  [
    'another',
    [{ id: 'ipo-filed', date: '2026-02-01', source: 'x' }],
    ['ipo-filed 2026-02-01', 'agi-verified 2026-03-01'],
  ],
  ['the same', [{ id: 'agi-verified', date: '2027-01-01', source: 'x' }], ['agi-verified 2026-03-01']],
])('a supposed event, where %s is recorded', async (_, recorded, expected) => {
  const events = [{ id: 'agi-verified', date: '2026-03-01' }];
  const suppositions = makeSuppositions(
    { contracts: null, reading: null, events },
    async () => document(recorded),
    NO_BOOKS,
  );
  const supposition = await suppositions.of('v');
  expect(supposition?.supposed.recorded.events.map(({ id, date }) => `${id} ${date}`)).toEqual(expected);
  expect(supposition?.recorded.recorded.events).toEqual(recorded ?? []);
});

test('a call costs what usage says: by the price book of its day, else by the prices that its placement saw', async () => {
  const march = Date.UTC(2026, 2, 20);
  const book = [
    {
      from: null,
      prices: { input: 3_000_001, cached: 300_000, written: 3_750_001, output: 12_000_000, reasoning: 20_000_000 },
    },
    {
      from: march,
      prices: { input: 2_000_001, cached: 200_000, written: 2_500_001, output: 11_000_000, reasoning: 19_000_000 },
    },
  ];
  const books = { currency: 'USD', costs: { aws: book }, rates: [] };
  const suppositions = makeSuppositions({ contracts: null, reading: null, events: [] }, async () => document(), books);
  const cost = (await suppositions.of('v'))?.cost;
  const usage = { input: 1001, cached: 77, written: 501, output: 313, reasoning: 13 };
  const seen = { input: 1_250_000, cached: 125_000, written: 1_250_000, output: 10_000_000, reasoning: 10_000_000 };
  for (const [place, at] of [
    ['aws', march],
    ['aws', march - 1],
    ['azure', march],
  ] as const) {
    const call = { target: place, at, usage, seen, purpose: 'turn' } as unknown as Parameters<typeof rate>[0];
    expect(cost?.(place, usage, at), `${place} ${at}`).toBe(rate(call, books).cost);
  }
  expect(cost?.('aws', usage, march)).not.toBe(cost?.('aws', usage, march - 1));
  expect(cost?.('nowhere', usage, march)).toBe(0n);
});

test('a reading is laid over what has it, the rest stays; it must be one of something that was seen', async () => {
  const without = JSON.stringify({ ...(JSON.parse(document()) as object), contracts: [] });
  const read = (reading: string) =>
    makeSuppositions(
      { contracts: null, reading, events: [{ id: 'ipo-filed', date: '2026-03-01' }] },
      async version => (version === 'with' ? document() : without),
      NO_BOOKS,
    );
  const known = read('microsoft');
  known.mustHaveRead();
  const stays = await known.of('without');
  expect([stays?.stays, stays?.readings, stays?.supposed === stays?.recorded]).toEqual([true, 'session', true]);
  expect(() => known.mustHaveRead()).toThrow('(there are: none)');
  expect((await known.of('with'))?.stays).toBeUndefined();
  known.mustHaveRead();
  const unknown = read('microsft');
  expect((await unknown.of('with'))?.stays).toBe(true);
  expect(() => unknown.mustHaveRead()).toThrow('--reading microsft: no contract');
});

test('another price, rate card or contract is another digest; another order of targets is not', () => {
  const book = (input: number) => [{ from: null, prices: { input, cached: 1, written: 1, output: 1, reasoning: 1 } }];
  const digests = (costs: Record<string, ReturnType<typeof book>>, contracts: readonly string[] | null = null) =>
    makeSuppositions({ contracts, reading: null, events: [] }, async () => document(), { ...NO_BOOKS, costs }).digests;
  const one = digests({ aws: book(1), azure: book(2) });
  expect(digests({ azure: book(2), aws: book(1) })).toEqual(one);
  expect(digests({ aws: book(1), azure: book(3) })).toMatchObject({ rates: one.rates, contracts: one.contracts });
  expect(digests({ aws: book(1), azure: book(3) }).prices).not.toBe(one.prices);
  expect(digests({}, [contractFolder('openai-2026-02', '/')]).contracts).not.toBe(one.contracts);
});
