import { expect, test } from 'vitest';
import { CONFIG_BOUNDS } from './limits.ts';
import { parseConfig } from './load.ts';
import { problemOf } from './problem.test-support.ts';
import { RATE_BOUNDS } from './rate-limits.ts';

const target = { id: 'a', vendor: 'o', model: 'm', cloud: 'c', region: 'r', base_url: 'http://a' };

function read(rules: unknown) {
  return parseConfig(JSON.stringify({ targets: [target], rate_limits: rules }), {
    file: 'perdure.yaml',
    env: {},
    base: '.',
  }).config.rateLimits;
}

const problem = (rules: unknown): string | null => problemOf(() => read(rules));

test('what is left out limits nothing', () => {
  expect(read(undefined)).toEqual([]);
  expect(
    read([
      { tenant: 'acme', requests_per_minute: 5 },
      { key: 'key_1', per: 'key', tokens_per_minute: 7 },
    ]),
  ).toEqual([
    {
      per: 'key',
      tenant: 'acme',
      key: null,
      requestsPerMinute: 5,
      requestsPerDay: null,
      tokensPerMinute: null,
      concurrentRequests: null,
    },
    {
      per: 'key',
      tenant: null,
      key: 'key_1',
      requestsPerMinute: null,
      requestsPerDay: null,
      tokensPerMinute: 7,
      concurrentRequests: null,
    },
  ]);
});

test.each(Object.entries(RATE_BOUNDS))('%s is from 1 to its bound', (name, most) => {
  for (const value of [1, most]) expect(problem([{ [name]: value }])).toBeNull();
  for (const value of [0, most + 1, 1.5]) expect(problem([{ [name]: value }])).not.toBeNull();
});

test('there may be so many and no more', () => {
  const rules = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ key: `key_${i}`, requests_per_minute: 1 }));
  expect(problem(rules(CONFIG_BOUNDS.rateLimits))).toBeNull();
  expect(problem(rules(CONFIG_BOUNDS.rateLimits + 1))).not.toBeNull();
});

test.each([
  ['two of the same keys', [{ requests_per_day: 1 }, { tokens_per_minute: 1 }], 'is of the same keys as another'],
  ['a shared limit of one key', [{ per: 'tenant', key: 'k', requests_per_day: 1 }], 'cannot be named'],
  ['one that limits nothing', [{ tenant: 'acme' }], 'limits nothing'],
  ['an unknown word', [{ requests_per_hour: 1 }], 'requests_per_hour'],
])('%s is an error', (_, rules, message) => {
  expect(problem(rules)).toContain(message);
});
