/** Random rows of usage. */
import * as fc from 'fast-check';
import type { Books, TokenPrices } from './prices.ts';
import { type MeteredCall, rate, type UsageRow } from './usage.ts';

export const MARCH: number = Date.UTC(2026, 2, 1);

export const CALL: MeteredCall = {
  id: 'plc_1_1',
  session: 'sess_1',
  response: null,
  at: MARCH,
  meteredAt: MARCH + 50,
  tenant: 'acme',
  key: 'key_1',
  product: 'api',
  channel: 'direct',
  seller: 'openai',
  segment: 'commercial',
  purpose: 'turn',
  vendor: 'openai',
  model: 'gpt',
  target: 'azure-east',
  cloud: 'azure',
  region: 'eastus2',
  accelerator: 'gpu',
  seen: null,
  contracts: ['joint@1:as-written'],
  clauses: ['joint.stateless'],
  outcome: 'completed',
  metered: 'exact',
  usage: { input: 1000, cached: 200, output: 50, reasoning: 10 },
  upstream: { response: 'up_resp', request: 'up_req' },
};

const price = fc.integer({ min: 0, max: 100_000_000 });
export const somePrices: fc.Arbitrary<TokenPrices> = fc.record({
  input: price,
  cached: price,
  written: price,
  output: price,
  reasoning: price,
});

export const someBooks: fc.Arbitrary<Books> = fc.record({
  currency: fc.constant('USD'),
  costs: fc.record({
    'azure-east': fc.array(
      fc.record({ from: fc.option(fc.integer({ min: MARCH, max: MARCH + 60 * 86_400_000 })), prices: somePrices }),
      { maxLength: 3 },
    ),
    'aws-east': fc.constant([{ from: null, prices: { input: 3, cached: 1, written: 4, output: 7, reasoning: 9 } }]),
  }),
  rates: fc.array(
    fc.record({
      product: fc.constantFrom('api', 'frontier', null),
      channel: fc.constantFrom('direct', 'bedrock', null),
      model: fc.constantFrom('gpt', null),
      from: fc.option(fc.integer({ min: MARCH, max: MARCH + 60 * 86_400_000 })),
      prices: somePrices,
    }),
    { maxLength: 4 },
  ),
});

const count = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 2_000_000 }));

export const someCall: fc.Arbitrary<MeteredCall> = fc
  .record({
    id: fc.uuid(),
    at: fc.integer({ min: MARCH, max: MARCH + 70 * 86_400_000 }),
    late: fc.integer({ min: 0, max: 5 * 86_400_000 }),
    tenant: fc.constantFrom('acme', 'rival'),
    product: fc.constantFrom('api', 'frontier'),
    channel: fc.constantFrom('direct', 'bedrock'),
    purpose: fc.constantFrom('turn', 'lab', 'eval', 'shadow', 'probe', 'compaction'),
    target: fc.constantFrom('azure-east', 'aws-east', 'gone'),
    cloud: fc.constantFrom('azure', 'aws'),
    vendor: fc.constantFrom('openai', 'other'),
    clauses: fc.uniqueArray(fc.constantFrom('a', 'b', 'c')),
    metered: fc.constantFrom('exact' as const, 'bound' as const),
    usage: fc.record(
      { input: count, cached: count, output: count, reasoning: count, written: count },
      { requiredKeys: ['input', 'cached', 'output', 'reasoning'] },
    ),
  })
  .map(({ late, ...fields }) => ({ ...CALL, ...fields, meteredAt: fields.at + late }));

export const someRows: fc.Arbitrary<{ readonly rows: readonly UsageRow[]; readonly books: Books }> = fc
  .tuple(fc.array(someCall, { maxLength: 30 }), someBooks)
  .map(([calls, books]) => ({ rows: calls.map(call => rate(call, books)), books }));
