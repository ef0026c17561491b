import { describe, expect, test } from 'vitest';
import type { SessionId, TenantId } from '../../kernel/ids.ts';
import type { Envelope } from '../../log/events.ts';
import { type RatedCall, Rates } from './rates.ts';
import { limitsOf, type RateRule, UNLIMITED } from './rules.ts';

const rule = (over: Partial<RateRule>): RateRule => ({ ...UNLIMITED, per: 'key', tenant: null, key: null, ...over });

function world(rules: readonly RateRule[]) {
  const time = { now: 0 };
  return { rates: new Rates(rules, { monotonic: () => time.now }), time };
}

const me = { tenant: 'acme', key: 'key_1' };
const session = 'sess_1' as SessionId;
const call = (input: number, output: number, over: Partial<RatedCall> = {}): RatedCall => ({
  ...me,
  session,
  call: 1,
  reserved: { input, output },
  ...over,
});
/** The commit that brings a call's meter. */
const meter = (input: number, output: number, index = 1): Envelope[] => [
  {
    tenant: me.tenant as TenantId,
    session,
    seq: 9,
    epoch: 1,
    at: 0,
    actor: 'engine',
    type: 'call.completed',
    head: {
      call: index,
      outcome: 'completed',
      reason: null,
      usage: { input, cached: 0, output, reasoning: 0 },
      upstream: { response: null, request: null },
      count: 1,
      calls: [],
    },
  },
];

describe('which limits hold', () => {
  const rules = [
    rule({ requestsPerMinute: 10, tokensPerMinute: 100 }),
    rule({ tenant: 'acme', requestsPerMinute: 20 }),
    rule({ key: 'key_1', requestsPerMinute: 30 }),
    rule({ per: 'tenant', tenant: 'acme', requestsPerMinute: 40 }),
  ];
  test.each([
    ['of all', { tenant: 'other', key: 'key_2' }, 10],
    ['of the tenant, before those of all', { tenant: 'acme', key: 'key_2' }, 20],
    ['of the key, before those of its tenant', me, 30],
  ])('%s', (_, subject, most) => {
    expect(limitsOf(rules, 'key', subject)).toEqual({ ...UNLIMITED, requestsPerMinute: most, tokensPerMinute: 100 });
  });
  test('that all keys of a tenant share', () => {
    expect(limitsOf(rules, 'tenant', me).requestsPerMinute).toBe(40);
    expect(limitsOf(rules, 'tenant', { tenant: 'other', key: 'x' })).toEqual(UNLIMITED);
  });
});

describe('requests', () => {
  test('as many as the limit pass, the next is told how long to wait, and passes then', () => {
    const { rates, time } = world([rule({ requestsPerMinute: 2 })]);
    rates.open(me);
    rates.open(me);
    expect(() => rates.open(me)).toThrow(
      expect.objectContaining({
        code: 'rate_limit_exceeded',
        status: 429,
        retryAfterMs: 30_000,
        details: { limit: 'requests_per_minute', per: 'key', most: 2 },
      }),
    );
    time.now = 29_999;
    expect(() => rates.open(me)).toThrow('try again in 0.01 s');
    time.now = 30_000;
    expect(rates.standing(me)?.requests).toEqual({ limit: 2, remaining: 1, resetMs: 30_000 });
    rates.open(me);
    expect(() => rates.open(me)).toThrow('2 requests a minute');
  });

  test('what is refused by one limit counts against no other', () => {
    const { rates, time } = world([rule({ requestsPerMinute: 1, requestsPerDay: 2 })]);
    rates.open(me);
    for (let i = 0; i < 10; i++) expect(() => rates.open(me)).toThrow('a minute');
    time.now = 60_000;
    rates.open(me);
    time.now = 120_000;
    expect(() => rates.open(me)).toThrow(
      expect.objectContaining({ details: { limit: 'requests_per_day', per: 'key', most: 2 } }),
    );
    expect(rates.standing(me)?.requests).toMatchObject({ limit: 2, remaining: 0 });
  });

  test('of other keys do not count, unless they share the limit of their tenant', () => {
    const { rates } = world([rule({ requestsPerMinute: 1 }), rule({ per: 'tenant', requestsPerMinute: 2 })]);
    rates.open(me);
    rates.open({ ...me, key: 'key_2' });
    expect(() => rates.open({ ...me, key: 'key_3' })).toThrow(
      expect.objectContaining({ details: { limit: 'requests_per_minute', per: 'tenant', most: 2 } }),
    );
    expect(rates.open({ tenant: 'other', key: 'key_1' })).not.toBeNull();
  });

  test('several for one are taken all or none, and what never fits together has no wait', () => {
    const { rates, time } = world([rule({ requestsPerMinute: 4, concurrentRequests: 3 })]);
    const one = rates.open(me);
    one?.more(2);
    expect(() => rates.open(me)).toThrow('3 requests at once');
    one?.close();
    one?.close();
    const two = rates.open(me);
    // Four are counted; none of the next two is.
    expect(() => two?.more(2)).toThrow(expect.objectContaining({ retryAfterMs: 30_000 }));
    expect(rates.standing(me)?.requests).toMatchObject({ remaining: 0 });
    expect(() => two?.more(3)).toThrow(
      expect.objectContaining({
        retryAfterMs: Number.POSITIVE_INFINITY,
        message: 'This key may make 3 requests at once; ask for fewer choices.',
      }),
    );
    time.now = 30_000;
    two?.more(2);
    expect(rates.standing(me)?.requests).toMatchObject({ remaining: 0 });
    expect(() => rates.open(me)).toThrow('3 requests at once');
    two?.close();
    time.now = 60_000;
    expect(rates.open(me)).not.toBeNull();
    const few = world([rule({ requestsPerMinute: 2 })]).rates.open(me);
    expect(() => few?.more(2)).toThrow(expect.objectContaining({ retryAfterMs: Number.POSITIVE_INFINITY }));
    few?.more(1);
  });

  test('open at once are bounded, each until it is closed once', () => {
    const { rates } = world([rule({ concurrentRequests: 2 })]);
    const first = rates.open(me);
    rates.open(me);
    expect(() => rates.open(me)).toThrow(
      expect.objectContaining({ retryAfterMs: 1000, details: { limit: 'concurrent_requests', per: 'key', most: 2 } }),
    );
    first?.close();
    first?.close();
    rates.open(me);
    expect(() => rates.open(me)).toThrow('2 requests at once');
  });

  test('on one connection count each', () => {
    const { rates } = world([rule({ requestsPerMinute: 2, concurrentRequests: 1 })]);
    const connection = rates.open(me);
    connection?.again();
    expect(() => connection?.again()).toThrow('2 requests a minute');
  });

  test('without a rule nothing is counted', () => {
    const { rates } = world([]);
    expect([rates.open(me), rates.standing(me), rates.hold(call(1e9, 1e9)), rates.size]).toEqual([null, null, null, 0]);
  });
});

