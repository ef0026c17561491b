import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MOST_USD } from './manifest-words.ts';
import { moneyKeys } from './money-terms.ts';

const caps = z.strictObject(moneyKeys);
const parse = (cap: unknown) => caps.safeParse({ caps: [cap] });
const cap = { id: 'monthly', amount_usd: 1, per: 'month' };

describe('a budget cap', () => {
  test.each(['month', 'day', 'total'])('per %s', per => {
    expect(parse({ ...cap, per }).data?.caps).toEqual([
      { ...cap, per, scope: { tenant: null, product: null, channel: null, cloud: null } },
    ]);
  });

  test.each(['tenant', 'product', 'channel', 'cloud'])('of one %s, named as the configuration names it', key => {
    expect(parse({ ...cap, scope: { [key]: 'Team_A' } }).data?.caps[0]?.scope).toMatchObject({ [key]: 'Team_A' });
    expect(parse({ ...cap, scope: { [key]: 'x'.repeat(64) } }).success).toBe(true);
    expect(parse({ ...cap, scope: { [key]: 'x'.repeat(65) } }).success).toBe(false);
    expect(parse({ ...cap, scope: { [key]: '' } }).success).toBe(false);
  });

  test.each([
    ['of nothing', { amount_usd: 0 }],
    ['of part of a micro-unit', { amount_usd: 0.000_000_5 }],
    ['of more than the most', { amount_usd: MOST_USD + 0.01 }],
    ['per week', { per: 'week' }],
    ['with a scope that is none', { scope: { team: 'a' } }],
    ['with a key that is none', { currency: 'eur' }],
  ])('%s is refused', (_, wrong) => {
    expect(parse({ ...cap, ...wrong }).success).toBe(false);
  });

  test.each([0.000_001, 0.5, MOST_USD])('of %d dollars', amount_usd => {
    expect(parse({ ...cap, amount_usd }).success).toBe(true);
  });
});
