import { expect, test } from 'vitest';
import { EVERY_TENANT, type Caller } from '../engine/caller.ts';
import { Rates } from '../engine/rate/rates.ts';
import { UNLIMITED } from '../engine/rate/rules.ts';
import { duration, openConnection, rateHeaders } from './rate-limit.ts';

test.each([
  [0, '0ms'],
  [1, '1ms'],
  [999, '999ms'],
  [1000, '1s'],
  [1500, '1.5s'],
  [59_999, '59.999s'],
  [60_000, '1m0s'],
  [360_000, '6m0s'],
  [3_600_000, '1h0m0s'],
  [86_340_500, '23h59m0.5s'],
])('%i ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

test('what is not limited has no headers', () => {
  expect(rateHeaders(null)).toEqual({});
  expect(rateHeaders({ requests: null, tokens: { limit: 10, remaining: 3, resetMs: 1500 } })).toEqual({
    'x-ratelimit-limit-tokens': 10,
    'x-ratelimit-remaining-tokens': 3,
    'x-ratelimit-reset-tokens': '1.5s',
  });
});

test('a connection counts as a request and holds its place; what comes by it counts too', () => {
  const caller: Caller = {
    tenant: EVERY_TENANT,
    principal: 'key_1',
    product: 'api',
    channel: 'direct',
    segment: 'commercial',
    scopes: [],
  };
  const rule = {
    ...UNLIMITED,
    per: 'key',
    tenant: null,
    key: null,
    requestsPerMinute: 3,
    concurrentRequests: 1,
  } as const;
  const rates = new Rates([rule], { monotonic: () => 0 });
  const connection = openConnection(rates, caller);
  expect(() => openConnection(rates, caller)).toThrow('1 requests at once');
  connection?.again();
  connection?.again();
  expect(() => connection?.again()).toThrow('3 requests a minute');
  connection?.close();
  expect(() => openConnection(rates, caller)).toThrow('3 requests a minute');
  expect(openConnection(new Rates([], { monotonic: () => 0 }), caller)).toBeNull();
});