describe('R2: tokens', () => {
  test('are held with estimate and bound, exactly up to the limit', () => {
    const { rates } = world([rule({ tokensPerMinute: 1000 })]);
    expect(rates.hold(call(400, 599))).toBeNull();
    expect(rates.standing(me)?.tokens?.remaining).toBe(1);
    expect(rates.hold(call(1, 1, { session: 'sess_2' as SessionId }))).toMatchObject({
      code: 'rate_limit_exceeded',
      retryAfterMs: 60,
      details: { limit: 'tokens_per_minute', per: 'key', most: 1000 },
    });
    expect(rates.hold(call(1, 0, { session: 'sess_3' as SessionId }))).toBeNull();
  });

  test('of the meter replace what was held: less comes back, more is waited for', () => {
    const { rates } = world([rule({ tokensPerMinute: 1000 })]);
    rates.hold(call(100, 900));
    rates.committed(meter(100, 50));
    expect(rates.standing(me)?.tokens?.remaining).toBe(850);
    rates.committed(meter(100, 50));
    expect(rates.standing(me)?.tokens?.remaining).toBe(850);
    rates.hold(call(100, 100));
    rates.committed(meter(1000, 350));
    expect(rates.standing(me)?.tokens).toEqual({ limit: 1000, remaining: 0, resetMs: 90_000 });
    expect(rates.hold(call(1, 0))).toMatchObject({ retryAfterMs: 30_060 });
  });

  test('of a call that was not placed come back', () => {
    const { rates } = world([rule({ tokensPerMinute: 1000 })]);
    rates.hold(call(500, 500));
    rates.drop(session, 1);
    expect(rates.standing(me)?.tokens?.remaining).toBe(1000);
    rates.hold(call(500, 500));
    rates.settle('sess_2' as SessionId);
    expect(rates.standing(me)?.tokens?.remaining).toBe(0);
    rates.settle(session);
    expect(rates.standing(me)?.tokens?.remaining).toBe(1000);
  });

  test('a bound above the limit waits until nothing is in use; an input above it never fits', () => {
    const { rates, time } = world([rule({ tokensPerMinute: 1000 })]);
    expect(rates.hold(call(1001, 0))).toMatchObject({ retryAfterMs: Number.POSITIVE_INFINITY });
    expect(rates.hold(call(1000, 16_384))).toBeNull();
    rates.committed(meter(1, 0));
    expect(rates.hold(call(1, 16_384))).toMatchObject({ retryAfterMs: 60 });
    time.now = 60;
    expect(rates.hold(call(1, 16_384))).toBeNull();
  });

  test('R3: of later calls of a turn are counted, never refused', () => {
    const { rates } = world([rule({ tokensPerMinute: 1000 })]);
    rates.hold(call(500, 500));
    rates.committed(meter(500, 500));
    expect(rates.hold(call(2000, 500, { call: 2 }))).toBeNull();
    rates.committed(meter(400, 100, 2));
    expect(rates.standing(me)?.tokens).toEqual({ limit: 1000, remaining: 0, resetMs: 90_000 });
  });
});

describe('R4: memory', () => {
  test('accounts that say no more than new ones are let go of; others are kept', () => {
    const { rates, time } = world([rule({ requestsPerMinute: 5, concurrentRequests: 5 })]);
    rates.open({ ...me, key: 'open' });
    for (let i = 0; i < 20_000; i++) {
      time.now += 100;
      rates.open({ ...me, key: `key_${i}` })?.close();
      // Of each comes one for itself and one for its tenant; a request drains in 12 s, which are 120 keys.
      expect(rates.size).toBeLessThan(1030);
    }
    for (let i = 0; i < 4; i++) rates.open({ ...me, key: 'open' });
    expect(() => rates.open({ ...me, key: 'open' })).toThrow('at once');
  });

  test('a call that holds tokens keeps its account', () => {
    const { rates, time } = world([rule({ tokensPerMinute: 1000 })]);
    rates.hold(call(0, 1000));
    time.now = 3_600_000;
    for (let i = 0; i < 3000; i++) rates.open({ ...me, key: `key_${i}` });
    rates.committed(meter(0, 3000));
    expect(rates.standing(me)?.tokens).toMatchObject({ remaining: 0, resetMs: 120_000 });
  });
});
